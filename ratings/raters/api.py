"""API of a rater's own choices."""

from ninja import Field, Router, Schema

from ratings import limits
from ratings.problems import PROBLEMS
from ratings.raters import selectors, services
from ratings.raters.guests import RaterRequest

router = Router()


class Me(Schema):
    shares_ratings: bool = Field(
        description="Consent to share ratings: they help to rank photos for other raters. Applies from the next nightly run."
    )


@router.get("/me", response={200: Me, **PROBLEMS})
def me(request: RaterRequest) -> Me:
    """The rater's choices."""
    limits.check("READS", str(request.auth))
    return Me(shares_ratings=selectors.shares_ratings(request.auth))


@router.patch("/me", response={200: Me, **PROBLEMS})
def change_me(request: RaterRequest, choice: Me) -> Me:
    """Opt in to sharing ratings, or out. The same choice again changes nothing."""
    limits.check("RATINGS", str(request.auth))
    services.set_sharing(rater_id=request.auth, on=choice.shares_ratings)
    return choice
