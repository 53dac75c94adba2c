"""What is pushed after a change: the rankings of the scopes that pages have open, read within the transaction of the change."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from ratings.photos.scopes import Scope
from ratings.photos.services import mark_changed
from ratings.ranking import events, selectors
from ratings.ranking.open_scopes import known_open
from ratings.sql import rows


def push_rankings(rater_id: UUID, shown: Sequence[Scope]) -> None:
    """Push the rater's ranking of these scopes after commit. Call within the transaction that changes it, so that no push shows another
    version than it names."""
    for scope in shown:
        message = selectors.ranking_message(rater_id, settings.PAV["TOP"], scope=scope)
        transaction.on_commit(partial(events.push_ranking, rater_id, message))


def photos_changed(photo_ids: Sequence[int]) -> None:
    """Raise the revisions of the scopes that have some of these photos, and push those of albums that are open. Call within the transaction
    by which the photos came, went or can be ranked.

    Pages of the catalogue, which all raters may have open, ask by themselves while photos come.
    """
    mark_changed(photo_ids)
    found = rows(
        """SELECT DISTINCT b.owner_id, b.id FROM ratings_album b JOIN ratings_albumphoto a ON a.album_id = b.id
        WHERE a.photo_id = ANY(%(photos)s)""",
        {"photos": list(photo_ids)},
    )
    albums: dict[UUID, list[Scope]] = {}
    for owner, album in found:
        albums.setdefault(owner, []).append(Scope(album))
    for owner, changed in albums.items():
        push_open(owner, changed)


def push_open(rater_id: UUID, changed: Sequence[Scope]) -> None:
    """Push the rater's ranking of those of the scopes that are open. Call within the transaction that changes them."""
    push_rankings(rater_id, [scope for scope in known_open(rater_id) if scope in changed])
