"""Celery application with two queues: `refit` (NumPy, milliseconds) and `gpu` (torch, seconds)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")

app = Celery("pav")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["personalize"])
