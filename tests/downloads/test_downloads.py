"""Taking photos home: the ZIP, stars as exiftool reads them, the place, the link and its ranges."""

import csv
import io
import json
import shutil
import subprocess
import time
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from personalize.tasks import sweep_photo_files
from ratings import jobs
from ratings.albums.services import create_album, delete_album
from ratings.deck.services import record_imported
from ratings.downloads import packing, services
from ratings.downloads.services import Choices
from ratings.downloads.stars import stars_by_place
from ratings.models import Download, Original, Photo, Rater
from ratings.photos import files, jpeg_segments, xmp
from ratings.photos.file_facts import facts_of
from ratings.raters.services import make_guest
from ratings.uploads import originals, quotas, taking_in
from ratings.uploads import services as uploads
from tests.guests import browser_of, give_features, use_bank
from tests.photos import making

pytestmark = pytest.mark.django_db
USUAL: Choices = {
    "size": "originals",
    "stars": "embedded",
    "sidecar_names": "stem",
    "shares": [20, 20, 20, 20, 20],
    "reject": True,
    "label": True,
    "keywords": True,
    "without_place": True,
    "csv": True,
}


def exiftool(*paths: Path) -> list[dict[str, object]]:
    """What exiftool reads in files. It is a package of the system (libimage-exiftool-perl), and these tests do not do without it."""
    assert shutil.which("exiftool"), "Install exiftool: apt-get install libimage-exiftool-perl"
    read = subprocess.run(["exiftool", "-json", "-n", "-a", "-G1", *paths], check=True, capture_output=True, text=True)
    return json.loads(read.stdout)


@pytest.fixture(autouse=True)
def roots(settings, tmp_path, monkeypatch):
    settings.DOWNLOADS_ROOT = tmp_path / "downloads"
    settings.PAV = settings.PAV | {"FREE_DISK_GB": 0}
    for name in ("request_features", "request_download", "request_refit"):
        monkeypatch.setattr(jobs, name, lambda _id: None)


@pytest.fixture
def alice() -> Rater:
    return make_guest()


@pytest.fixture
def album(alice, tmp_path):
    """Five photos, best first by their generic score: four JPEG files with a place, and a PNG."""
    use_bank()
    made = create_album(owner_id=alice.id, name="Sea").id
    for number in range(5):
        image, source = making.scene(640, 480, number), tmp_path / f"IMG_{number}"
        data = making.encoded(image, "PNG") if number == 4 else making.encoded(image, exif=making.exif(), xmp=making.XMP)
        source.write_bytes(data)
        name = "IMG_4.png" if number == 4 else "IMG_0.jpg" if number < 2 else f"IMG_{number}.jpg"  # two of one name
        photo = taking_in.take_in(owner_id=alice.id, album_id=made, name=name, data=data, source=source).photo
        give_features(photo, [-float(number)] + [0.0] * 255)
    return made


def pack(alice: Rater, album, **choices) -> zipfile.ZipFile:
    row = services.request_download(owner_id=alice.id, album_id=album, photo_ids=None, choices=USUAL | choices)
    packing.pack(row.id)
    row.refresh_from_db()
    assert (row.state, row.problem) == ("done", "")
    return zipfile.ZipFile(services.archive(row.id))


def test_stars_are_read_back_by_exiftool_and_pixels_are_those_of_the_original(alice, album, tmp_path):
    best, *_others = Photo.objects.order_by("id")
    record_imported(rater_id=alice.id, values={best.id: 3, Photo.objects.order_by("id")[3].id: 1})
    packed = pack(alice, album)
    assert packed.testzip() is None
    assert {one.compress_type for one in packed.infolist()} == {zipfile.ZIP_STORED}
    assert packed.namelist() == [
        "IMG_0.jpg",
        "IMG_0 (2).jpg",
        "IMG_2.jpg",
        "IMG_3.jpg",
        "IMG_4.jpg",
        "pav.csv",
    ]  # a PNG's place stays, so it is reduced

    packed.extractall(tmp_path / "home")
    read = exiftool(*(tmp_path / "home" / name for name in packed.namelist()[:5]))
    assert [one["XMP-xmp:Rating"] for one in read] == [5, 4, 3, -1, 1]
    assert [one["XMP-pav:Source"] for one in read] == ["predicted"] * 3 + ["rated", "predicted"]
    assert [one["XMP-dc:Subject"] for one in read] == ["PAV loved", "PAV predicted", "PAV predicted", "PAV turned down", "PAV predicted"]
    assert (read[0]["XMP-xmp:Label"], read[3]["XMP-xmp:Label"]) == ("Green", "Red")
    assert read[0]["IFD0:Make"] == "SECRETCAMERA"  # everything but the place stays
    assert not [name for one in read for name in one if "GPS" in name]
    assert b"SECRETPLACE" not in b"".join(packed.read(name) for name in packed.namelist())
    original = Image.open(originals.path(Original.objects.order_by("id").first()))
    assert Image.open(io.BytesIO(packed.read("IMG_0.jpg"))).tobytes() == original.tobytes()
    table = list(csv.DictReader(io.StringIO(packed.read("pav.csv").decode("utf-8-sig"))))
    assert [(row["file"], row["stars"], row["said"]) for row in table][::3] == [("IMG_0.jpg", "5", "love"), ("IMG_3.jpg", "-1", "dislike")]


def test_predictions_are_not_read_back_as_ratings_but_changed_ones_are(alice, album):
    embedded = pack(alice, album).read("IMG_0.jpg")
    assert facts_of(embedded).rating is None
    changed = jpeg_segments.with_packet(embedded, lambda packet: packet.replace(b'xmp:Rating="5"', b'xmp:Rating="2"'))
    assert facts_of(changed).rating == 2


def test_sidecars_have_the_names_that_were_chosen(alice, album, tmp_path):
    by_stem = pack(alice, album, stars="sidecars", without_place=False)
    assert {"IMG_2.jpg", "IMG_2.xmp", "IMG_4.png", "IMG_4.xmp", "IMG_0.xmp", "IMG_0 (2).xmp"} <= set(by_stem.namelist())
    assert by_stem.read("IMG_2.jpg") == originals.path(Original.objects.order_by("id")[2]).read_bytes()
    by_name = pack(alice, album, stars="sidecars", sidecar_names="whole", without_place=False)
    assert {"IMG_2.jpg.xmp", "IMG_4.png.xmp"} <= set(by_name.namelist())
    by_name.extract("IMG_2.jpg.xmp", tmp_path)
    assert exiftool(tmp_path / "IMG_2.jpg.xmp")[0]["XMP-xmp:Rating"] == 3
    mixed = pack(alice, album, without_place=False)
    assert [name for name in mixed.namelist() if name.endswith(".xmp")] == ["IMG_4.xmp"]  # what is no JPEG gets one


def test_reduced_photos_have_2048_pixels_and_stars_and_no_stars_are_written_where_none_are_wanted(alice, album):
    assert b'Rating="5"' in pack(alice, album, size="reduced").read("IMG_0.jpg")
    plain = pack(alice, album, size="reduced", stars="none", csv=False)
    assert plain.read("IMG_0.jpg") == files.read(Photo.objects.order_by("id").first(), files.MASTER)
    assert len(plain.namelist()) == 5


def test_a_photo_deleted_meanwhile_is_left_out_and_the_others_come(alice, album):
    row = services.request_download(owner_id=alice.id, album_id=album, photo_ids=None, choices=USUAL)
    Photo.objects.order_by("id").first().delete()
    packing.pack(row.id)
    row.refresh_from_db()
    assert (row.state, row.left_out, row.done_count) == ("done", 1, 5)


def test_a_full_disk_ends_a_download_with_a_sentence_and_leaves_no_file(alice, album, monkeypatch, settings):
    row = services.request_download(owner_id=alice.id, album_id=album, photo_ids=None, choices=USUAL)

    def full(*_anything, **_more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", full)
        packing.pack(row.id)
    row.refresh_from_db()
    assert (row.state, row.problem) == ("failed", services.NO_DISK)
    assert list(Path(settings.DOWNLOADS_ROOT).iterdir()) == []
    settings.PAV = settings.PAV | {"FREE_DISK_GB": 10**6}
    with pytest.raises(quotas.NoRoom, match="free"):
        services.request_download(owner_id=alice.id, album_id=album, photo_ids=None, choices=USUAL)


def test_the_disk_floor_counts_zips_and_files_that_are_under_way(alice, album, monkeypatch, settings):
    settings.PAV = settings.PAV | {"FREE_DISK_GB": 1}
    first = services.request_download(owner_id=alice.id, album_id=album, photo_ids=None, choices=USUAL)
    one_more = quotas.GB + 2 * first.size_bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: type("Usage", (), {"free": one_more - 1}))
    with pytest.raises(quotas.NoRoom, match="free"):  # one fits, but not both
        services.request_download(owner_id=alice.id, album_id=album, photo_ids=None, choices=USUAL)
    with pytest.raises(quotas.NoRoom, match="free"):
        quotas.check(alice.id, first.size_bytes)
    services.delete(owner_id=alice.id, download_id=first.id)
    upload = uploads.begin(owner_id=alice.id, album_id=album, name="a.jpg", size_bytes=first.size_bytes)
    with pytest.raises(quotas.NoRoom, match="free"):
        services.request_download(owner_id=alice.id, album_id=album, photo_ids=None, choices=USUAL)
    uploads.cancel(owner_id=alice.id, upload_id=upload.id)
    services.request_download(owner_id=alice.id, album_id=album, photo_ids=None, choices=USUAL)


def test_an_album_deleted_while_its_zip_is_packed_leaves_no_file(alice, album, monkeypatch, settings, django_capture_on_commit_callbacks):
    row = services.request_download(owner_id=alice.id, album_id=album, photo_ids=None, choices=USUAL)
    store_progress, said = services.store_progress, []

    def deleting(packed: Download) -> bool:
        said.append(packed.done_count)
        if packed.done_count:  # all photos are in the file by then
            with django_capture_on_commit_callbacks(execute=True):
                delete_album(owner_id=alice.id, album_id=album)
        return store_progress(packed)

    monkeypatch.setattr(services, "store_progress", deleting)
    packing.pack(row.id)
    assert said == [0, 5]
    assert (list(Path(settings.DOWNLOADS_ROOT).iterdir()), Download.objects.count()) == ([], 0)


def test_files_of_downloads_that_are_gone_are_swept(alice, album, settings):
    kept = Path(pack(alice, album).filename)
    for name in (f"{uuid4()}.zip", f"{uuid4()}.part"):
        (Path(settings.DOWNLOADS_ROOT) / name).write_bytes(b"x")
    sweep_photo_files()
    assert list(Path(settings.DOWNLOADS_ROOT).iterdir()) == [kept]


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")  # the test client is synchronous, the server is not
def test_a_zip_is_fetched_by_ranges_by_its_owner_alone_until_it_is_deleted(
    alice, album, settings, monkeypatch, django_capture_on_commit_callbacks
):
    settings.ALLOWED_HOSTS = ["testserver"]
    whole = Path(pack(alice, album).filename).read_bytes()
    row, owner = Download.objects.get(), browser_of(alice)
    address = owner.get(f"/api/v1/downloads/{row.id}").json()["link"]
    assert b"".join(owner.get(address)) == whole
    for asked, first, last in (("bytes=10-19", 10, 19), ("bytes=-7", len(whole) - 7, len(whole) - 1), ("bytes=100-", 100, len(whole) - 1)):
        part = owner.get(address, headers={"Range": asked})
        assert (part.status_code, part["Content-Range"]) == (206, f"bytes {first}-{last}/{len(whole)}")
        assert b"".join(part) == whole[first : last + 1]
    assert owner.get(address, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    assert owner.get(address, headers={"Range": "bytes=1-2", "If-Range": '"other"'}).status_code == 200

    bob = browser_of(make_guest())
    assert bob.get(address).status_code == bob.get("/downloads/nonsense/").status_code == 404
    assert bob.get(f"/api/v1/downloads/{row.id}").json() == bob.get(f"/api/v1/downloads/{uuid4()}").json()
    with monkeypatch.context() as later:
        expired = time.time() + services.LINK_SECONDS + 5
        later.setattr(time, "time", lambda: expired)
        assert owner.get(address).status_code == 404  # the link has expired; the page has a new one
    assert owner.get(address).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        Download.objects.update(created_at="2020-01-01T00:00Z")
        services.delete_old()
    assert owner.get(address).status_code == 404
    assert list(Path(settings.DOWNLOADS_ROOT).iterdir()) == []


def test_shares_give_every_photo_stars_and_borders_fall_on_whole_photos():
    assert stars_by_place(10, (10, 20, 40, 20, 10)) == [5, 4, 4, 3, 3, 3, 3, 2, 2, 1]
    for count in range(40):
        stars = stars_by_place(count, (7, 13, 41, 29, 10))
        assert (len(stars), stars) == (count, sorted(stars, reverse=True))
    assert stars_by_place(3, (100, 0, 0, 0, 0)) == [5, 5, 5]


@pytest.mark.parametrize("packet", [b"", b"<x", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff\xfe", b"<a/>"])
def test_a_damaged_packet_says_nothing_and_is_replaced(packet):
    assert xmp.stars_of(packet) is None
    assert xmp.stars_of(xmp.with_stars(packet, xmp.Stars(4, xmp.RATED))) == 4


def test_other_properties_and_keywords_of_a_packet_stay():
    other = xmp.with_stars(None, xmp.Stars(1, xmp.PREDICTED, keywords=("Sea", "PAV predicted")))
    changed = xmp.with_stars(other, xmp.Stars(3, xmp.PREDICTED, "Red", ("PAV loved",)))
    assert (b"Sea" in changed, b"PAV loved" in changed, b"PAV predicted" in changed) == (True, True, False)
    assert changed.count(b"Rating=") == 1


@pytest.mark.parametrize(
    "name", ["exif:GPSLatitude", "drone-dji:GpsLatitude", "drone-dji:GpsLongtitude", "Camera:gpsXYAccuracy", "GettyImagesGIFT:Longitude"]
)
def test_places_leave_a_packet_whichever_vendor_wrote_them(name):
    head = f"<x xmlns:rdf='{xmp.RDF}' xmlns:exif='{xmp.EXIF}' xmlns:drone-dji='dji' xmlns:Camera='c' xmlns:GettyImagesGIFT='g'><rdf:RDF>"
    packet = f"{head}<rdf:Description {name}='SECRET' exif:Model='kept'><{name}>SECRET</{name}></rdf:Description></rdf:RDF></x>"
    stripped = xmp.without_place(packet.encode())
    assert (b"SECRET" in stripped, b"kept" in stripped) == (False, True)


def test_a_jpeg_that_ends_within_a_scan_is_packed_reduced(alice, album):
    whole = making.full_of_metadata("JPEG")
    scan = whole.index(b"\xff\xda")
    for cut in (whole[: scan + 4], whole[:-2] + b"\xff\xda", whole[:-2] + b"\xff\xc4\xff"):
        with pytest.raises(jpeg_segments.UnusableJpeg):
            jpeg_segments.without_place(cut)
    originals.path(Original.objects.order_by("id").first()).write_bytes(whole[:-2] + b"\xff\xda")
    packed = pack(alice, album)
    assert (len(packed.namelist()), Download.objects.get().reduced) == (6, 2)  # and a PNG


@pytest.mark.parametrize("cut", [2, 10, 200, 2000])
def test_a_damaged_jpeg_is_refused_rather_than_packed_with_its_place(cut):
    data = making.full_of_metadata("JPEG")[:cut]
    with pytest.raises(jpeg_segments.UnusableJpeg):
        jpeg_segments.without_place(data[:20] if cut == 2000 else data)
