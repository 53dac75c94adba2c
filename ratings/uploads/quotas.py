"""How much a rater may still bring: photos and bytes of a guest or an account, of all raters together, and what the disk must keep free."""

import shutil
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from ratings.errors import RatingError
from ratings.photos.models import Photo
from ratings.raters.models import Rater
from ratings.sql import rows
from ratings.uploads import partials
from ratings.uploads.models import Upload

GB = 1024**3
LOCK = 0x55504C  # key of the advisory lock under which space is reserved
UNDER_WAY = (Upload.State.SENDING, Upload.State.WAITING, Upload.State.READING)


class NoRoom(RatingError):
    """Nothing more fits; the sentence has the numbers."""

    status = 507

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence  # type: ignore[assignment]  # with its numbers, in the language of the request


@dataclass(frozen=True)
class Room:
    """What is stored and reserved, and how much may be."""

    photos: int
    most_photos: int
    bytes: int
    most_bytes: int
    is_guest: bool

    @property
    def photos_left(self) -> int:
        return max(0, self.most_photos - self.photos)


def room_of(rater_id: UUID) -> Room:
    """What a rater has brought so far, files under way included, and may bring in all."""
    is_guest = not Rater.objects.filter(id=rater_id, user__isnull=False).exists()
    stored = Photo.objects.filter(owner=rater_id).aggregate(count=Count("id"), size=Sum("stored_bytes", default=0))
    coming = Upload.objects.filter(owner=rater_id, state__in=UNDER_WAY).aggregate(count=Count("id"), size=Sum("size_bytes", default=0))
    return Room(
        photos=stored["count"] + coming["count"],
        most_photos=settings.PAV["GUEST_PHOTOS"] if is_guest else settings.PAV["ACCOUNT_PHOTOS"],
        bytes=stored["size"] + coming["size"],
        most_bytes=settings.PAV["ACCOUNT_GB"] * GB,
        is_guest=is_guest,
    )


def lock() -> None:
    """Until the end of the transaction nobody else reserves space: two at once would both count before either is counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def check(rater_id: UUID, size_bytes: int) -> None:
    """See whether one more file fits. Call under `lock`.

    Raises:
        NoRoom: the sentence says what is full, and with how much.
    """
    room = room_of(rater_id)
    if room.photos >= room.most_photos:
        sentence = (
            _("You have {count} photos here, and a guest may have {most}. Make an account to bring more.")
            if room.is_guest
            else _("You have {count} photos here, and {most} is the most. Delete some, and empty the bin, to bring more.")
        )
        raise NoRoom(sentence.format(count=room.photos, most=room.most_photos))
    if room.bytes + size_bytes > room.most_bytes:
        raise NoRoom(
            _("Your photos take {used} of {most}, and this file has {size}. Delete some, and empty the bin, to bring more.").format(
                used=filesizeformat(room.bytes), most=filesizeformat(room.most_bytes), size=filesizeformat(size_bytes)
            )
        )
    check_disk(size_bytes)


def check_disk(size_bytes: int) -> None:
    """See whether so many bytes fit into this installation. Call under `lock`.

    Raises:
        NoRoom: own photos take all that they may, or the disk would get too full.
    """
    stored = Photo.objects.filter(owner__isnull=False).aggregate(size=Sum("stored_bytes", default=0))["size"]
    coming = Upload.objects.filter(state__in=UNDER_WAY).aggregate(size=Sum("size_bytes", default=0))["size"]
    most = settings.PAV["OWN_PHOTOS_GB"] * GB
    if stored + coming + size_bytes > most:
        raise NoRoom(
            _("All photos that people brought take {used} of {most} here. Ask whoever runs this PAV for more room.").format(
                used=filesizeformat(stored + coming), most=filesizeformat(most)
            )
        )
    check_free(size_bytes)


def check_free(size_bytes: int) -> None:
    """See whether the disk stays free enough with so many bytes more, once all files and ZIPs under way are there. Call under `lock`.

    Raises:
        NoRoom: it does not.
    """
    free, floor = shutil.disk_usage(partials.folder()).free, settings.PAV["FREE_DISK_GB"] * GB
    # What has been written of those under way is counted twice, which errs on the safe side.
    if free - _reserved() - size_bytes < floor:
        raise NoRoom(
            _("The disk of this PAV has {free} left and keeps {floor} free. Ask whoever runs it for more room.").format(
                free=filesizeformat(free), floor=filesizeformat(floor)
            )
        )


def _reserved() -> int:
    """Bytes of the files that are sent or read, and of the ZIPs that are packed."""
    found = rows(
        """SELECT (SELECT coalesce(sum(size_bytes), 0) FROM ratings_upload WHERE state = ANY(%(uploads)s))
            + (SELECT coalesce(sum(size_bytes), 0) FROM ratings_download WHERE state IN ('waiting', 'running'))""",
        {"uploads": [state.value for state in UNDER_WAY]},
    )
    return int(found[0][0])
