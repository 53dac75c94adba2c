"""Step: ends an exact refit of the newest fit as a worker does; the exact model reverses the order of the photos."""

from django.utils import timezone

from ratings.ranking import exact_refits
from ratings.ranking.json_columns import StoredComparison
from ratings.ranking.models import ExactRefit, Fit

COMPARISON = StoredComparison(instant=0.41, exact=0.62, error=0.1, active="exact")


def main() -> None:
    fit = Fit.objects.filter(version__gt=0).latest("updated_at")
    ExactRefit.objects.update_or_create(
        rater=fit.rater,
        defaults={
            "bank": fit.projection.bank,
            "projection": fit.projection,
            "ratings_seq": fit.ratings_seq,
            "step_queued_at": timezone.now(),
            "comparison": COMPARISON,
        },
    )
    work = exact_refits.under_way(fit.rater_id)
    assert work is not None
    exact_refits.activate_exact(
        work, accuracy=None, scores=[(photo, float(place)) for place, photo in enumerate(exact_refits.photos_to_order(work.rater))]
    )
