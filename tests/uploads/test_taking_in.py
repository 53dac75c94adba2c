"""Taking uploads in: photos of an album, refusals, duplicates, raw files, originals, fairness, and workers that die."""

import io
import os

import pytest
from django.db import connection
from PIL import ExifTags, Image

from ratings import jobs
from ratings.albums.services import add_photos, bin_photos, change_album, create_album
from ratings.models import Original, Photo, Upload
from ratings.photos import files, xmp
from ratings.photos.refusals import PhotoRefused
from ratings.raters.services import make_guest
from ratings.uploads import originals, partials, selectors, services, sweeping, taking_in
from tests.photos import making
from tests.photos.refused import BOMBS, NO_PHOTOS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def requested(monkeypatch, settings):
    """What was queued: no worker runs here."""
    settings.PAV = settings.PAV | {"FREE_DISK_GB": 0}
    monkeypatch.setattr(taking_in, "BUSY_SECONDS", 600)  # a slow machine takes in all at once, too
    queued: list[object] = []
    monkeypatch.setattr(jobs, "request_features", queued.append)
    monkeypatch.setattr(jobs, "request_intake", lambda: queued.append("intake"))
    return queued


class Owner:
    """A rater with an album, whose uploads arrive whole."""

    def __init__(self) -> None:
        self.id = make_guest().id
        self.album = create_album(owner_id=self.id, name="Sea").id

    def bring(self, data: bytes, name: str = "a.jpg") -> Upload:
        upload = services.begin(owner_id=self.id, album_id=self.album, name=name, size_bytes=len(data))
        partials.path(upload.id).write_bytes(data)
        services.finish_receiving(upload.id)
        return upload

    def photos(self) -> list[Photo]:
        return list(Photo.objects.filter(albumphoto__album=self.album, binned_at=None).order_by("id"))


@pytest.fixture
def alice() -> Owner:
    return Owner()


@pytest.fixture
def bob() -> Owner:
    return Owner()


def jpeg(seed: int = 0, **settings: object) -> bytes:
    return making.encoded(making.scene(640, 480, seed), exif=making.exif(), **settings)


def test_a_file_becomes_a_photo_of_its_album_with_date_and_original(alice, requested, django_capture_on_commit_callbacks):
    data = jpeg()
    upload = alice.bring(data, "Beach.JPG")
    with django_capture_on_commit_callbacks(execute=True):
        assert not taking_in.work()

    photo = alice.photos()[0]
    upload.refresh_from_db()
    assert (upload.state, upload.photo, upload.was_known) == ("done", photo, False)
    assert (photo.owner_id, photo.name, str(photo.taken_at)) == (alice.id, "Beach.JPG", "2026-01-02 03:04:05+00:00")
    assert requested == ["intake", photo.id]
    original = Original.objects.get()
    assert originals.path(original).read_bytes() == data
    assert photo.stored_bytes == sum(place.stat().st_size for place in files.folder(photo).iterdir())
    assert partials.everything() == []
    assert b"SECRET" not in files.read(photo, files.MASTER)


REFUSED = [
    *((data, code) for code, data in (*NO_PHOTOS, *BOMBS) if data),  # an empty file is refused before it is sent
    (making.whole("JPEG")[:-20_000], "broken"),
    (making.encoded(making.scene()) + b"<script>", "hidden_web_page"),
    (making.encoded(making.scene(63, 500)), "too_small"),
]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_photo_is_refused_and_listed_until_it_is_dismissed(alice, django_capture_on_commit_callbacks):
    for data, _code in REFUSED:
        alice.bring(data)
    alice.bring(jpeg())
    with django_capture_on_commit_callbacks(execute=True):
        taking_in.work()
    listed = selectors.uploads_of(alice.id, alice.album)
    assert sorted(one.reason for one in listed.refused) == sorted(code for _data, code in REFUSED)
    assert all(PhotoRefused(one.reason, one.reason_values).sentence() for one in listed.refused)
    assert len(alice.photos()) == 1  # the rest goes on
    assert partials.everything() == []
    assert services.dismiss(owner_id=alice.id, album_id=alice.album) == len(REFUSED)
    assert selectors.uploads_of(alice.id, alice.album).refused_count == 0


def test_the_same_file_again_is_the_same_photo_in_both_albums(alice):
    alice.bring(jpeg())
    taking_in.work()
    alice.album = create_album(owner_id=alice.id, name="Best").id
    again = alice.bring(jpeg(), "copy.jpg")
    taking_in.work()
    again.refresh_from_db()
    assert (again.was_known, Photo.objects.count(), len(alice.photos())) == (True, 1, 1)


def test_the_same_photo_of_two_owners_shares_neither_files_nor_addresses(alice, bob):
    for owner in (alice, bob):
        owner.bring(jpeg())
    taking_in.work()
    hers, his = alice.photos()[0], bob.photos()[0]
    assert hers.sha256 == his.sha256
    assert (hers.content_hash != his.content_hash, files.folder(hers) != files.folder(his)) == (True, True)
    assert hers.sha256[:16] not in (hers.content_hash, his.content_hash)


def test_known_hashes_join_the_album_without_being_sent_and_come_back_from_the_bin(alice, bob):
    alice.bring(jpeg())
    taking_in.work()
    known = Original.objects.get().sha256
    bin_photos(owner_id=alice.id, photo_ids=[alice.photos()[0].id])
    assert alice.photos() == []
    assert list(services.add_known(owner_id=alice.id, album_id=alice.album, hashes=[known, "0" * 64])) == [known]
    assert len(alice.photos()) == 1
    assert services.add_known(owner_id=bob.id, album_id=bob.album, hashes=[known]) == {}


def starred(stars: int, seed: int = 0) -> bytes:
    """A JPEG whose packet says so many stars, of the time that `making.dng` says, to a hundredth of a second."""
    noted = making.exif()
    noted.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:01:02 03:04:05"
    noted.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.SubsecTimeOriginal] = "42"
    return making.encoded(making.scene(320, 240, seed), exif=noted, xmp=xmp.with_stars(None, xmp.Stars(stars, xmp.RATED)))


def test_a_raw_file_and_a_jpeg_of_one_shot_are_one_photo(alice, django_capture_on_commit_callbacks):
    raw = making.dng(making.scene(320, 240), orientation=6)
    alice.bring(starred(4), "IMG_1.JPG")
    alice.bring(raw, "img_1.dng")
    alice.bring(making.dng(making.scene(320, 240, seed=1), orientation=6), "IMG_2.dng")
    taking_in.work()
    first, second = alice.photos()
    assert first.taken_at.microsecond == 420_000
    assert {one.is_raw for one in first.original_set.all()} == {True, False}
    assert (second.width, second.height) == (240, 320)  # upright, by what the camera noted
    assert [one.name for one in second.original_set.all()] == ["IMG_2.dng"]
    # The second file of a shot is read too: a damaged one is refused, and stars come along.
    assert second.file_rating is None
    whole = starred(5, seed=2)
    alice.bring(whole[: len(whole) // 2], "IMG_2.jpg")
    alice.bring(whole, "IMG_2.jpg")
    with django_capture_on_commit_callbacks(execute=True):
        taking_in.work()
    assert [one.reason for one in selectors.uploads_of(alice.id, alice.album).refused] == ["broken"]
    assert [photo.file_rating for photo in alice.photos()] == [4, 5]
    assert second.original_set.count() == 2


def test_originals_are_kept_only_where_an_album_wants_them(alice):
    change_album(owner_id=alice.id, album_id=alice.album, keeps_originals=False)
    alice.bring(jpeg())
    taking_in.work()
    assert (Original.objects.get().file, partials.everything()) == ("", [])

    keeping = create_album(owner_id=alice.id, name="Kept").id
    alice.album = keeping
    alice.bring(jpeg())
    taking_in.work()
    photo = alice.photos()[0]
    assert originals.path(Original.objects.get()).exists()
    before = photo.stored_bytes
    change_album(owner_id=alice.id, album_id=keeping, keeps_originals=False)
    assert originals.remove_unwanted() == 1
    photo.refresh_from_db()
    assert before - photo.stored_bytes == len(jpeg())
    assert sorted(place.suffix for place in files.folder(photo).iterdir()) == [".jpg", ".webp", ".webp"]


def test_owners_take_turns_however_much_one_of_them_brings(alice, bob):
    for seed in range(4):
        alice.bring(jpeg(seed))
    bob.bring(jpeg(9))
    order = []
    while upload := services.claim_next():
        order.append("alice" if upload.owner_id == alice.id else "bob")
        services.store_done(upload, None, was_known=False)
    assert order == ["alice", "bob", "alice", "alice", "alice"]


def test_a_file_that_kills_its_worker_is_refused_after_two_attempts(alice, django_capture_on_commit_callbacks):
    upload = alice.bring(jpeg())
    for is_second in (False, True):
        assert services.claim_next(again=is_second) == upload  # and the worker dies: nobody holds the lock
        assert services.claim_next(again=not is_second) is None
        with django_capture_on_commit_callbacks(execute=True):
            services.requeue_lost()
    assert services.claim_next(again=True) is None
    assert [one.reason for one in selectors.uploads_of(alice.id, alice.album).refused] == ["killed"]


def test_an_upload_that_a_worker_reads_is_left_alone(alice):
    alice.bring(jpeg())
    with services.reading(services.claim_next().id), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s", [services.READING_LOCK])
        assert cursor.fetchone() == (1,)


def test_a_full_disk_lets_the_photo_wait_and_nothing_is_half_stored(alice, monkeypatch):
    for seed in range(3):
        alice.bring(jpeg(seed))
    write, written = files.write, []

    def full(target, data):
        written.append(target)
        if len(written) > 4:
            raise OSError(28, "No space left on device")
        write(target, data)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", full)
        assert not taking_in.work()
    assert (len(alice.photos()), Upload.objects.filter(state="waiting", attempts=0).count()) == (1, 2)
    assert sweeping.difference(safe_seconds=0).strays == []
    taking_in.work()
    assert len(alice.photos()) == 3


def test_an_album_that_goes_while_its_file_is_read_stops_nothing(alice, bob, monkeypatch, django_capture_on_commit_callbacks):
    alice.bring(jpeg())
    bob.bring(jpeg(1))
    read = taking_in._read

    def deleting(place):
        data = read(place)
        Photo.objects.filter(owner=alice.id).delete()
        alice_album.delete()
        return data

    from ratings.models import Album

    alice_album = Album.objects.filter(id=alice.album)
    monkeypatch.setattr(taking_in, "_read", deleting)
    with django_capture_on_commit_callbacks(execute=True):
        taking_in.work()
    assert len(bob.photos()) == 1


def test_the_nightly_sweep_finds_files_without_rows_and_rows_without_files(alice):
    for seed in range(2):
        alice.bring(jpeg(seed))
    taking_in.work()
    assert sweeping.difference(safe_seconds=0) == sweeping.Difference([], [], [])
    stray = files.own_folder("0" * 32)
    stray.mkdir(parents=True)
    (partials.folder() / "stray").write_bytes(b"x")
    first, second = alice.photos()
    files.path(first, files.MASTER).unlink()
    originals.path(second.original_set.get()).unlink()
    lost = second.original_set.get().id
    found = sweeping.difference(safe_seconds=0)
    assert set(found.strays) == {stray, partials.folder() / "stray"}
    assert (found.lost_photos, found.lost_originals) == ([first.id], [lost])
    assert sweeping.difference().strays == []  # what is young may be on its way
    sweeping.sweep()
    assert stray.exists()
    for place in (stray, partials.folder() / "stray"):
        os.utime(place, (0, 0))
    assert set(sweeping.sweep().strays) == {stray, partials.folder() / "stray"}
    assert (stray.exists(), partials.everything()) == (False, [])
    assert sweeping.difference(safe_seconds=0) == sweeping.Difference([], [first.id], [])  # the lost original counts as not kept
    alice.bring(jpeg(0))
    taking_in.work()
    assert sweeping.difference(safe_seconds=0).lost_photos == []  # bringing it again restores it


def test_stars_of_files_are_offered_as_first_ratings(alice):
    image = making.scene(320, 240)
    for seed, packet in enumerate((b"5", b"3", b"-1", b"0")):
        text = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        text += b"<rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='" + packet + b"'/></rdf:RDF></x:xmpmeta>"
        buffer = io.BytesIO()
        Image.eval(image, lambda value, seed=seed: max(0, value - seed)).save(buffer, "JPEG", xmp=text)
        alice.bring(buffer.getvalue())
    taking_in.work()
    assert sorted(selectors.file_ratings(alice.id, alice.album).values()) == [-1, 3, 5]


def test_stars_beside_photos_count_where_their_name_is_clear(alice, bob):
    for seed, name in enumerate(("IMG_1.jpg", "IMG_2.JPG", "IMG_3.jpg", "IMG_3.jpg")):
        alice.bring(jpeg(seed), name=name)
    bob.bring(jpeg(9), name="IMG_1.jpg")
    taking_in.work()
    beside = {"IMG_1": 5, "img_2.jpg": -1, "IMG_3": 4, "missing": 3}
    services.note_sidecars(owner_id=alice.id, album_id=alice.album, stars=beside)
    assert sorted(selectors.file_ratings(alice.id, alice.album).values()) == [-1, 5]
    assert selectors.file_ratings(bob.id, bob.album) == {}


def test_photos_join_albums_of_their_owner_alone(alice, bob):
    alice.bring(jpeg())
    taking_in.work()
    assert add_photos(owner_id=bob.id, album_id=bob.album, photo_ids=[alice.photos()[0].id]) == 0
