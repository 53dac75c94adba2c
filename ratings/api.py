"""The API under /api/v1: authentication, and the routes of each subject."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.security import APIKeyCookie

from ratings import problems
from ratings.albums.api import router as albums
from ratings.deck.api import router as deck
from ratings.downloads.api import router as downloads
from ratings.ranking.api import router as ranking
from ratings.raters import guests
from ratings.raters.api import router as raters
from ratings.studies.api import router as studies
from ratings.uploads.api import router as uploads


class GuestSession(APIKeyCookie):
    """The session cookie that `GET /` sets, or that of an account. Writes also need the CSRF token in the header `X-CSRFToken`."""

    param_name = settings.SESSION_COOKIE_NAME

    def authenticate(self, request: HttpRequest, key: str | None) -> UUID | None:
        return guests.rater_of(request.session, request.user)


api = NinjaAPI(
    title="PAV",
    version="1",
    description="Deals cards, takes ratings and undos, and returns the rater's own ranking of all photos, refitted after every rating.",
    auth=GuestSession(),
    urls_namespace="api",
    docs_url=None,  # the OpenAPI document is at openapi.json; Ninja's viewer loads scripts from another site
)
for router in (deck, ranking, albums, uploads, downloads, studies, raters):
    api.add_router("", router)
problems.add_handlers(api)
