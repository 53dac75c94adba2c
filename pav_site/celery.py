"""Celery application with four queues: `refit` (milliseconds), `gpu` (seconds), `exact` (seconds, needs torch), `intake` (files)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")

app = Celery("pav")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["personalize"])
