"""Program: one step of the newest model export, as a worker of queue `gpu` does it."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from personalize.worker import model_export  # noqa: E402
from ratings.exports.models import ModelExport  # noqa: E402

if __name__ == "__main__":
    model_export.advance(ModelExport.objects.latest("created_at").id)
