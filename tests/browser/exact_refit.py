"""Program: ends an exact refit of the newest fit as a worker does; the exact model reverses the order of the photos."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from ratings.ranking import exact_refits  # noqa: E402
from ratings.ranking.json_columns import StoredComparison  # noqa: E402
from ratings.ranking.models import ExactRefit, Fit  # noqa: E402

COMPARISON = StoredComparison(instant=0.41, exact=0.62, error=0.1, active="exact")

UNDER_WAY = {"step_queued_at": timezone.now(), "comparison": COMPARISON}


def main() -> None:
    fit = Fit.objects.filter(version__gt=0).latest("updated_at")
    ExactRefit.objects.update_or_create(
        rater=fit.rater,
        defaults={"bank": fit.projection.bank, "projection": fit.projection, "ratings_seq": fit.ratings_seq} | UNDER_WAY,
    )
    work = exact_refits.under_way(fit.rater_id)
    assert work is not None
    exact_refits.activate_exact(
        work, accuracy=None, scores=[(photo, float(place)) for place, photo in enumerate(exact_refits.photos_to_order(work.rater))]
    )


if __name__ == "__main__":
    main()
