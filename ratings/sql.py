"""Raw SQL for hot queries, and vectors read from its results."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import connection
from jaxtyping import Float
from pgvector import HalfVector

CURRENT_PROJECTION = "(SELECT id FROM ratings_projection WHERE state = 'current')"
FILLING_PROJECTION = "(SELECT id FROM ratings_projection WHERE state = 'filling')"

# For rows that can be computed again: commit without waiting for the disk. After a crash of the machine the sweeper finds the fit behind.
MAY_BE_LOST = "(SELECT set_config('synchronous_commit', 'off', true)) AS lost"


def rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def columns(found: Sequence[tuple[Any, ...]], count: int) -> list[tuple[Any, ...]]:
    """Rows as columns; empty columns where there are no rows."""
    return list(zip(*found, strict=True)) if found else [()] * count


def vectors(column: Sequence[bytes], width: int) -> Float[np.ndarray, "rows width"]:
    """Vectors in the form of `halfvec_send`: two 16-bit counts, then the numbers, big-endian. Far faster to read than text."""
    if not column:
        return np.zeros((0, width), dtype=np.float32)
    return np.stack([np.frombuffer(sent, dtype=">f2", offset=4) for sent in column]).astype(np.float32)


def to_list(vector: Any) -> list[float]:
    """A vector as a list, whichever type Django returned."""
    return vector.to_list() if isinstance(vector, HalfVector) else list(vector)


def to_text(vector: Any) -> str:
    """A vector as a query parameter: `%s::halfvec`."""
    return HalfVector(to_list(vector)).to_text()
