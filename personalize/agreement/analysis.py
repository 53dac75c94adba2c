"""The analysis of a set of single ratings: every statistic with its interval, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from personalize.agreement import reml
from personalize.agreement.careless import CarelessPatterns, careless_patterns
from personalize.agreement.measures import Measures
from personalize.agreement.personalization import Personalization, personalization
from personalize.agreement.photo_features import RatedPhotoFeatures
from personalize.agreement.photo_opinions import PhotoOpinions, photo_opinions
from personalize.agreement.reml import Reml, RemlFit
from personalize.agreement.resampling import RATER_PERCENTILES, BootstrapPlan, Numbers, bootstrap, interval, once
from personalize.agreement.response_times import ResponseTimes, response_times
from personalize.agreement.single_ratings import SingleRatings
from personalize.agreement.statistic import Basis, Keyed, Statistic, not_estimable
from personalize.errors import TooFewRatings
from personalize.progress import ProgressCallback, no_progress

FORMAT = "pav-agreement-1"
INTRACLASS = ("icc_a1", "icc_ak", "icc_c1", "icc_ck")
CORRELATIONS = (
    *("split_half_raters", "split_half_ratings", "mean_minus_one_pearson", "mean_minus_one_spearman"),
    *("pairwise_pearson", "pairwise_spearman", "retest"),
)
SHARES = ("photo", "rater", "rater_photo", "block", "block_rater", "block_photo", "residual")
FROM_REML = (
    *INTRACLASS,
    *(f"share_{part}" for part in SHARES),
    *("beholder_1", "beholder_2", "beholder_total", "beholder_repeatable", "ceiling_generic", "ceiling_personal"),
)
OVER_RATERS = ("serial_rating", "serial_photo", "seconds")
KEYS = (
    *("alpha_interval", "alpha_ordinal"),
    *INTRACLASS,
    *CORRELATIONS,
    *(key for key in FROM_REML if key not in INTRACLASS),
    *OVER_RATERS,
)

ON_FISHERS_SCALE = ("alpha_interval", "alpha_ordinal", *CORRELATIONS)

OVER_BOTH = "percentiles of the bootstrap over raters and photos"
OF_MOMENTS = "percentiles of the bootstrap of moment estimates over raters and photos, around the REML estimate"


@dataclass(frozen=True)
class RaterTable:
    """What is known of each rater."""

    ratings: np.ndarray
    photos: np.ndarray
    mean: np.ndarray
    mean_minus_one_pearson: np.ndarray
    mean_minus_one_spearman: np.ndarray
    retest: np.ndarray
    times: ResponseTimes
    patterns: CarelessPatterns

    def columns(self) -> dict[str, np.ndarray]:
        return {
            "ratings": self.ratings,
            "photos": self.photos,
            "mean": self.mean,
            "deviation": self.patterns.deviation,
            "mean_minus_one_pearson": self.mean_minus_one_pearson,
            "mean_minus_one_spearman": self.mean_minus_one_spearman,
            "retest": self.retest,
            "seconds": self.times.median,
            "seconds_fast_tenth": self.times.fast_tenth,
            "seconds_slow_tenth": self.times.slow_tenth,
            "longest_run": self.patterns.longest_run,
            "run_by_chance": self.patterns.run_by_chance,
            "too_fast": self.patterns.too_fast,
        }


@dataclass(frozen=True)
class Agreement(Keyed):
    """The result of an analysis; `as_json` has all of it as plain data."""

    statistics: Sequence[Statistic]
    ratings: SingleRatings
    opinions: PhotoOpinions
    raters: RaterTable
    reml: RemlFit | None
    moments: dict[str, float]  # the moment estimates of the variance components, beside those of REML
    plan: BootstrapPlan
    notes: Sequence[str]  # what was left out, and why
    by_category: dict[str, "Agreement"] = field(default_factory=dict)
    personal: Personalization | None = None  # needs photos

    def as_json(self) -> dict[str, object]:
        """Plain data for JSON; numbers that are unknown are null."""
        opinions = self.opinions
        rater_columns = self.raters.columns() | (self.personal.columns() if self.personal else {})
        photo_columns = {
            "raters": opinions.raters, "mean": opinions.mean, "low": opinions.low, "high": opinions.high, "deviation": opinions.deviation,
        }  # fmt: skip
        return {
            "format": FORMAT,
            "counts": {"raters": len(self.ratings.raters), "photos": len(self.ratings.photos), "ratings": len(self.ratings)},
            "bootstrap": {"draws": self.plan.draws, "seed": self.plan.seed},
            "notes": list(self.notes),
            "statistics": [one.as_json() for one in self.statistics],
            "components": {
                "reml": None if self.reml is None else {part: plain(value) for part, value in self.reml.components.items()},
                "moments": {part: plain(value) for part, value in self.moments.items()},
            },
            "photos": {"name": list(self.ratings.photos)} | {name: column(values) for name, values in photo_columns.items()},
            "distribution": {"scores": column(opinions.levels), "by_photo": opinions.distribution.tolist()},
            "raters": {"name": list(self.ratings.raters)} | {name: column(values) for name, values in rater_columns.items()},
            "seconds_by_place": column(self.raters.times.by_place),
            "categories": {name: one.as_json() for name, one in self.by_category.items()},
        }


def analyse(ratings: SingleRatings, plan: BootstrapPlan, notes: Sequence[str] = (), progress: ProgressCallback = no_progress) -> Agreement:
    """Analyse the ratings as a whole, then those of each category.

    Raises:
        TooFewRatings: there is no rating.
    """
    if not len(ratings):
        raise TooFewRatings("There are no ratings to analyse.")
    whole = _analyse(ratings, plan, notes, progress, "")
    if ratings.category is None or len(ratings.categories) < 2:
        return whole
    for number, name in enumerate(ratings.categories):
        own = ratings.only(ratings.category == number)
        whole.by_category[name] = _analyse(own, plan, (), progress, f"{name}: ")
    return whole


def with_personalization(result: Agreement, photos: RatedPhotoFeatures, progress: ProgressCallback = no_progress) -> Agreement:
    """The analysis with what a model of each rater adds to the mean of the others."""
    found = personalization(result.ratings.cells, photos.features, photos.hyperprior, result.plan.seed, progress)
    known = int(np.isfinite(photos.features[:, 0]).sum())
    statistics = [*result.statistics, *found.statistics(known, result.plan)]
    return replace(result, statistics=statistics, notes=[*result.notes, *photos.notes], personal=found)


def _analyse(ratings: SingleRatings, plan: BootstrapPlan, notes: Sequence[str], progress: ProgressCallback, prefix: str) -> Agreement:
    raters, photos = len(ratings.raters), len(ratings.photos)
    whole = not prefix
    measures = Measures.of(ratings, plan.seed, serial=whole)
    progress(f"{prefix}estimating", 0, plan.draws)
    estimate = measures.numbers(once(raters, photos), estimate=True)
    fit = _reml(measures, estimate, progress)
    alternative = measures.from_components(fit.components) if fit else {}
    draws = bootstrap(measures.numbers, raters, photos, plan, progress, f"{prefix}resampling raters and photos")
    builder = _Builder(measures, estimate, alternative, draws, min(raters, photos), fit is None)
    keys = KEYS if whole else tuple(key for key in KEYS if key not in OVER_RATERS)
    return Agreement(
        [builder.statistic(key) for key in keys],
        ratings,
        photo_opinions(ratings),
        _rater_table(measures, plan.seed),
        fit,
        {key.removeprefix("component_"): value for key, value in estimate.items() if key.startswith("component_")},
        plan,
        notes,
    )


def _reml(measures: Measures, estimate: Numbers, progress: ProgressCallback) -> RemlFit | None:
    """None where the design does not give components, all ratings are equal, or the model has too many unknowns."""
    parts, ratings = measures.design.parts, measures.ratings
    start = {part: estimate.get(f"component_{part}", float("nan")) for part in parts}
    if (
        not parts
        or np.isnan(list(start.values())).any()
        or np.ptp(ratings.score) == 0
        or reml.unknowns(ratings, parts) > reml.MOST_UNKNOWNS
    ):
        return None
    return Reml(ratings, parts).fit(start, progress)


@dataclass(frozen=True)
class _Builder:
    """Makes statistics of estimates and draws."""

    measures: Measures
    estimate: Numbers
    from_reml: Numbers
    draws: dict[str, np.ndarray]
    units: int
    without_reml: bool

    def statistic(self, key: str) -> Statistic:
        basis, note = self._basis(key), self._note(key)
        value = self.from_reml.get(key, self.estimate.get(key)) if key in FROM_REML else self.estimate.get(key)
        if value is None or not np.isfinite(value):
            equal = np.ptp(self.measures.ratings.score) == 0
            reason = "all ratings are equal" if equal else self.measures.reasons().get(key) or "the ratings do not differ enough"
            return not_estimable(key, reason, basis, note)
        ends, how = self._interval(key, value)
        low, high = ends if ends else (None, None)
        return Statistic(
            key, plain(value), plain(low), plain(high), basis.raters, basis.photos, basis.ratings, "",
            how if ends else "", note if ends else f"{note}{'; ' if note else ''}too few raters or photos for an interval",
        )  # fmt: skip

    def _interval(self, key: str, value: float) -> tuple[tuple[float, float] | None, str]:
        over_raters = key in OVER_RATERS
        units = len(self.measures.ratings.raters) if over_raters else self.units
        ends = interval(value, self.draws[key], units, "logit" if key in FROM_REML else "fisher" if key in ON_FISHERS_SCALE else "identity")
        moments = key in FROM_REML and not self.without_reml
        return ends, RATER_PERCENTILES if over_raters else OF_MOMENTS if moments else OVER_BOTH

    def _basis(self, key: str) -> Basis:
        ratings, cells = self.measures.ratings, self.measures.ratings.cells
        if key == "retest" and self.measures.retest:
            able = np.isfinite(self.measures.retest.estimate(np.ones(len(ratings.photos))))
            return Basis(int(able.sum()), len(ratings.photos), self.measures.retest.photos_twice)
        if key.startswith("pairwise") and self.measures.pairs:
            return Basis(len(self.measures.pairs.table), len(ratings.photos), int(self.measures.pairs.rated.sum()))
        if key == "seconds" and ratings.seconds is not None:
            timed = np.isfinite(ratings.seconds)
            return Basis(len(np.unique(ratings.rater[timed])), len(np.unique(ratings.photo[timed])), int(timed.sum()))
        if key.startswith("serial") and self.measures.serial:
            return Basis(self.measures.serial.raters, len(ratings.photos), self.measures.serial.pairs)
        if key.startswith("alpha"):
            used = cells.photo_sizes >= 2
            return Basis(len(np.unique(cells.rater[used[cells.photo]])), int(used.sum()), int(used[ratings.photo].sum()))
        return Basis(len(ratings.raters), len(ratings.photos), len(ratings))

    def _note(self, key: str) -> str:
        moments = "moment estimate: the model has too many effects for REML" if key in FROM_REML and self.without_reml else ""
        if key in ("icc_ak", "icc_ck"):
            return "; ".join(filter(None, (f"k = {self.measures.k:.1f} raters per photo (harmonic mean)", moments)))
        if key == "mean_minus_one_pearson" and self.measures.minus_one:
            ones = np.ones(len(self.measures.ratings.raters)), np.ones(len(self.measures.ratings.photos))
            found = self.measures.minus_one.estimate(*ones)[0]
            found = found[np.isfinite(found)]
            mean = f"{found.mean():.3f}" if len(found) else "unknown"
            return f"mean by Fisher's z, which is higher than the plain mean over raters, {mean}, where raters differ"
        if key.startswith("ceiling_"):
            return "; ".join(filter(None, ("for plain means over raters, not for means by Fisher's z", moments)))
        if key == "share_block":
            return f"for these {len(self.measures.ratings.blocks)} blocks, which the bootstrap does not resample"
        if key == "share_residual" and self.measures.design.parts and not self.measures.retest:
            return "private taste and noise together: no rater rated a photo twice"
        if key.startswith("pairwise") and self.measures.pairs:
            return f"{100 * self.measures.pairs.too_few:.1f} % of the pairs of raters have fewer than 10 photos in common and are left out"
        return moments


def _rater_table(measures: Measures, seed: int) -> RaterTable:
    ratings, cells = measures.ratings, measures.ratings.cells
    raters, nan = len(ratings.raters), np.full(len(ratings.raters), np.nan)
    ones = np.ones(raters), np.ones(len(ratings.photos))
    pearson, spearman = measures.minus_one.estimate(*ones) if measures.minus_one else (nan, nan)
    count = np.bincount(ratings.rater, minlength=raters)
    return RaterTable(
        count,
        cells.rater_sizes,
        np.bincount(ratings.rater, ratings.score, minlength=raters) / np.maximum(count, 1),
        pearson,
        spearman,
        measures.retest.estimate(ones[1]) if measures.retest else nan,
        response_times(ratings),
        careless_patterns(ratings, pearson, np.random.default_rng([seed, 2])),
    )


def plain(value: float | None) -> float | None:
    """Six significant digits; None for nan."""
    return None if value is None or not np.isfinite(value) else float(f"{value:.6g}")


def column(values: np.ndarray) -> list[float | None]:
    """Numbers as JSON takes them; see `plain`."""
    return [plain(float(value)) for value in values]
