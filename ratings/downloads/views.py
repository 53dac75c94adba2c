"""The file of a download, whole or by ranges, so that a lost connection goes on where it stopped."""

import os
import re
from collections.abc import AsyncIterator
from typing import BinaryIO

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ratings.downloads import services
from ratings.raters.guests import rater_of

PIECE = 256 * 1024  # bytes that are read at once


@require_safe
@never_cache
def download_file(request: HttpRequest, ticket: str) -> HttpResponseBase:
    """The ZIP that a link leads to, for its owner alone."""
    try:
        row, file = services.open_archive(rater_of(request.session, request.user), ticket)
    except services.NoSuchDownload as error:
        raise Http404(str(error.sentence)) from None
    size, tag = os.fstat(file.fileno()).st_size, f'"{row.id}"'
    headers = {
        "Content-Disposition": content_disposition_header(True, f"PAV {row.created_at:%Y-%m-%d}.zip") or "attachment",
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
    }
    wanted = request.headers.get("Range", "") if request.headers.get("If-Range", tag) == tag else ""
    first, last = _range(wanted, size)
    if first >= size:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Length"] = str(last - first + 1)
    if wanted and (first, last) != (0, size - 1):
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    status = 206 if "Content-Range" in headers else 200
    return StreamingHttpResponse(_pieces(file, first, last), status=status, content_type="application/zip", headers=headers)


def _range(text: str, size: int) -> tuple[int, int]:
    """First and last byte that a Range header asks for; all of them where it asks for none, several ranges, or nonsense."""
    found = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", text.strip())
    if not found or not any(found.groups()):
        return 0, size - 1
    start, end = found.groups()
    if not start:
        return max(0, size - int(end)), size - 1
    last = min(int(end), size - 1) if end else size - 1
    return (int(start), last) if int(start) <= last or int(start) >= size else (0, size - 1)


async def _pieces(file: BinaryIO, first: int, last: int) -> AsyncIterator[bytes]:
    """Stream a part of a file: under ASGI, Django would read an ordinary file response into memory before it sends the first byte."""
    with file:
        file.seek(first)
        left = last - first + 1
        while left and (piece := await sync_to_async(file.read)(min(PIECE, left))):
            left -= len(piece)
            yield piece
