"""Pages of the administrator beside the administration: exports of models. Seen by whoever asked for them, and by superusers."""

import os
from collections.abc import AsyncIterator
from typing import Any, BinaryIO
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

from ratings import model_exports
from ratings.errors import RatingError
from ratings.models import ModelExport

SHOWN_PROBLEMS = 50
PIECE = 256 * 1024  # bytes of an archive that are read at once


@require_GET
@never_cache
@staff_member_required
def export_page(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """How far an export has come, and the link to what it made."""
    row = _seen(request, export_id)
    context = {
        **admin.site.each_context(request),
        "title": _("Export of models"),
        "export": row,
        "kind": model_exports.KINDS[row.kind],
        "state": _state(request, row),
    }
    return render(request, "exports/export.html", context)


@require_GET
@never_cache
@staff_member_required
def export_state(request: HttpRequest, export_id: UUID) -> JsonResponse:
    """The same for the script of the page."""
    return JsonResponse(_state(request, _seen(request, export_id)))


@require_GET
@never_cache
@staff_member_required
def export_file(request: HttpRequest, ticket: str) -> Any:
    """The archive, for an hour after the page made the link."""
    try:
        row, file = model_exports.opened(request.user, ticket)
    except RatingError as error:
        return render(request, f"{error.status}.html", {"reason": error.sentence}, status=error.status)
    name = f"models-{row.kind}-{row.created_at:%Y-%m-%d}.zip"
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "Content-Length": str(os.fstat(file.fileno()).st_size),
    }
    return StreamingHttpResponse(_piecewise(file), content_type="application/zip", headers=headers)


async def _piecewise(file: BinaryIO) -> AsyncIterator[bytes]:
    """A file a piece at a time: under ASGI Django would read an ordinary file response into memory before it sends the first byte."""
    with file:
        while piece := await sync_to_async(file.read)(PIECE):
            yield piece


def _seen(request: HttpRequest, export_id: UUID) -> ModelExport:
    row = model_exports.seen_by(request.user, export_id)
    if row is None:
        raise Http404
    return row


def _state(request: HttpRequest, row: ModelExport) -> dict[str, Any]:
    people = len(row.people)
    sentence = {
        ModelExport.State.WAITING: _("Waiting for a worker."),
        ModelExport.State.RUNNING: _("{done} of {people} people done.").format(done=row.done, people=people),
        ModelExport.State.DONE: ngettext("{n} model is ready.", "{n} models are ready.", people - len(row.problems)).format(
            n=people - len(row.problems)
        ),
        ModelExport.State.FAILED: _("No model could be made.")
        if len(row.problems) == people
        else _("It was not finished within a day, so it was given up. Export the models again."),
    }[ModelExport.State(row.state)]
    done = row.state == ModelExport.State.DONE
    return {
        "sentence": sentence,
        "finished": row.state in (ModelExport.State.DONE, ModelExport.State.FAILED),
        "done": row.done,
        "people": people,
        "problems": [{"person": problem["person"], "detail": _(problem["detail"])} for problem in row.problems[:SHOWN_PROBLEMS]],
        "further_problems": max(0, len(row.problems) - SHOWN_PROBLEMS),
        "link": reverse("export_file", args=[model_exports.link(row, request.user)]) if done else "",
        "size": row.size,
    }
