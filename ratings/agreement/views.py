"""Pages of analyses of agreement, for administrators."""

from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from ratings.agreement import selectors, services
from ratings.agreement.models import AgreementAnalysis
from ratings.errors import RatingError

CONTENT_TYPES = {
    "svg": "image/svg+xml",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}


@require_http_methods(["GET", "POST"])
@never_cache
@staff_member_required
def analyses(request: HttpRequest) -> HttpResponse:
    """All analyses; a POST requests another one."""
    _check(request)
    if request.method == "POST":
        try:
            return redirect("agreement_page", services.request_analysis(user_id=request.user.pk or 0).id)
        except RatingError as error:
            messages.warning(request, str(error.sentence))
    return _page(request, "agreement/analyses.html", analyses=selectors.analyses())


@require_GET
@never_cache
@staff_member_required
def analysis_page(request: HttpRequest, analysis_id: UUID) -> HttpResponse:
    """One analysis: the page that `./pav agreement` prints, with plots and files."""
    row = _seen(request, analysis_id)
    plots = sorted(name for name in row.files if name.endswith(".svg"))
    context: dict[str, object] = {"analysis": row, "text": row.files.get("page.txt", ""), "plots": plots, "files": sorted(row.files)}
    context["problem"] = _(row.problem) if row.problem else ""
    return _page(request, "agreement/analysis.html", **context)


@require_GET
@never_cache
@staff_member_required
def analysis_file(request: HttpRequest, analysis_id: UUID, name: str) -> HttpResponse:
    """One file of an analysis. A plot is shown; everything else is downloaded."""
    row = _seen(request, analysis_id)
    if name not in row.files:
        raise Http404
    ending = name.rpartition(".")[2]
    response = HttpResponse(row.files[name], content_type=CONTENT_TYPES.get(ending, "text/plain; charset=utf-8"))
    is_download = ending != "svg" or "download" in request.GET
    response["Content-Disposition"] = content_disposition_header(is_download, name) or "inline"
    return response


def _check(request: HttpRequest) -> None:
    if not selectors.may_see(request.user):
        raise PermissionDenied


def _seen(request: HttpRequest, analysis_id: UUID) -> AgreementAnalysis:
    _check(request)
    row = selectors.analysis(analysis_id)
    if row is None:
        raise Http404
    return row


def _page(request: HttpRequest, template: str, **context: object) -> HttpResponse:
    return render(request, template, {**admin.site.each_context(request), "title": _("Agreement"), **context})
