"""What a deck and a ranking are about: the catalogue, or one album."""

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from ratings.errors import RatingError
from ratings.sql import rows

OWNER_OF_ALBUM = "(SELECT owner_id FROM ratings_album WHERE id = %(album)s)"


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

    def owned(self, features: str) -> str:
        """SQL that is true for a row of features whose photo has the scope's owner. Every photo of the scope has: it spares reading those
        of others, which an index of owners leaves out."""
        if self.album is None:
            return f"{features}.owner IS NULL"
        return f"{features}.owner = {OWNER_OF_ALBUM}"

    def features(self, features: str) -> str:
        """SQL that is true for a row of features of a photo in the scope, without reading the photo where that is possible."""
        if self.album is None:
            return self.owned(features)
        inside = "SELECT a.photo_id FROM ratings_albumphoto a WHERE a.album_id = %(album)s"
        # Of the owner's photos in the bin, not of all others: an index has only those in a bin, and they are few.
        binned = f"SELECT b.id FROM ratings_photo b WHERE b.binned_at IS NOT NULL AND {OWNER_OF_ALBUM} = b.owner_id"  # noqa: S608 (constants)
        return f"{self.owned(features)} AND {features}.photo_id IN ({inside}) AND {features}.photo_id NOT IN ({binned})"

    @property
    def parameters(self) -> dict[str, object]:
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
