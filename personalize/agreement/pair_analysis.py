"""The analysis of a set of paired choices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from personalize.agreement.analysis import FORMAT, column, plain
from personalize.agreement.paired_choices import (
    MOST_PHOTOS,
    ChoiceRates,
    PairedChoices,
    Strengths,
    bradley_terry,
    choice_rates,
    intransitive_triples,
    same_choice,
)
from personalize.agreement.resampling import RATER_PERCENTILES, BootstrapPlan, Draw, Numbers, bootstrap, interval, once
from personalize.agreement.statistic import Basis, Keyed, Statistic, not_estimable
from personalize.progress import ProgressCallback, no_progress

LEAST_TRIPLES = 30  # for a share of intransitive ones


@dataclass(frozen=True)
class PairAgreement(Keyed):
    """The result of an analysis of paired choices."""

    statistics: Sequence[Statistic]
    choices: PairedChoices
    strengths: Strengths | None
    rates: ChoiceRates
    plan: BootstrapPlan
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, object]:
        """Plain data for JSON; numbers that are unknown are null."""
        strengths: dict[str, object] = {}
        if self.strengths:
            found = self.strengths
            strengths = {
                "photos": {
                    "name": list(self.choices.photos),
                    "pairs": column(found.pairs),
                    "strength": column(found.strength),
                    "error": column(found.error),
                },
                "side_advantage": {"logits": plain(found.side), "error": plain(found.side_error)},
            }
        return {
            "format": FORMAT,
            "counts": {"raters": len(self.choices.raters), "photos": len(self.choices.photos), "pairs": len(self.choices)},
            "bootstrap": {"draws": self.plan.draws, "seed": self.plan.seed},
            "notes": list(self.notes),
            "statistics": [one.as_json() for one in self.statistics],
            "raters": {
                "name": list(self.choices.raters),
                "pairs": column(self.rates.shown),
                "left": column(self.rates.left / np.maximum(self.rates.shown, 1)),
                "ties": column(self.rates.ties / np.maximum(self.rates.shown, 1)),
            },
            **strengths,
        }


def analyse_pairs(choices: PairedChoices, plan: BootstrapPlan, progress: ProgressCallback = no_progress) -> PairAgreement:
    """Bradley-Terry strengths, and statistics with intervals over raters."""
    rates, raters = choice_rates(choices), len(choices.raters)
    basis = Basis(raters, len(choices.photos), len(choices))

    def measure(draw: Draw) -> Numbers:
        shown = draw.raters @ rates.shown
        return {
            "side": float(draw.raters @ rates.left / shown),
            "ties": float(draw.raters @ rates.ties / shown),
            "same_choice": same_choice(choices, draw.raters),
        }

    estimate = measure(once(raters, 1))
    draws = bootstrap(measure, raters, 1, plan, progress, "resampling raters")
    statistics = [_over_raters(key, estimate[key], draws[key], basis) for key in estimate]
    for within in (True, False):
        triples = intransitive_triples(choices, within_raters=within)
        key = "intransitive_raters" if within else "intransitive_all"
        if triples.decided < LEAST_TRIPLES:
            reason = f"{triples.decided} triples of photos have a choice in each of their three pairs, and {LEAST_TRIPLES} are needed"
            statistics.append(not_estimable(key, reason, basis))
        else:
            share = plain(triples.intransitive / triples.decided)
            note = f"{triples.decided} triples; no interval, because triples share pairs"
            statistics.append(Statistic(key, share, raters=raters, photos=basis.photos, ratings=len(choices), note=note))
    strengths = bradley_terry(choices) if len(choices.photos) <= MOST_PHOTOS else None
    if strengths:
        note = "no interval: it rests on the errors of the strengths"
        reliability = plain(strengths.reliability)
        statistics.append(
            Statistic("strength_reliability", reliability, raters=raters, photos=basis.photos, ratings=len(choices), note=note)
        )
    else:
        statistics.append(not_estimable("strength_reliability", f"there are more than {MOST_PHOTOS} photos", basis))
    return PairAgreement(statistics, choices, strengths, rates, plan)


def _over_raters(key: str, value: float, draws: np.ndarray, basis: Basis) -> Statistic:
    if not np.isfinite(value):
        return not_estimable(key, "no two raters decided the same pair of photos", basis)
    ends = interval(value, draws, basis.raters)
    low, high = ends or (None, None)
    return Statistic(
        key, plain(value), plain(low), plain(high), basis.raters, basis.photos, basis.ratings,
        interval=RATER_PERCENTILES if ends else "", note="" if ends else "too few raters for an interval",
    )  # fmt: skip
