"""ASGI handler for synchronous views and middleware: one thread switch per request."""

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class OneThreadHandler(ASGIHandler):
    """Runs all middleware and the view in one call, on one thread.

    Django's own handler awaits each middleware separately and switches threads about twenty times per request, which takes longer than
    most requests of PAV.
    """

    def __init__(self) -> None:  # does not call the parent, which would load the middleware for async
        self.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


def get_application() -> OneThreadHandler:
    django.setup(set_prefix=False)
    return OneThreadHandler()
