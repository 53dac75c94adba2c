"""Websocket addresses."""

from django.urls import path

from ratings.ranking.consumers import TasteConsumer

websocket_urlpatterns = [path("ws/taste/", TasteConsumer.as_asgi())]
