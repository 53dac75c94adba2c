"""Celery application with three queues: `refit` (milliseconds), `gpu` (seconds), and `exact` (seconds, needs torch)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")

app = Celery("pav")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["personalize"])
