"""Sign-in of administrators by link."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from ratings.raters import admin_links


@require_GET
@never_cache
def enter(request: HttpRequest, ticket: str) -> HttpResponse:
    """Sign the administrator in by a one-time link."""
    if not admin_links.sign_in(request, ticket):
        return render(request, "403.html", {"reason": admin_links.INVALID_LINK}, status=403)
    return redirect("admin:index")
