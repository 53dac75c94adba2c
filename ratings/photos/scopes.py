"""What a deck and a ranking are about: the catalogue, or one album."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from ratings.errors import RatingError
from ratings.sql import rows


class UnknownAlbum(RatingError):
    """Also for albums of others: a stranger learns nothing from the answer."""

    status = 404
    sentence = _("There is no such album, or it is not yours to see.")


@dataclass(frozen=True)
class Scope:
    """The photos without an owner, or those of one album. Photos in the bin are in no scope."""

    album: UUID | None = None

    @property
    def key(self) -> str:
        """Its name in stored JSON, in messages and in Redis."""
        return str(self.album or "catalogue")

    @property
    def condition(self) -> str:
        """SQL that is true for a photo `p` in the scope; the statement also needs `parameters`."""
        if self.album is None:
            return "p.owner_id IS NULL"
        return "p.binned_at IS NULL AND p.id IN (SELECT a.photo_id FROM ratings_albumphoto a WHERE a.album_id = %(album)s)"

    @property
    def parameters(self) -> dict[str, Any]:
        return {} if self.album is None else {"album": self.album}


CATALOGUE = Scope()


def scope_of(rater_id: UUID, album: UUID | None) -> Scope:
    """The scope of a request: the catalogue, or an album of this rater.

    Raises:
        UnknownAlbum: there is no such album, or it belongs to somebody else.
    """
    if album is not None and not rows(
        "SELECT FROM ratings_album WHERE id = %(album)s AND owner_id = %(rater)s", {"album": album, "rater": rater_id}
    ):
        raise UnknownAlbum
    return Scope(album)


def scope_from_key(key: str) -> Scope:
    """The scope of a `Scope.key`."""
    return CATALOGUE if key == CATALOGUE.key else Scope(UUID(key))


def revision_of(scope: Scope) -> str:
    """SQL of a number that rises when photos come into the scope, leave it, or can be ranked; the statement needs `Scope.parameters`."""
    table = "ratings_catalogue LIMIT 1" if scope == CATALOGUE else "ratings_album WHERE id = %(album)s"
    return f"SELECT coalesce((SELECT revision FROM {table}), 0)"  # noqa: S608 (constants)


def revision(scope: Scope) -> int:
    """That number; 0 for an album that is gone."""
    return int(rows(revision_of(scope), scope.parameters)[0][0])
