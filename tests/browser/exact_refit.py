"""Program: ends an exact refit of the newest fit as a worker does; the exact model reverses the order of the photos."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from ratings import refinements  # noqa: E402
from ratings.models import Fit, Refinement  # noqa: E402

VERDICT = {"instant": 0.41, "exact": 0.62, "error": 0.1, "speaks": "exact"}


def main() -> None:
    fit = Fit.objects.filter(version__gt=0).latest("updated_at")
    Refinement.objects.update_or_create(
        person=fit.person,
        defaults={"bank": fit.bank, "ratings_seq": fit.ratings_seq, "asked_at": timezone.now(), "verdict": VERDICT},
    )
    work = refinements.under_way(fit.person_id)
    assert work is not None
    refinements.let_exact_speak(work, accuracy=None, scores=[(photo, float(place)) for place, photo in enumerate(work.top)])


if __name__ == "__main__":
    main()
