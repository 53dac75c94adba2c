"""Program: one step of the newest model export, as a worker of queue `gpu` does it."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from personalize.app import exporting  # noqa: E402
from ratings.models import ModelExport  # noqa: E402

if __name__ == "__main__":
    exporting.advance(ModelExport.objects.latest("created_at").id)
