"""Pages of exports: the ratings as CSV, and model exports, visible to the administrator who requested them and to superusers."""

import os
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import BinaryIO
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from ratings.errors import RatingError
from ratings.exports import ratings_csv as csv_export
from ratings.exports import services
from ratings.exports.models import ModelExport

SHOWN_PROBLEMS = 50
PIECE = 256 * 1024  # bytes of an archive that are read at once


@require_GET
@staff_member_required
def ratings_csv(request: HttpRequest) -> StreamingHttpResponse:
    """All current ratings, for staff."""
    response = StreamingHttpResponse(_in_batches(csv_export.ratings_csv()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="ratings.csv"'
    return response


async def _in_batches(lines: Iterator[str]) -> AsyncIterator[str]:
    """Stream lines: under ASGI, Django would gather a synchronous iterator into memory before it sends the first byte."""
    batch = sync_to_async(lambda: "".join(islice(lines, 500)))
    while piece := await batch():
        yield piece


@require_GET
@never_cache
@staff_member_required
def export_page(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """The progress of an export, and its download link."""
    row = _seen(request, export_id)
    context = {
        **admin.site.each_context(request),
        "title": _("Model export"),
        "export": row,
        "format": services.FORMATS[row.file_format],
        "state": _state(request, row),
    }
    return render(request, "exports/export.html", context)


@require_GET
@never_cache
@staff_member_required
def export_state(request: HttpRequest, export_id: UUID) -> JsonResponse:
    """The same as JSON, for the page's script."""
    return JsonResponse(_state(request, _seen(request, export_id)))


@require_GET
@never_cache
@staff_member_required
def export_file(request: HttpRequest, ticket: str) -> HttpResponse | StreamingHttpResponse:
    """Download the archive, by a link that is valid for an hour."""
    try:
        row, file = services.open_archive(request.user, ticket)
    except RatingError as error:
        return render(request, f"{error.status}.html", {"reason": error.sentence}, status=error.status)
    name = f"models-{row.file_format}-{row.created_at:%Y-%m-%d}.zip"
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "Content-Length": str(os.fstat(file.fileno()).st_size),
    }
    return StreamingHttpResponse(_pieces(file), content_type="application/zip", headers=headers)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    """Stream a file: under ASGI, Django would read an ordinary file response into memory before it sends the first byte."""
    with file:
        while piece := await sync_to_async(file.read)(PIECE):
            yield piece


def _seen(request: HttpRequest, export_id: UUID) -> ModelExport:
    row = services.visible_export(request.user, export_id)
    if row is None:
        raise Http404
    return row


def _state(request: HttpRequest, row: ModelExport) -> dict[str, object]:
    raters = len(row.raters)
    sentence = {
        ModelExport.State.WAITING: _("Waiting for a worker."),
        ModelExport.State.RUNNING: _("{done} of {raters} raters done.").format(done=row.done_count, raters=raters),
        ModelExport.State.DONE: ngettext("{n} model is ready.", "{n} models are ready.", raters - len(row.problems)).format(
            n=raters - len(row.problems)
        ),
        ModelExport.State.FAILED: _("No model could be made.")
        if len(row.problems) == raters
        else _("It was not finished within a day, so it was stopped. Export the models again."),
    }[ModelExport.State(row.state)]
    done = row.state == ModelExport.State.DONE
    return {
        "sentence": sentence,
        "finished": row.state in (ModelExport.State.DONE, ModelExport.State.FAILED),
        "done": row.done_count,
        "raters": raters,
        "problems": [{"rater": problem["rater"], "detail": _(problem["detail"])} for problem in row.problems[:SHOWN_PROBLEMS]],
        "further_problems": max(0, len(row.problems) - SHOWN_PROBLEMS),
        "link": reverse("export_file", args=[services.link(row, request.user)]) if done else "",
        "size": row.size_bytes,
    }
