"""Projections: versions of the features. A new one fills in the background, and comes into use when it is whole.

A projection is *filling* while photos get its features, then *current*: photos are ranked by it. The one before is *kept*, and can fill
again; those before that are *retired*, and the sweeper deletes their features. At most one is filling and one current. A new bank brings a
projection of its own, so it comes into use in the same way.

States change under `locks.lock_to_activate`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ratings.errors import RatingError
from ratings.ranking import features, locks, raw_features
from ratings.ranking.models import Bank, Projection, State
from ratings.sql import rows

WORK_LOCK = 0x50524F  # key of the advisory lock of the process that learns or fills
FIRST_THRESHOLDS = (100, 300)  # photos; then ten times these, and so on
DELETED_AT_ONCE = 5000  # rows of features or raw vectors of retired projections


class NothingToBringBack(RatingError):
    status = 409
    sentence = _("Only a version that is kept can be brought back: the one in use before the current one, until the next replaces it.")


class AlreadyFilling(RatingError):
    status = 409
    sentence = _("A new version is filling already. Wait until it is in use; ./pav learn_projection --status shows how far it is.")


class BankMissing(RatingError):
    status = 409
    sentence = _("Photos were added since this version was in use, and only its own bank gives them features. Install that bank first.")


@dataclass(frozen=True)
class Version:
    """A projection without its data."""

    id: int
    bank: str
    state: str
    extractors: str
    photo_count: int
    has_generic_score: bool


@dataclass(frozen=True)
class Status:
    """A projection, and how many photos have its features."""

    version: Version
    ready: int
    total: int  # photos in all
    created_at: datetime
    problem: str


def current() -> Version | None:
    """The projection that photos are ranked by."""
    return _version(State.CURRENT)


def filling() -> Version | None:
    """The projection that photos get features of in the background."""
    return _version(State.FILLING)


def wanted() -> list[Version]:
    """The projections that photos need features of: the current one, then the one that fills."""
    return [version for version in (current(), filling()) if version]


def data(projection: int) -> bytes:
    """The stored form of a projection; empty for one whose features came from the bank's own network."""
    return bytes(Projection.objects.values_list("data", flat=True).get(pk=projection))


def lacks_data(projection: int) -> bool:
    """Whether a projection is still to be learned, from the first photos."""
    return Projection.objects.filter(pk=projection, data=b"").exists()


def generic_coefficients(projection: int) -> list[float]:
    """Coefficients of the task heads that a projection's generic score was learned with from raters; empty: the bank's generic score."""
    return Projection.objects.values_list("generic_coefficients", flat=True).get(pk=projection)


def has_task_vectors() -> bool:
    """Whether the installed bank has task vectors, with which raters are fitted exactly."""
    metadata = Bank.objects.order_by("-registered_at").values_list("metadata", flat=True).first() or {}
    return metadata.get("tasks") != []


def register_bank(
    *, hash: str, metadata: Mapping[str, object], extractors: str, data: bytes, head_count: int = 1, has_generic_score: bool = True
) -> None:
    """Register the installed bank, with its own projection. Nothing changes where it is the one that was registered last.

    Without `data` the projection is learned from the first photos that have raw vectors.

    The first one is current at once, before any photo. A later one fills, and one that was filling is retired; a bank that was used before
    comes back in the same way.
    """
    with transaction.atomic():
        locks.lock_to_activate()
        in_use = current()
        last = Bank.objects.order_by("-registered_at").values_list("hash", "extractors").first()
        Bank.objects.update_or_create(hash=hash, defaults={"metadata": metadata, "extractors": extractors})
        if in_use and last == (hash, extractors):  # also where another bank was brought back since
            return
        Bank.objects.filter(hash=hash).update(registered_at=timezone.now())
        _retire_unfinished()
        if in_use and (in_use.bank, in_use.extractors) == (hash, extractors):
            return
        state = State.FILLING if in_use else State.CURRENT
        Projection.objects.create(
            bank_id=hash, state=state, extractors=extractors, data=data, head_count=head_count, has_generic_score=has_generic_score
        )


def put_first(*, projection: int, data: bytes, head_count: int, photo_count: int) -> None:
    """Store the projection of a bank that brought none, once; `photo_count` photos taught it."""
    Projection.objects.filter(pk=projection, data=b"").update(data=data, head_count=head_count, photo_count=photo_count)


def begin(
    *,
    after: Version,
    data: bytes,
    photo_count: int,
    head_count: int = 1,
    generic_coefficients: Sequence[float] = (),
    has_generic_score: bool = True,
) -> Projection | None:
    """Begin to fill a projection that was learned from the raw vectors of `after`; an unfinished one of the same bank is retired.

    Returns None, and changes nothing, where `after` is no longer current, or another bank fills.
    """
    with transaction.atomic():
        locks.lock_to_activate()
        unfinished = filling()
        if current() != after or (unfinished and unfinished.bank != after.bank):
            return None
        _retire_unfinished()
        return Projection.objects.create(
            bank_id=after.bank,
            extractors=after.extractors,
            data=data,
            photo_count=photo_count,
            head_count=head_count,
            generic_coefficients=list(generic_coefficients),
            has_generic_score=has_generic_score,
        )


def record_problem(*, after: Version, photo_count: int, problem: str) -> None:
    """Record why no projection could be learned, so that the sweeper waits until there are more photos."""
    Projection.objects.create(
        bank_id=after.bank, extractors=after.extractors, state=State.RETIRED, photo_count=photo_count, problem=problem
    )


def rollback(*, projection: int | None = None) -> int:
    """Fill a kept projection again, by default the newest; it comes into use as a new one does.

    Raises:
        AlreadyFilling: another one is filling.
        NothingToBringBack: none is kept, or the given one is not.
        BankMissing: it lacks features of photos, and was made for other extractors than the current one.
    """
    with transaction.atomic():
        locks.lock_to_activate()
        if filling():
            raise AlreadyFilling
        kept = Projection.objects.filter(state=State.KEPT).order_by("-activated_at", "-id")
        found = (kept.filter(pk=projection) if projection else kept).values_list("id", "extractors").first()
        if found is None:
            raise NothingToBringBack
        version, extractors = found
        in_use = current()
        if (in_use is None or in_use.extractors != extractors) and features.cannot_be_filled(version):
            raise BankMissing
        Projection.objects.filter(pk=version).update(state=State.FILLING)
        return version


def learning_is_due() -> Version | None:
    """The current projection, if so many photos have raw vectors by now that a new one should be learned, and none is filling.

    That is at 100, 300, 1,000, 3,000, ... photos. Where a projection was brought back, the one it replaced counts as learned.
    """
    version = current()
    if version is None or not version.extractors or filling():
        return None
    learned = Projection.objects.filter(extractors=version.extractors)
    counts = [*learned.exclude(state=State.RETIRED).values_list("photo_count", flat=True)]
    counts += learned.exclude(problem="").values_list("photo_count", flat=True)
    return version if raw_features.count(version.extractors) >= next_threshold(max(counts)) else None


def to_fill() -> int | None:
    """The projection that fills, or else the current one where a lost step left photos without its features; None where all is done."""
    version = filling() or current()
    return version.id if version and (version.state == State.FILLING or raw_features.photos_to_fill(version.id, 1)) else None


def next_threshold(photo_count: int) -> int:
    """The number of photos at which to learn after a projection of `photo_count` photos."""
    factor = 1
    while True:
        for threshold in FIRST_THRESHOLDS:
            if threshold * factor > photo_count:
                return threshold * factor
        factor *= 10


def delete_retired() -> None:
    """Delete some of the features of retired projections, and some raw vectors that no other projection applies to."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM ratings_photofeatures WHERE id IN (SELECT d.id FROM ratings_photofeatures d
            WHERE d.projection_id IN (SELECT id FROM ratings_projection WHERE state = 'retired') LIMIT %s)""",
            [DELETED_AT_ONCE],
        )
        cursor.execute(
            """DELETE FROM ratings_rawfeatures WHERE id IN (SELECT r.id FROM ratings_rawfeatures r
            WHERE r.extractors IN (SELECT extractors FROM ratings_projection WHERE state = 'retired')
            AND r.extractors NOT IN (SELECT extractors FROM ratings_projection WHERE state <> 'retired') LIMIT %s)""",
            [DELETED_AT_ONCE],
        )
    Projection.objects.filter(state=State.RETIRED).exclude(data=b"").update(data=b"")


def status() -> list[Status]:
    """All projections, the newest first."""
    found = rows(
        """SELECT v.id, v.bank_id, v.state, v.extractors, v.photo_count, v.has_generic_score,
            (SELECT count(*) FROM ratings_photofeatures d WHERE d.projection_id = v.id), (SELECT count(*) FROM ratings_photo),
            v.created_at, v.problem FROM ratings_projection v ORDER BY v.id DESC""",
        {},
    )
    return [Status(Version(*row[:6]), *row[6:]) for row in found]


def share_filled(projection: int) -> tuple[int, int]:
    """How many photos have features of a projection, and how many photos there are."""
    counts = rows(
        "SELECT (SELECT count(*) FROM ratings_photofeatures WHERE projection_id = %(id)s), (SELECT count(*) FROM ratings_photo)",
        {"id": projection},
    )
    return counts[0]


@contextmanager
def one_worker() -> Iterator[bool]:
    """Whether this process may learn or fill: one at a time. The lock ends with the block, or with the connection of a killed process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [WORK_LOCK])
        (alone,) = cursor.fetchone() or (False,)
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [WORK_LOCK])


def _version(state: State) -> Version | None:
    columns = ("id", "bank_id", "state", "extractors", "photo_count", "has_generic_score")
    found = Projection.objects.filter(state=state).values_list(*columns).first()
    return Version(*found) if found else None


def _retire_unfinished() -> None:
    Projection.objects.filter(state=State.FILLING).update(state=State.RETIRED)
