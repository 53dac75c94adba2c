"""API schemas of downloads."""

from typing import Literal
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from ninja import Field, Schema

from ratings.downloads import services
from ratings.downloads.models import Download
from ratings.downloads.services import Choices
from ratings.downloads.stars import USUAL_SHARES


class DownloadIn(Schema):
    album: UUID
    photos: list[int] | None = Field(None, max_length=20_000, description="Ids; without, all photos of the album.")
    size: Literal["originals", "reduced"] = Field("originals", description="reduced: at most 2048 pixels.")
    stars: Literal["embedded", "sidecars", "none"] = Field("embedded", description="embedded: into JPEG files; all others get sidecars.")
    sidecar_names: Literal["stem", "whole"] = Field("stem", description="`IMG.xmp`, or `IMG.jpg.xmp`.")
    shares: list[int] = Field(list(USUAL_SHARES), min_length=5, max_length=5, description="Per cent that get 5, 4, 3, 2 and 1 stars.")
    reject: bool = Field(False, description="Photos that were turned down get -1, rejected.")
    label: bool = Field(False, description="A green label on loved photos, a red one on those turned down.")
    keywords: bool = Field(True, description="Keywords that say what was rated, and what PAV predicted.")
    without_place: bool = Field(True, description="Remove where a photo was taken. Originals that are no JPEG are reduced then.")
    csv: bool = True


class DownloadOut(Schema):
    id: UUID
    state: str
    done: int
    total: int
    size_bytes: int
    sentence: str
    link: str = Field(description="Where the ZIP is; empty before it is packed. It works for some hours.")


def choices_of(wanted: DownloadIn) -> Choices:
    return {
        "size": wanted.size,
        "stars": wanted.stars,
        "sidecar_names": wanted.sidecar_names,
        "shares": wanted.shares,
        "reject": wanted.reject,
        "label": wanted.label,
        "keywords": wanted.keywords,
        "without_place": wanted.without_place,
        "csv": wanted.csv,
    }


def download_out(row: Download) -> dict[str, object]:
    """A download as its page shows it."""
    done = row.state == Download.State.DONE
    return {
        "id": row.id,
        "state": row.state,
        "done": row.done_count,
        "total": len(row.photos),
        "size_bytes": row.size_bytes,
        "sentence": _sentence(row),
        "link": reverse("download_file", args=[services.link(row)]) if done else "",
    }


def _sentence(row: Download) -> str:
    if row.state == Download.State.FAILED:
        return _(row.problem)
    if row.state == Download.State.WAITING:
        return _("Your ZIP is next.")
    if row.state == Download.State.RUNNING:
        return _("{done} of {total} photos packed").format(done=row.done_count, total=len(row.photos))
    packed = len(row.photos) - row.left_out
    parts = [ngettext("{n} photo is packed.", "{n} photos are packed.", packed).format(n=packed)]
    if row.left_out:
        parts.append(ngettext("{n} is gone meanwhile.", "{n} are gone meanwhile.", row.left_out).format(n=row.left_out))
    if row.reduced:
        text = ngettext(
            "{n} comes with 2,048 pixels: its original is not kept, or its place can’t be removed.",
            "{n} come with 2,048 pixels: their originals are not kept, or their place can’t be removed.",
            row.reduced,
        )
        parts.append(text.format(n=row.reduced))
    return " ".join(parts)
