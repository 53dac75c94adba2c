"""The lock between storing features and activating a version: of a projection, or of the population prior. Held until commit.

Features are stored under the shared lock, a version is activated under the exclusive one: so it misses no photo.
"""

from django.db import connection

VERSION_LOCK = 0x504F50  # key of the advisory lock


def lock_to_store_features() -> None:
    """Wait until no version is being activated."""
    _lock("pg_advisory_xact_lock_shared")


def lock_to_activate() -> None:
    """Wait until no features are being stored, and no other version activated."""
    _lock("pg_advisory_xact_lock")


def _lock(how: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {how}(%s, 0)", [VERSION_LOCK])
