"""The tus protocol against a real server: creation, pieces, resuming, and everything that is refused."""

import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from ratings.albums.services import delete_album
from ratings.models import Album, Photo, Rater, Upload
from ratings.uploads import partials, services
from tests.guests import make_photos
from tests.photos import making

JPEG = making.encoded(making.scene(320, 240))


NAMES = [
    ("../../Ürlaub 🏖.jpg", "Ürlaub 🏖.jpg"),
    ("שקיעה\u202egpj.jpg", "שקיעהgpj.jpg"),  # right to left, without the mark that turns the rest of the name around
    ("n" * 300 + ".jpg", "n" * 115 + "….jpg"),
]


@pytest.mark.parametrize(("sent", "stored"), NAMES, ids=["emoji", "right to left", "300 characters"])
def test_a_file_sent_in_pieces_arrives_as_it_was(sent, stored, alice):
    started = alice.begin(len(JPEG), sent)
    place = started.headers["location"]
    assert (started.status_code, started.headers["tus-resumable"]) == (201, "1.0.0")
    assert "upload-expires" in started.headers
    half = len(JPEG) // 2

    assert alice.send(place, 0, JPEG[:half]).headers["upload-offset"] == str(half)
    assert (alice.offset(place).headers["upload-offset"], alice.offset(place).headers["upload-length"]) == (str(half), str(len(JPEG)))
    assert alice.send(place, half, iter([JPEG[half:-5], JPEG[-5:]])).status_code == 204  # of unknown length, in chunks

    upload = Upload.objects.get()
    assert (upload.state, upload.name, upload.size_bytes) == ("waiting", stored, len(JPEG))
    assert partials.path(upload.id).read_bytes() == JPEG
    assert alice.offset(place).headers["upload-offset"] == str(len(JPEG))


def test_the_server_says_what_it_speaks(address):
    said = httpx.options(f"{address}/uploads/").headers
    assert (said["tus-version"], said["tus-extension"], said["tus-max-size"]) == (
        "1.0.0",
        "creation,expiration,termination",
        str(120 * 2**20),
    )
    assert httpx.post(f"{address}/uploads/", headers={"Tus-Resumable": "0.2"}).status_code == 412


MUST_NOT_BEGIN = [
    ({"X-CSRFToken": "wrong"}, 403),
    ({"Origin": "https://evil.example"}, 403),
    ({"Cookie": f"csrftoken={'t' * 32}"}, 403),  # no session
    ({"Host": "evil.example"}, 400),
    ({"Upload-Length": "-1"}, 400),
    ({"Upload-Length": "1e9"}, 400),
    ({"Upload-Metadata": "filename ###"}, 400),
    ({"Upload-Metadata": f"filename {'A' * 9000}"}, 400),
    ({"Upload-Length": str(26 * 2**20)}, 413),
    ({"Upload-Length": "0"}, 422),
]


def test_what_must_not_begin_is_refused_with_a_sentence_and_reserves_nothing(alice):
    for change, status in MUST_NOT_BEGIN:
        refused = alice.begin(len(JPEG), **change)
        assert (refused.status_code, bool(refused.json()["detail"])) == (status, True), change
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert alice.begin(len(JPEG)).status_code == 403
    assert not Upload.objects.exists()


def test_a_body_is_not_read_before_it_is_known_who_sends_it(alice, address):
    place = alice.begin(len(JPEG)).headers["location"]
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = f"PATCH {place} HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\nContent-Length: 100000000000\r\n\r\n"
        line.sendall(head.encode())  # and not one byte of the body
        assert line.recv(100).startswith(b"HTTP/1.1 403")
    assert partials.offset(Upload.objects.get().id) == 0


def test_pieces_out_of_order_twice_or_too_long_change_nothing(alice):
    place = alice.begin(len(JPEG)).headers["location"]
    assert alice.send(place, 10, JPEG[10:20]).status_code == 409
    assert alice.send(place, 0, JPEG[:10]).status_code == 204
    assert alice.send(place, 0, JPEG[:10]).status_code == 409
    assert alice.send(place, 10, JPEG[10:] + b"more").status_code == 413
    assert alice.send(place, 10, iter([JPEG[10:], b"more"])).status_code == 413
    assert alice.send(place, 10, JPEG[10:], **{"Content-Type": "image/jpeg"}).status_code == 415
    assert alice.offset(place).headers["upload-offset"] == "10"

    assert alice.send(place, 10, JPEG[10:]).status_code == 204
    assert alice.send(place, len(JPEG), b"").status_code == 409  # after the end
    assert partials.path(Upload.objects.get().id).read_bytes() == JPEG


def test_a_cut_in_the_middle_keeps_what_arrived_and_the_rest_follows(alice, address):
    data = making.encoded(making.scene(2000, 1500), "PNG")
    place = alice.begin(len(data)).headers["location"]
    host, port = address.removeprefix("http://").split(":")
    headers = alice.headers | {"Host": f"{host}:{port}", "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    headers |= {"Cookie": "; ".join(f"{name}={value}" for name, value in alice.client.cookies.items()), "Content-Length": str(len(data))}
    line = socket.create_connection((host, int(port)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    line.sendall(f"PATCH {place} HTTP/1.1\r\n{lines}\r\n".encode() + data[: len(data) // 2])
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, as of a network that is gone
    line.shutdown(socket.SHUT_WR)
    line.close()

    offset = int(alice.offset(place).headers["upload-offset"])
    while alice.send(place, offset, data[offset:]).status_code in (409, 423):  # until the server has seen the cut
        offset = int(alice.offset(place).headers["upload-offset"])
    assert partials.path(Upload.objects.get().id).read_bytes() == data


def test_an_upload_of_somebody_else_is_as_unknown_as_one_that_never_was(alice, bob):
    place = alice.begin(len(JPEG)).headers["location"]
    for method, headers in (
        ("HEAD", {}),
        ("PATCH", {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}),
        ("DELETE", {}),
    ):
        replies = [bob.client.request(method, where, headers=bob.headers | headers) for where in (place, f"/uploads/{uuid4()}")]
        assert [reply.status_code for reply in replies] == [404, 404]
        assert replies[0].text == replies[1].text
    bob.album = alice.album
    assert bob.begin(len(JPEG)).status_code == 404
    assert alice.offset(place).status_code == 200


def test_a_stopped_upload_is_forgotten_with_its_bytes(alice):
    place = alice.begin(len(JPEG)).headers["location"]
    alice.send(place, 0, JPEG[:100])
    assert alice.client.delete(place, headers=alice.headers).status_code == 204
    assert (alice.offset(place).status_code, partials.everything(), Upload.objects.count()) == (404, [], 0)


def test_an_album_deleted_while_a_file_is_sent_takes_it_along(alice):
    place = alice.begin(len(JPEG)).headers["location"]
    alice.send(place, 0, JPEG[:100])
    delete_album(owner_id=alice.rater.id, album_id=alice.album)
    assert alice.send(place, 100, JPEG[100:]).status_code == 404
    assert (partials.everything(), Album.objects.count()) == ([], 0)


def test_bytes_that_arrived_before_a_crash_are_found_whole(alice):
    place = alice.begin(len(JPEG)).headers["location"]
    partials.path(Upload.objects.get().id).write_bytes(JPEG)  # the server died before it could note that this was the end
    assert alice.offset(place).headers["upload-offset"] == str(len(JPEG))
    assert Upload.objects.get().state == "waiting"


def test_a_full_disk_refuses_the_piece_and_keeps_the_rest(alice, monkeypatch):
    place = alice.begin(len(JPEG)).headers["location"]

    def full(_file, _data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ratings.uploads.tus._write_all", full)
        refused = alice.send(place, 0, JPEG)
    assert (refused.status_code, "disk" in refused.json()["detail"]) == (507, True)
    assert alice.send(place, 0, JPEG).status_code == 204


def test_a_guest_is_refused_with_the_numbers_where_nothing_more_fits(alice, settings):
    settings.PAV = settings.PAV | {"GUEST_PHOTOS": 2}
    assert [alice.begin(len(JPEG)).status_code for _ in range(3)] == [201, 201, 507]
    assert alice.begin(len(JPEG)).json()["detail"] == "You have 2 photos here, and a guest may have 2. Make an account to bring more."
    settings.PAV = settings.PAV | {"GUEST_PHOTOS": 200, "FREE_DISK_GB": 10**6}
    assert "free" in alice.begin(len(JPEG)).json()["detail"]
    assert Upload.objects.count() == 2
    settings.PAV = settings.PAV | {"FREE_DISK_GB": 0, "LIMIT_UPLOADS": "1/minute"}
    assert [alice.begin(5).status_code for _ in range(2)] == [201, 429]


def test_an_account_and_the_installation_are_refused_with_their_numbers(alice, bob, settings):
    Rater.objects.filter(id=alice.rater.id).update(user=get_user_model().objects.create_user("alice"))
    photo = make_photos(1, owner=alice.rater)[0]

    def refused(**limits: float) -> str:
        settings.PAV = settings.PAV | {"ACCOUNT_PHOTOS": 9, "ACCOUNT_GB": 9, "OWN_PHOTOS_GB": 9} | limits
        reply = alice.begin(len(JPEG))
        return reply.json()["detail"] if reply.status_code == 507 else str(reply.status_code)

    assert refused(ACCOUNT_PHOTOS=1).startswith("You have 1 photos here, and 1 is the most.")
    Photo.objects.filter(id=photo.id).update(stored_bytes=2**30)
    assert refused(ACCOUNT_GB=1).startswith("Your photos take 1.0\xa0GB of 1.0\xa0GB, and this file has")
    assert refused(OWN_PHOTOS_GB=1).startswith("All photos that people brought take 1.0\xa0GB of 1.0\xa0GB here.")
    assert refused() == "201"
    assert Upload.objects.count() == 1


def test_of_several_files_begun_at_once_no_more_are_reserved_than_fit(alice, settings):
    settings.PAV = settings.PAV | {"GUEST_PHOTOS": 2}
    with ThreadPoolExecutor(6) as threads:
        replies = list(threads.map(lambda _: alice.begin(len(JPEG)).status_code, range(6)))
    assert sorted(replies) == [201, 201, 507, 507, 507, 507]


def test_unfinished_uploads_are_swept_after_a_day(alice):
    alice.send(alice.begin(len(JPEG)).headers["location"], 0, JPEG[:100])
    services.delete_old()
    assert Upload.objects.count() == 1
    Upload.objects.update(created_at="2020-01-01T00:00Z")
    services.delete_old()
    assert (Upload.objects.count(), partials.everything()) == (0, [])


def test_everything_else_still_takes_64_kilobytes_at_most(alice):
    body = {"album": str(alice.album), "hashes": ["0" * 64] * 100, "more": ""}
    for length, status in ((50_000, 200), (70_000, 400)):
        assert alice.client.post("/api/v1/uploads/known", json=body | {"more": "x" * length}, headers=alice.headers).status_code == status
