"""Ratings as CSV. Each column is declared once: header, meaning, value."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ratings.deck.models import RatingEvent
from ratings.deck.selectors import current_ratings


@dataclass(frozen=True)
class Column:
    """One column of the export."""

    name: str
    about: str
    value: Callable[[RatingEvent], object]


COLUMNS = (
    Column("image", "File name of the photo as it was imported.", lambda event: event.presentation.photo.name),
    Column("rater", "Pseudonym of the rater: a random UUID.", lambda event: event.rater_id),
    Column("score", "1 dislike, 2 like, 3 love. Skips and undone ratings are left out.", lambda event: event.value),
    Column("time", "When the rating arrived: ISO 8601, UTC.", lambda event: event.created_at.isoformat()),
    Column(
        "on_screen_ms", "How long the photo was visible before the rating, in milliseconds; may be empty.", lambda event: event.on_screen_ms
    ),
    Column("modality", "touch, mouse, pen, key or button; may be empty.", lambda event: event.modality),
    Column("seq", "Number of the rating among this rater's events.", lambda event: event.seq),
    Column("algorithm", "Why the photo was presented: teach, explore or random.", lambda event: event.presentation.algorithm),
    Column("photo", "Number of the photo in this installation.", lambda event: event.presentation.photo_id),
)


class _Line:
    """A file whose write returns the text."""

    def write(self, text: str) -> str:
        return text


def ratings_csv() -> Iterator[str]:
    """The table line by line, header first, with a byte order mark for spreadsheets."""
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow([column.name for column in COLUMNS])
    catalogue = current_ratings().filter(presentation__photo__owner=None)  # own photos, and what their owners say of them, are private
    for event in catalogue.iterator(chunk_size=2000):
        yield writer.writerow([_escaped(column.value(event)) for column in COLUMNS])


def _escaped(value: object) -> object:
    """Quote text that a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
