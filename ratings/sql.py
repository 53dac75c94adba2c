"""Statements as SQL where Django's words would be slower or longer, and vectors read from what they give."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import connection
from jaxtyping import Float
from pgvector import HalfVector

MINE = "(p.owner_id IS NULL OR p.owner_id = %(person)s)"  # the catalogue and one's own album

# For what can be computed again: the transaction does not wait for the disk. After a crash of the machine the sweeper finds the fit behind.
MAY_BE_LOST = "(SELECT set_config('synchronous_commit', 'off', true)) AS lost"


def rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def columns(found: Sequence[tuple[Any, ...]], count: int) -> list[tuple[Any, ...]]:
    """Rows turned into columns; empty ones where there are no rows."""
    return list(zip(*found, strict=True)) if found else [()] * count


def vectors(column: Sequence[bytes], width: int) -> Float[np.ndarray, "rows width"]:
    """What `halfvec_send` gives, two 16-bit counts and then the numbers, big-endian: far faster to read than text."""
    if not column:
        return np.zeros((0, width), dtype=np.float32)
    return np.stack([np.frombuffer(sent, dtype=">f2", offset=4) for sent in column]).astype(np.float32)


def to_list(vector: Any) -> list[float]:
    """The numbers of a vector, whichever way Django gave it."""
    return vector.to_list() if isinstance(vector, HalfVector) else list(vector)


def to_text(vector: Any) -> str:
    """A vector as a parameter: `%s::halfvec`."""
    return HalfVector(to_list(vector)).to_text()
