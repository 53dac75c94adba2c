"""ASGI application: HTTP goes to Django, websockets from allowed origins go to Channels."""

import os

from pav_site.http import get_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")
django_application = get_application()  # loads the apps, which the imports below require

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from ratings.ranking.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
