"""ASGI application: uploads go to an application of their own, other HTTP to Django, websockets from allowed origins to Channels."""

import importlib
import os
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")
django.setup(set_prefix=False)  # loads the apps, which the imports below require

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from ratings.ranking.routing import websocket_urlpatterns  # noqa: E402
from ratings.uploads import tus  # noqa: E402

importlib.import_module(settings.ROOT_URLCONF)  # views and API, so that the first visitor does not wait for them


class OneThreadHandler(ASGIHandler):
    """Runs all middleware and the view in one call, on one thread.

    Django's own handler awaits each middleware separately and switches threads about twenty times per request, which takes longer than
    most requests of PAV.
    """

    def __init__(self) -> None:  # does not call the parent, which would load the middleware for async
        self.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


class Http:
    """Uploads, whose bodies Django would write to disk before it checks who sends them, or everything else."""

    def __init__(self) -> None:
        self.django = OneThreadHandler()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (tus.application if scope["path"].startswith(tus.PATH) else self.django)(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": Http(),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
