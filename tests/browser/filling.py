"""Program: begins a projection that fills (`begin`), as a new bank does, or ends it (`end`)."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from ratings.ranking import projections  # noqa: E402
from ratings.ranking.models import Projection  # noqa: E402


def main() -> None:
    current = projections.current()
    assert current is not None
    if sys.argv[1] == "begin":
        projections.begin(after=current, data=b"", photo_count=1)
    else:
        Projection.objects.filter(state="filling").delete()


if __name__ == "__main__":
    main()
