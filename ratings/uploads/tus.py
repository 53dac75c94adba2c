"""Resumable uploads by the tus protocol, as an ASGI application of its own beside Django's.

Django writes a whole body to disk before a view sees who sends it. Here host, origin, CSRF token, session and owner are checked before the
first byte of the body is read, and the body is written to disk piece by piece, so that memory stays small whatever is sent.

References:
    tus resumable upload protocol 1.0.0, with the extensions creation, expiration and termination.
"""

import asyncio
import base64
import binascii
import errno
import io
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from importlib import import_module
from typing import Any, BinaryIO, TypeVar
from uuid import UUID

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connection
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import translation
from django.utils.translation import gettext as _

from ratings import limits
from ratings.errors import NotSignedIn, RatingError, TooManyRequests
from ratings.photos.raw_previews import LARGEST_RAW
from ratings.photos.refusals import PhotoRefused
from ratings.raters.guests import rater_of
from ratings.uploads import partials, selectors, services
from ratings.uploads.models import Upload

logger = logging.getLogger(__name__)

PATH = "/uploads/"
VERSION = "1.0.0"
PIECE = 256 * 1024  # bytes that are written together; all that an upload takes of the memory
IDLE_SECONDS = 60  # without a byte, until a connection counts as lost
LONGEST_METADATA = 4096  # characters
CONTENT_TYPE = "application/offset+octet-stream"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Result = TypeVar("Result")


class Refused(Exception):
    """A request is refused with a status and one sentence."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, headers or {}


class Disconnected(Exception):
    """The browser is gone; what has arrived stays."""


@dataclass(frozen=True)
class Reply:
    """A response; `sentence` becomes JSON as in the API."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    sentence: str = ""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request below `PATH`."""
    async with ThreadSensitiveContext():
        request = ASGIRequest({**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"content-type"]}, io.BytesIO())
        with translation.override(translation.get_language_from_request(request)):
            try:
                reply = await _answer(scope, receive, request)
            except Refused as refusal:
                reply = Reply(refusal.status, {**refusal.headers, "Connection": "close"}, refusal.sentence)
            except Disconnected:
                return
        await _send(send, reply)


async def _answer(scope: Scope, receive: Receive, request: ASGIRequest) -> Reply:
    method, headers = scope["method"], {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    _check_host(request)
    if method == "OPTIONS":
        extensions = {"Tus-Version": VERSION, "Tus-Extension": "creation,expiration,termination", "Tus-Max-Size": str(LARGEST_RAW)}
        return Reply(204, extensions)
    if headers.get("tus-resumable") != VERSION:
        raise Refused(412, _("This PAV speaks version 1.0.0 of the upload protocol."), {"Tus-Version": VERSION})
    upload_id = _upload_id(scope["path"])
    if method not in (("POST",) if upload_id is None else ("HEAD", "PATCH", "DELETE")):
        raise Refused(405, _("That did not work."))
    owner_id = await _in_database(lambda: _owner(request))
    if upload_id is None:
        return await _create(owner_id, headers)
    if method == "DELETE":
        await _in_database(lambda: _refusing(lambda: services.cancel(owner_id=owner_id, upload_id=upload_id)))
        return Reply(204)
    upload = await _in_database(lambda: selectors.upload_of(owner_id, upload_id))
    if upload is None:
        raise Refused(404, str(services.NoSuchUpload.sentence))
    if method == "HEAD":
        return await _state(upload)
    return await _receive_bytes(upload, headers, receive)


def _check_host(request: ASGIRequest) -> None:
    try:
        request.get_host()
    except DisallowedHost:
        raise Refused(400, _("That did not work.")) from None
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise Refused(403, _("Photos are sent by HTTPS only. Open this page by https:// and try again."))


def _owner(request: ASGIRequest) -> UUID:
    """Who sends this, by the session.

    Raises:
        Refused: another page sends it, the CSRF token is missing, or nobody is known.
    """
    if request.method != "HEAD":
        csrf = CsrfViewMiddleware(lambda _request: HttpResponse())
        csrf.process_request(request)
        if csrf.process_view(request, lambda: HttpResponse(), (), {}) is not None:
            raise Refused(403, _("This request did not come from PAV's own page. Reload the page and try again."))
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    rater_id = rater_of(request.session, get_user(request))
    if rater_id is None:
        raise Refused(403, str(NotSignedIn.sentence))
    if request.method == "POST":
        _refusing(lambda: limits.check("UPLOADS", str(rater_id)))
    return rater_id


async def _create(owner_id: UUID, headers: dict[str, str]) -> Reply:
    metadata = _metadata(headers.get("upload-metadata", ""))
    try:
        album_id, length = UUID(metadata.get("album", "")), _whole(headers.get("upload-length"))
    except ValueError:
        raise Refused(400, _("An upload needs its length, and the album that it is for.")) from None
    name = metadata.get("filename", "")
    upload = await _in_database(
        lambda: _refusing(lambda: services.begin(owner_id=owner_id, album_id=album_id, name=name, size_bytes=length))
    )
    return Reply(201, {"Location": f"{PATH}{upload.id}", "Upload-Expires": _expiry(upload)})


async def _state(upload: Upload) -> Reply:
    """How far an upload is. One that is whole but not known to be, because a process died in between, is finished now."""
    arrived = upload.size_bytes
    if upload.state == Upload.State.SENDING:
        arrived = await asyncio.to_thread(partials.offset, upload.id)
        if arrived >= upload.size_bytes:
            await _in_database(lambda: services.finish_receiving(upload.id))
    shown = {"Upload-Offset": str(arrived), "Upload-Length": str(upload.size_bytes), "Cache-Control": "no-store"}
    return Reply(200, shown | {"Upload-Expires": _expiry(upload)})


async def _receive_bytes(upload: Upload, headers: dict[str, str], receive: Receive) -> Reply:
    if headers.get("content-type") != CONTENT_TYPE:
        raise Refused(415, _("That did not work."))
    try:
        offset, announced = _whole(headers.get("upload-offset")), _whole(headers.get("content-length", "0"))
    except ValueError:
        raise Refused(400, _("That did not work.")) from None
    if upload.state != Upload.State.SENDING:
        raise Refused(409, _("This file has arrived already."))
    if offset + announced > upload.size_bytes:
        raise Refused(413, _("More was sent than the file has. It changed meanwhile; choose it again."))
    with ExitStack() as held:
        try:
            file = held.enter_context(partials.appending(upload.id))
        except partials.InUse:
            raise Refused(423, _("Another tab sends this file already.")) from None
        if file.tell() != offset:
            raise Refused(409, _("A part of the file is missing before this one."), {"Upload-Offset": str(file.tell())})
        try:
            arrived = await _write(receive, file, offset, upload.size_bytes)
        except OSError as error:
            logger.error("An upload could not be written: %s", error.strerror)
            status = 507 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 500
            raise Refused(status, _("The disk of this PAV is full, so this file waits. Try again later.")) from error
        if arrived == upload.size_bytes:
            await asyncio.to_thread(partials.flush, file)
    if not await _in_database(lambda: _after_writing(upload, arrived)):
        raise Refused(404, str(services.NoSuchUpload.sentence))
    return Reply(204, {"Upload-Offset": str(arrived), "Upload-Expires": _expiry(upload)})


async def _write(receive: Receive, file: BinaryIO, offset: int, most: int) -> int:
    """Append the body to the file, piece by piece; returns its new length.

    Raises:
        Refused: the body goes beyond `most`; the file is as long as before.
        Disconnected: the connection is lost; the file has all that came.
    """
    arrived, pieces = offset, bytearray()

    async def store() -> None:
        await asyncio.to_thread(_write_all, file, bytes(pieces))
        pieces.clear()

    while True:
        try:
            message = await asyncio.wait_for(receive(), IDLE_SECONDS)
        except TimeoutError:
            message = {"type": "http.disconnect"}
        if message["type"] == "http.disconnect":
            await store()
            raise Disconnected
        pieces += message.get("body", b"")
        if arrived + len(pieces) > most:
            file.truncate(offset)
            raise Refused(413, _("More was sent than the file has. It changed meanwhile; choose it again."))
        if len(pieces) >= PIECE or not message.get("more_body"):
            arrived += len(pieces)
            await store()
        if not message.get("more_body"):
            return arrived


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) or 0 :]


def _after_writing(upload: Upload, arrived: int) -> bool:
    """Finish a whole upload; False where it was deleted meanwhile, with its album for instance, and its bytes are gone."""
    if selectors.upload_of(upload.owner_id, upload.id) is None:
        partials.remove(upload.id)
        return False
    if arrived == upload.size_bytes:
        services.finish_receiving(upload.id)
    return True


def _refusing(call: Callable[[], Result]) -> Result:
    """The result of a call; its errors as refusals."""
    try:
        return call()
    except PhotoRefused as refusal:
        raise Refused(413 if refusal.code == "file_too_large" else 422, refusal.sentence(_)) from refusal
    except RatingError as error:
        headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyRequests) else {}
        raise Refused(error.status, str(error.sentence), headers) from error


async def _in_database(call: Callable[[], Result]) -> Result:
    """Run a call on the thread of this request. Its connection goes back to the pool, because a slow body must not hold one."""

    def run() -> Result:
        close_old_connections()
        try:
            return call()
        finally:
            if not connection.in_atomic_block:  # as in tests, which keep one transaction open
                connection.close()

    return await sync_to_async(run, thread_sensitive=True)()


def _upload_id(path: str) -> UUID | None:
    """The upload that an address names; None for the address where uploads begin."""
    last = path.removeprefix(PATH)
    if not last:
        return None
    try:
        return UUID(last)
    except ValueError:
        raise Refused(404, str(services.NoSuchUpload.sentence)) from None


def _metadata(text: str) -> dict[str, str]:
    """Keys and decoded values of the header Upload-Metadata.

    Raises:
        Refused: it cannot be read.
    """
    if len(text) > LONGEST_METADATA:
        raise Refused(400, _("The name of the file is too long. Rename it and try again."))
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _space, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            raise Refused(400, _("That did not work.")) from None
    return found


def _whole(text: str | None) -> int:
    """A length or an offset.

    Raises:
        ValueError: it is no whole number from 0.
    """
    if not text or not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ValueError(text)
    return int(text)


def _expiry(upload: Upload) -> str:
    return format_datetime(upload.created_at + timedelta(hours=services.KEPT_HOURS), usegmt=True)


async def _send(send: Send, reply: Reply) -> None:
    body = json.dumps({"detail": reply.sentence}).encode() if reply.sentence else b""
    headers = {"Tus-Resumable": VERSION, "X-Content-Type-Options": "nosniff", **reply.headers}
    headers |= {"Content-Type": "application/json"} if body else {}
    headers |= {"Content-Length": str(len(body))} if reply.status != 204 else {}
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
