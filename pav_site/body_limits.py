"""How large a request may be: kilobytes for the API, and up to the setting for the forms of pages, which hold whole designs of studies."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

API_BYTES = 64 * 1024
FILES = "multipart/form-data"  # goes to disk, and Django counts its fields alone


class BodyLimits:
    """Middleware: refuses a body that is too large before anything reads it; a page says so in words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
        if request.path_info.startswith("/api/"):
            if size > API_BYTES or len(request.body) > API_BYTES:  # a body sent in chunks names no length
                raise RequestDataTooBig
        elif size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and request.content_type != FILES:
            return render(request, "413.html", {"megabytes": settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20}, status=413)
        return self.get_response(request)
