"""Krippendorff's alpha, intraclass correlations and moment components: published examples, reference packages, plain oracles."""

from itertools import combinations

import krippendorff
import numpy as np
import pandas as pd
import pingouin
import pytest

from personalize.agreement.alpha import KrippendorffAlpha
from personalize.agreement.components import BLOCKED, PLAIN, MomentComponents, design_of, shares
from personalize.agreement.rating_pairs import RatingPairs
from personalize.agreement.variance_ratios import intraclass_correlations
from tests.personalize.planted_ratings import VARIANCES, ones, planted, table

NAN = np.nan
# Krippendorff, Computing Krippendorff's alpha-reliability, 2011, section C: four observers, twelve units.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)
# Shrout & Fleiss, Psychological Bulletin 1979, table 2: six targets, four judges (here judges by targets).
SHROUT_FLEISS = np.array([[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]], dtype=float)


def alpha(scores: np.ndarray, metric: str) -> float:
    ratings = table(scores)
    return KrippendorffAlpha(ratings, metric).estimate(*ones(ratings))


def incomplete(seed: int, raters: int = 9, photos: int = 14, missing: float = 0.4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, 6, (raters, photos)) + rng.integers(0, 4, photos) * 1.0
    scores[rng.random(scores.shape) < missing] = NAN
    return scores


def test_alpha_of_krippendorffs_example_with_the_interval_metric_is_his():
    assert alpha(KRIPPENDORFF, "interval") == pytest.approx(0.849, abs=5e-4)


def test_alpha_of_krippendorffs_example_with_the_ordinal_metric_is_his():
    assert alpha(KRIPPENDORFF, "ordinal") == pytest.approx(0.815, abs=5e-4)


@pytest.mark.parametrize("metric", ["interval", "ordinal"])
@pytest.mark.parametrize("seed", range(5))
def test_alpha_agrees_with_the_package_krippendorff_on_incomplete_data(metric, seed):
    scores = incomplete(seed)
    assert alpha(scores, metric) == pytest.approx(krippendorff.alpha(scores, level_of_measurement=metric), abs=1e-10)


def test_alpha_of_equal_ratings_is_unknown():
    assert np.isnan(alpha(np.full((3, 4), 2.0), "interval"))


def test_alpha_leaves_out_photos_with_one_rater():
    scores = incomplete(0)
    lonely = np.full((len(scores), 1), NAN)
    lonely[0] = 100.0
    assert alpha(np.hstack([scores, lonely]), "interval") == pytest.approx(alpha(scores, "interval"))


def test_a_rater_drawn_twice_is_not_paired_with_the_copy():
    """Two raters, one of them drawn twice: their disagreement is that of the pair, not diluted by a copy that agrees with itself."""
    ratings = table(np.array([[1.0, 2, 4, 5], [2.0, 2, 3, 6]]))
    twice, once, photos = np.array([2.0, 1.0]), np.ones(2), np.ones(4)
    pairs = RatingPairs(ratings)
    assert pairs.sums(twice, photos).mean((0, 1)) == pytest.approx(pairs.sums(once, photos).mean((0, 1)))


@pytest.mark.parametrize("blocks", [1, 2])
def test_sums_over_pairs_agree_with_a_loop_over_all_pairs(blocks):
    rng = np.random.default_rng(3)
    ratings = planted(1, raters=4, photos=5, blocks=blocks)
    raters, photos = rng.integers(0, 3, len(ratings.raters)) * 1.0, rng.integers(0, 3, len(ratings.photos)) * 1.0
    squares, counts = dict.fromkeys([(0, 0), (0, 1), (1, 0), (1, 1)], 0.0), dict.fromkeys([(0, 0), (0, 1), (1, 0), (1, 1)], 0.0)
    for i, j in combinations(range(len(ratings)), 2):
        r, s, p, q = ratings.rater[i], ratings.rater[j], ratings.photo[i], ratings.photo[j]
        times = (raters[r] if r == s else raters[r] * raters[s]) * (photos[p] if p == q else photos[p] * photos[q])
        squares[int(r == s), int(p == q)] += times * (ratings.score[i] - ratings.score[j]) ** 2  # i, j and j, i, each a half
        counts[int(r == s), int(p == q)] += 2 * times
    found = RatingPairs(ratings).sums(raters, photos)
    assert found.squares == pytest.approx(squares)
    assert found.pairs == pytest.approx(counts)


def components(scores: np.ndarray) -> dict[str, float]:
    ratings = table(scores)
    return MomentComponents(ratings, PLAIN).estimate(*ones(ratings))


def test_intraclass_correlations_of_shrout_and_fleiss_are_theirs():
    found = intraclass_correlations(components(SHROUT_FLEISS), k=4.0)
    assert [round(found[key], 2) for key in ("icc_a1", "icc_ak", "icc_c1", "icc_ck")] == [0.29, 0.62, 0.71, 0.91]


def test_intraclass_correlations_of_complete_data_agree_with_pingouin():
    data = pingouin.read_dataset("icc")
    scores = data.pivot(index="Judge", columns="Wine", values="Scores").to_numpy(dtype=float)
    theirs = pingouin.intraclass_corr(data, targets="Wine", raters="Judge", ratings="Scores").set_index("Type")["ICC"]
    found = intraclass_correlations(components(scores), k=float(len(scores)))
    assert round(found["icc_a1"], 3) == 0.728  # as its documentation prints
    assert round(found["icc_ak"], 3) == 0.914
    assert [found[key] for key in ("icc_a1", "icc_ak", "icc_c1", "icc_ck")] == pytest.approx(
        theirs[["ICC(A,1)", "ICC(A,k)", "ICC(C,1)", "ICC(C,k)"]].tolist(), abs=1e-9
    )


def test_consistency_of_the_mean_is_cronbachs_alpha():
    wide = pd.DataFrame(SHROUT_FLEISS.T)
    found = intraclass_correlations(components(SHROUT_FLEISS), k=4.0)
    assert found["icc_ck"] == pytest.approx(pingouin.cronbach_alpha(wide)[0])


def test_moments_of_complete_data_are_those_of_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(5, 7)) + rng.normal(size=7)
    raters, photos = scores.shape
    rows, columns, mean = scores.mean(axis=1), scores.mean(axis=0), scores.mean()
    by_rater = photos * ((rows - mean) ** 2).sum() / (raters - 1)
    by_photo = raters * ((columns - mean) ** 2).sum() / (photos - 1)
    rest = ((scores - rows[:, None] - columns + mean) ** 2).sum() / (raters - 1) / (photos - 1)
    expected = {"photo": (by_photo - rest) / raters, "rater": (by_rater - rest) / photos, "residual": rest}
    assert components(scores) == pytest.approx(expected)


@pytest.mark.parametrize("blocks", [1, 3])
def test_moment_estimates_have_no_bias(blocks):
    found = []
    for seed in range(60):
        ratings = planted(seed, raters=12, photos=15, blocks=blocks)
        found.append(MomentComponents(ratings, design_of(ratings).parts).estimate(*ones(ratings)))
    expected = VARIANCES | {"block": 0.0}
    if blocks == 1:
        expected = {"photo": 1.05, "rater": 0.6, "residual": 1.4}
    for part in found[0]:
        values = np.array([one[part] for one in found])
        assert values.mean() == pytest.approx(expected[part], abs=3.5 * values.std() / np.sqrt(len(values)))


def test_shares_add_up_to_one_and_none_is_negative():
    found = shares({"photo": 2.0, "rater": -0.5, "residual": 6.0})
    assert found == {"photo": 0.25, "rater": 0.0, "residual": 0.75}


def test_the_design_says_which_components_can_be_told_apart():
    assert design_of(planted(0, blocks=1)).parts == PLAIN
    assert design_of(planted(0)).parts == BLOCKED
    assert design_of(table(np.array([[1.0, 2, 3]]))).reason == "there is one rater only"
    assert design_of(table(np.array([[1.0, 2, NAN], [NAN, NAN, 3]]))).reason == "no two raters rated the same photo"
    assert design_of(table(np.array([[1.0, NAN], [2.0, NAN]]))).reason == "no rater rated two photos"
    own_blocks = np.full((2, 3, 4), NAN)
    own_blocks[0, :, :2], own_blocks[1, :, 2:] = np.arange(12.0).reshape(2, 3, 2)
    assert design_of(table(own_blocks)).reason.startswith("no two raters rated photos in the same block")
