"""Threads that wait for what another transaction holds."""

import threading
import time

from ratings.sql import rows


def comes_to_wait(thread: threading.Thread) -> bool:
    """Whether a thread comes to wait for a lock of this connection, rather than to its end."""
    while thread.is_alive():
        if rows("SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))", {}):
            return True
        time.sleep(0.01)
    return False
