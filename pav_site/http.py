"""Django behind ASGI, for views and middleware that are all synchronous."""

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class OneThreadHandler(ASGIHandler):
    """Runs the whole chain of middleware and the view in one go, on one thread.

    Django's own handler awaits each middleware by itself: it changes threads some twenty times on the way through, which takes longer
    than most requests here.
    """

    def __init__(self) -> None:  # not the parent's, which would load the middleware for the other way
        self.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


def get_application() -> OneThreadHandler:
    django.setup(set_prefix=False)
    return OneThreadHandler()
