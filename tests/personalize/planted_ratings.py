"""Synthetic ratings with planted variance components, and small tables, for tests of agreement."""

import numpy as np

from personalize.agreement.single_ratings import SingleRatings

VARIANCES = {"photo": 1.0, "rater": 0.5, "rater_photo": 0.8, "block_rater": 0.1, "block_photo": 0.05, "residual": 0.6}


def table(scores: np.ndarray) -> SingleRatings:
    """Ratings from a table of raters by photos (by blocks); nan where there is none."""
    axes = np.nonzero(~np.isnan(scores))
    names = [[f"{kind}{place}" for place in range(size)] for kind, size in zip("rpb", scores.shape, strict=False)]
    block, blocks = (axes[2], names[2]) if scores.ndim == 3 else (None, ())
    return SingleRatings(axes[0], axes[1], scores[axes].astype(float), names[0], names[1], block, blocks)


def planted(seed: int, raters: int = 40, photos: int = 60, blocks: int = 2, rated: float = 0.8) -> SingleRatings:
    """Normal effects with `VARIANCES`; each rater sees a share of the photos, each of them in all blocks."""
    rng = np.random.default_rng(seed)
    size = (raters, photos, blocks)
    effects = {"photo": (1, photos, 1), "rater": (raters, 1, 1), "rater_photo": (raters, photos, 1)}
    effects |= {"block_rater": (raters, 1, blocks), "block_photo": (1, photos, blocks), "residual": size}
    scores = sum(np.sqrt(VARIANCES[part]) * rng.normal(size=shape) for part, shape in effects.items()) + np.zeros(size)
    scores[rng.random(size[:2]) > rated] = np.nan
    return table(scores if blocks > 1 else scores[:, :, 0])


def ones(ratings: SingleRatings) -> tuple[np.ndarray, np.ndarray]:
    """Weights that count each rater and each photo once."""
    return np.ones(len(ratings.raters)), np.ones(len(ratings.photos))
