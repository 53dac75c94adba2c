"""All statistics of a set of ratings that the bootstrap repeats, computed from one draw."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from personalize.agreement import components, split_halves, variance_ratios, weighted
from personalize.agreement.alpha import KrippendorffAlpha
from personalize.agreement.components import Components, Design, MomentComponents
from personalize.agreement.correlations import LEAST_COMMON, MeanMinusOne, RaterPairs
from personalize.agreement.resampling import Draw, Numbers
from personalize.agreement.response_times import response_times
from personalize.agreement.retest import LEAST_TWICE, Retest
from personalize.agreement.serial_dependence import SerialDependence
from personalize.agreement.single_ratings import SingleRatings
from personalize.agreement.split_halves import RaterHalves, RatingHalves, SplitHalves


@dataclass(frozen=True)
class Measures:
    """What is needed for all statistics, prepared once; `numbers` computes those that the design gives."""

    ratings: SingleRatings
    design: Design
    k: float  # harmonic mean of the raters per photo
    moments: MomentComponents | None
    alphas: dict[str, KrippendorffAlpha]
    halves: dict[str, SplitHalves]
    minus_one: MeanMinusOne | None
    pairs: RaterPairs | None
    retest: Retest | None
    serial: SerialDependence | None
    seconds: Float[np.ndarray, "raters"] | None  # median response time of each rater

    @classmethod
    def of(cls, ratings: SingleRatings, seed: int, *, serial: bool = True) -> "Measures":
        cells, design = ratings.cells, components.design_of(ratings)
        rated = cells.photo_sizes[cells.photo_sizes > 0]
        several = len(ratings.raters) > 1 and cells.photo_sizes.max(initial=0) > 1
        rng = np.random.default_rng([seed, 0])
        pairs = RaterPairs.of(cells, seed) if several else None
        ordered = serial and several and ratings.trial is not None
        return cls(
            ratings,
            design,
            k=float(len(rated) / (1 / rated).sum()) if len(rated) else float("nan"),
            moments=MomentComponents(ratings, design.parts) if design.parts else None,
            alphas={f"alpha_{metric}": KrippendorffAlpha(ratings, metric) for metric in ("interval", "ordinal")} if several else {},
            halves={"split_half_raters": RaterHalves(ratings, rng), "split_half_ratings": RatingHalves(ratings, rng)} if several else {},
            minus_one=MeanMinusOne(cells) if several and cells.rater_sizes.max(initial=0) >= LEAST_COMMON else None,
            pairs=pairs if pairs is not None and len(pairs.table) > 1 and pairs.too_few < 1 else None,
            retest=Retest(ratings) if ratings.has_repeats else None,
            serial=SerialDependence(ratings, 1, np.random.default_rng([seed, 1])) if ordered else None,
            seconds=response_times(ratings).median if ratings.seconds is not None else None,
        )

    def numbers(self, draw: Draw, *, estimate: bool = False) -> Numbers:
        """The statistics of a draw by key, and the moment components as `component_NAME`.

        For the `estimate` itself, split halves are repeated more often, and pairs have Spearman's own correlation in place of that of ranks
        among all photos.
        """
        found: Numbers = {key: alpha.estimate(draw.raters, draw.photos) for key, alpha in self.alphas.items()}
        if self.moments:
            found |= self.from_components(self.moments.estimate(draw.raters, draw.photos))
        for key, half in self.halves.items():
            found[key] = half.estimate(draw.raters, draw.photos, split_halves.SPLITS if estimate else split_halves.SPLITS_IN_DRAW)
        if self.minus_one:
            found["mean_minus_one_pearson"], found["mean_minus_one_spearman"] = self.minus_one.means(draw.raters, draw.photos)
        if self.pairs:
            found["pairwise_pearson"] = self.pairs.mean(self.pairs.pearson(draw.photos), draw.raters)
            spearman = self.pairs.spearman() if estimate else self.pairs.pearson(draw.photos, ranks=True)
            found["pairwise_spearman"] = self.pairs.mean(spearman, draw.raters)
        if self.retest:
            found["retest"] = weighted.fisher_mean(self.retest.estimate(draw.photos), draw.raters)
        if self.serial:
            found["serial_photo"], found["serial_rating"] = self.serial.estimate(draw.raters)
        if self.seconds is not None:
            timed = np.isfinite(self.seconds)
            found["seconds"] = weighted.median(self.seconds[timed], draw.raters[timed])
        return found

    def from_components(self, parts: Components) -> Numbers:
        """What follows from variance components: intraclass correlations, shares, beholder indices, noise ceilings."""
        own = {f"component_{part}": value for part, value in parts.items()}
        shares = {f"share_{part}": value for part, value in components.shares(parts).items()}
        correlations = variance_ratios.intraclass_correlations(parts, self.k)
        return own | shares | correlations | variance_ratios.beholder_indices(parts) | variance_ratios.noise_ceilings(parts)

    def reasons(self) -> dict[str, str]:
        """Why a statistic is missing, by key; completes "not estimable, because ..."."""
        alone = "there is one rater only" if len(self.ratings.raters) < 2 else "no two raters rated the same photo"
        no_repeats = self.design.reason or "no rater rated a photo twice"
        found = dict.fromkeys(("alpha_interval", "alpha_ordinal", "split_half_raters", "split_half_ratings"), alone)
        found |= dict.fromkeys(("icc_a1", "icc_ak", "icc_c1", "icc_ck", "share_photo", "share_rater", "share_residual"), self.design.reason)
        found |= dict.fromkeys(("beholder_1", "beholder_2", "beholder_total", "beholder_repeatable"), no_repeats)
        found |= dict.fromkeys(("share_rater_photo", "ceiling_personal"), no_repeats)
        found |= dict.fromkeys(("share_block", "share_block_rater", "share_block_photo"), no_repeats)
        found["ceiling_generic"] = self.design.reason
        few = alone if not self.alphas else f"no rater rated {LEAST_COMMON} photos that others rated too"
        found |= dict.fromkeys(("mean_minus_one_pearson", "mean_minus_one_spearman"), few)
        few = alone if not self.alphas else f"no two raters have {LEAST_COMMON} photos in common"
        found |= dict.fromkeys(("pairwise_pearson", "pairwise_spearman"), few)
        found["retest"] = no_repeats if not self.retest else f"no rater rated {LEAST_TWICE} photos twice with different scores"
        order = "the order of the trials is unknown" if self.ratings.trial is None else "there are too few trials in a row"
        return found | dict.fromkeys(("serial_photo", "serial_rating"), order) | {"seconds": "the response times are unknown"}
