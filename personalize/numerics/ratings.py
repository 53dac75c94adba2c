"""One rater's ratings of photos of a catalogue."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

LEAST_LEFT = 10  # ratings that must remain to test on


@dataclass(frozen=True)
class RaterRatings:
    """Which photos, and what the rater said of each; all of the rater's ratings or some, such as the shots that a method may see."""

    photos: Int[np.ndarray, "ratings"]  # places in the catalogue
    ratings: Float[np.ndarray, "ratings"]
    rater: str = ""  # a name, where it is known

    def at(self, places: Int[np.ndarray, "places"]) -> "RaterRatings":
        """Those at some places of this list."""
        return RaterRatings(self.photos[places], self.ratings[places], self.rater)


def draw_shots(
    ratings: RaterRatings, number: int, shots: int, repeat: int, seed: int
) -> tuple[Int[np.ndarray, "shots"], Int[np.ndarray, "left"]]:
    """Places of the shots in a rater's ratings, and of all others, which depend on the rater's `number`, the repeat and the seed alone."""
    order = np.random.default_rng([seed, number, shots, repeat]).permutation(len(ratings.ratings))
    return order[:shots], order[shots:]
