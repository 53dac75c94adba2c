"""Ratings of one rater over a catalogue, and their split into shots and test ratings."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

LEAST_LEFT = 10  # ratings that must remain to test on


@dataclass(frozen=True)
class RaterRatings:
    """The photos that a rater rated, and the ratings: all of them, or a part such as the shots that a method may see."""

    photos: Int[np.ndarray, "ratings"]  # places in the catalogue
    ratings: Float[np.ndarray, "ratings"]
    rater: str = ""  # a name, where it is known

    def at(self, places: Int[np.ndarray, "places"]) -> "RaterRatings":
        """The ratings at these places of the list."""
        return RaterRatings(self.photos[places], self.ratings[places], self.rater)


def draw_shots(
    ratings: RaterRatings, number: int, shots: int, repeat: int, seed: int
) -> tuple[Int[np.ndarray, "shots"], Int[np.ndarray, "left"]]:
    """Places of the shots in a rater's ratings, and of all others; determined by the rater's `number`, `shots`, `repeat` and `seed`."""
    order = np.random.default_rng([seed, number, shots, repeat]).permutation(len(ratings.ratings))
    return order[:shots], order[shots:]
