"""How sure PAV is of a rater's taste: one table of states for every page.

| state | when | the page shows |
|---|---|---|
| `learning` | fewer than 8 ratings, skips left out | how many more |
| `alike` | all ratings are equal | that they need to differ |
| `unsure` | the interval of the accuracy includes chance (0), or there is no accuracy | that no taste was found yet; no number |
| `finding` | the interval lies above 0 | words and a picture; the number and its interval on request |
| `good` | above .25: PAV orders about 58 of 100 pairs of photos as the rater does, at least | the same |
| `very_good` | above .5: about 67 of 100 pairs, at least | the same |
"""

from uuid import UUID

from ratings.ranking.json_columns import StoredAccuracy
from ratings.ranking.schemas import Certainty, CertaintyState
from ratings.sql import rows

LEAST_RATINGS = 8  # as personalize.numerics.metrics: with fewer, the interval covers nearly the whole range
VERY_GOOD, GOOD = 0.5, 0.25


def certainty(rater_id: UUID, accuracy: StoredAccuracy | None) -> Certainty:
    """The state of a rater whose fit has this accuracy."""
    if accuracy is not None:
        return Certainty(state=_level(accuracy["low"]), more=0)
    count, kinds = rows(
        "SELECT count(*), count(DISTINCT value) FROM ratings_presentation WHERE rater_id = %(rater)s AND value > 0", {"rater": rater_id}
    )[0]
    if count < LEAST_RATINGS:
        return Certainty(state="learning", more=LEAST_RATINGS - count)
    return Certainty(state="alike" if kinds == 1 else "unsure", more=0)


def _level(low: float) -> CertaintyState:
    if low > VERY_GOOD:
        return "very_good"
    if low > GOOD:
        return "good"
    return "finding" if low > 0 else "unsure"
