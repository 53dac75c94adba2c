"""Program definitions of a complete PAV on one machine, for the supervisor."""

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from pav_site.embedded import Services
from pav_site.environment import BASE
from pav_site.supervisor import Program


def services(embedded: Services) -> list[Program]:
    """The embedded services. Leftovers of a kill -9 are cleared before every start."""
    return [
        Program(
            name=name,
            command=embedded.command(name),
            log=embedded.log(name),
            user=embedded.account(name),
            stage=0,
            before=partial(embedded.clear, name),
        )
        for name in embedded.names
    ]


def site(folder: Path, addresses: Mapping[str, str], port: int, environment: Mapping[str, str] = MappingProxyType({})) -> list[Program]:
    """The web server; the worker of queue `refit`, which also sends the periodic tasks; and the worker of queue `gpu`."""
    common = {**environment, "PAV_VAR": str(folder), "DATABASE_URL": addresses["postgres"], "REDIS_URL": addresses["redis"]}
    commands = {
        "web": ["serve", "--port", str(port)],
        "refit": ["worker", "--queue", "refit", "--beat"],
        "gpu": ["worker", "--queue", "gpu"],
    }
    return [
        Program(
            name=name,
            command=[sys.executable, str(BASE / "manage.py"), *command, "--with-parent"],
            log=folder / "logs" / f"{name}.log",
            environment=common | ({} if name != "gpu" else {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) - 1))}),
        )
        for name, command in commands.items()
    ]
