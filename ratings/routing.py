"""Websocket addresses."""

from django.urls import path

from ratings.consumers import TasteConsumer

websocket_urlpatterns = [path("ws/taste/", TasteConsumer.as_asgi())]
