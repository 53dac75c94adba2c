"""System account for the embedded PostgreSQL, which refuses to run as root."""

import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypedDict

ACCOUNT = "pgserver"
FALLBACK = "nobody"  # exists on every system; used where no account can be created


class Identity(TypedDict, total=False):
    """Arguments of `subprocess` that say which account a program runs under."""

    user: str
    group: int
    extra_groups: list[int]


@cache
def server_account() -> str | None:
    """The account that PostgreSQL runs under; None where PAV does not run as root."""
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


def identity(account: str | None) -> Identity:
    """Arguments for `subprocess` to run a program under an account. They drop root's groups, whose permissions could lock it out."""
    return {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": []} if account else {}


def is_ours(folder: Path) -> bool:
    """Whether a folder belongs to the user who runs PAV, or to the account that PostgreSQL runs under."""
    account = server_account()
    return folder.stat().st_uid in {os.geteuid(), *([pwd.getpwnam(account).pw_uid] if account else [])}


def open_to_server(*reach: Path, own: Sequence[Path]) -> None:
    """Let PostgreSQL's account traverse the folders in `reach`, and make it the owner of those in `own`. Only root needs this."""
    account = server_account()
    if account is None:
        return
    for path in reach:
        for folder in (path, *path.parents):
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)  # permission to traverse, not to list
    entry = pwd.getpwnam(account)
    for folder in own:
        if folder.exists() and folder.stat().st_uid != entry.pw_uid:
            os.chown(folder, entry.pw_uid, entry.pw_gid)
