"""Who runs PostgreSQL: it refuses to run as root, so root lends it an account of its own."""

import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

ACCOUNT = "pgserver"
FALLBACK = "nobody"  # every system has it; taken where no account can be made


@cache
def server_account() -> str | None:
    """The account that PostgreSQL runs under; None where PAV is not run by root."""
    if os.geteuid() != 0:
        return None
    for _attempt in range(2):
        try:
            return pwd.getpwnam(ACCOUNT).pw_name
        except KeyError:
            try:
                subprocess.run(
                    ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT], check=True, capture_output=True
                )
            except (OSError, subprocess.CalledProcessError):
                break
    return FALLBACK


def identity(account: str | None) -> dict[str, Any]:
    """What `subprocess` needs to run a program under an account: with root's groups kept, group permissions would shut it out."""
    return {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": []} if account else {}


def is_ours(folder: Path) -> bool:
    """Whether a folder belongs to whoever runs PAV, or to the account that it lent to PostgreSQL."""
    account = server_account()
    return folder.stat().st_uid in {os.geteuid(), *([pwd.getpwnam(account).pw_uid] if account else [])}


def open_to_server(*reach: Path, own: Sequence[Path]) -> None:
    """Let PostgreSQL's account pass through to some folders, and own others. Nothing is done where PAV is not run by root."""
    account = server_account()
    if account is None:
        return
    for path in reach:
        for folder in (path, *path.parents):
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)  # to pass, not to read
    entry = pwd.getpwnam(account)
    for folder in own:
        if folder.exists() and folder.stat().st_uid != entry.pw_uid:
            os.chown(folder, entry.pw_uid, entry.pw_gid)
