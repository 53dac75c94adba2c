"""Celery application with four queues: `refit` (milliseconds), `gpu` (seconds), `exact` (seconds, needs torch), `intake` (files)."""

import os

from celery import Celery
from celery.schedules import crontab
from django.conf import settings
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")

app = Celery("pav")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name, routing_key=name) for name in ("refit", "gpu", "exact", "intake")]
app.conf.beat_schedule = {
    "sweep": {"task": "personalize.tasks.sweep", "schedule": settings.PAV["SWEEP_SECONDS"], "options": {"expires": 10}},
    "guests": {"task": "personalize.tasks.delete_old_guests", "schedule": crontab(minute=17), "options": {"expires": 3600}},
    "photos": {
        "task": "personalize.tasks.sweep_photo_files",
        "schedule": crontab(hour=settings.PAV["LEARN_HOUR"], minute=10),
        "options": {"queue": "intake", "expires": 3600},
    },
    "bin": {"task": "personalize.tasks.purge_bin", "schedule": crontab(hour=2, minute=41), "options": {"expires": 3600}},
    "studies": {"task": "personalize.tasks.tidy_studies", "schedule": crontab(minute=37), "options": {"expires": 3600}},
    "learn": {
        "task": "personalize.tasks.learn_population_prior",
        "schedule": crontab(hour=settings.PAV["LEARN_HOUR"], minute=30),
        "options": {"queue": "gpu", "expires": 3600},
    },
}
app.autodiscover_tasks(["personalize"])
