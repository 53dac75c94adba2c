"""Error responses. Those of the API are `{"detail": one sentence}`, with a fitting status."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from ninja import Field, NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from ratings.errors import NotSignedIn, RatingError, TooManyRequests


class Problem(Schema):
    detail: str = Field(description="One sentence that can be shown to the rater.")


PROBLEMS = dict.fromkeys((400, 403, 404, 409, 412, 422, 429), Problem)


def plain_refusal(error: TooManyRequests) -> HttpResponse:
    """The response for a photo file where a rate limit is exceeded: the sentence alone."""
    headers = {"Retry-After": str(error.seconds)}
    return HttpResponse(str(error.sentence), status=error.status, headers=headers, content_type="text/plain; charset=utf-8")


def refusal_page(request: HttpRequest, error: TooManyRequests) -> HttpResponse:
    """The page where a rate limit is exceeded; it opens the start page when the limit allows it."""
    page = render(request, "429.html", {"error": error}, status=error.status)
    page["Retry-After"] = str(error.seconds)
    return page


def add_handlers(api: NinjaAPI) -> None:
    """Turn every error of the API into a problem."""

    @api.exception_handler(RatingError)
    def refuse(request: HttpRequest, error: RatingError) -> HttpResponse:
        response = api.create_response(request, {"detail": str(error.sentence)}, status=error.status)
        if isinstance(error, TooManyRequests):
            response["Retry-After"] = str(error.seconds)
        return response

    @api.exception_handler(AuthenticationError)
    def refuse_strangers(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return refuse(request, NotSignedIn())

    @api.exception_handler(ValidationError)
    def refuse_invalid_fields(request: HttpRequest, error: ValidationError) -> HttpResponse:
        """Names the first invalid field; the OpenAPI document has the rest."""
        first = error.errors[0]
        field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "rating", "choice"))
        sentence = _("Please check “{field}”: {reason}.").format(field=field or _("the body"), reason=str(first["msg"]).rstrip("."))
        return api.create_response(request, {"detail": sentence}, status=422)

    @api.exception_handler(HttpError)
    def refuse_unreadable_requests(request: HttpRequest, error: HttpError) -> HttpResponse:
        """The body is not JSON (400), or a write has no CSRF token or comes from another site (403)."""
        sentences = {
            400: _("The body could not be read. Send JSON."),
            403: _("This request did not come from PAV's own page. Reload the page and try again."),
        }
        return api.create_response(request, {"detail": sentences.get(error.status_code, str(error))}, status=error.status_code)
