"""Calibration of the accuracy that PAV shows, and of its interval: `./pav bench certainty`.

Planted raters have a taste that is linear in the features, plus noise, and a true accuracy: the SROCC of their fit with their ratings of
2,000 unseen photos. Raters of a dataset (`--images`, `--ratings`) have an approximate one, from their other ratings; its own error widens
the interval. All rate in three steps, and are fitted as in the app. Three estimates are compared:

  leave-pair-out   what the page shows (`personalize/numerics/certainty.py`)
  leave-one-out    SROCC of scores that are each predicted from all other ratings, with the interval of Bonett & Wright: PAV 0.1
  5 folds x 3      SROCC of scores that are predicted from the other folds, mean of three divisions, with the interval of `metrics`

`error`: mean of estimate minus truth, with its standard error; `rms`: root mean square of it; `held`: share of raters whose truth lies in
the interval; `above 0`: share whose interval lies above 0, so that the page says that a taste was found.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import atanh, hypot, sqrt, tanh
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from personalize.files import banks, rating_tables, taste_parts
from personalize.management.progress import progress_bar
from personalize.numerics import certainty, metrics, model_comparison, taste
from personalize.numerics.hyperparameter_grid import HyperparameterGrid, Hyperprior
from personalize.numerics.metrics import Accuracy
from personalize.numerics.ratings import LEAST_LEFT, draw_shots
from personalize.research.catalogues import make_catalogue
from personalize.worker import loaded_bank
from personalize.worker.instant_fit import ANCHORS

SIGNALS = (0.0, 0.3, 0.6, 0.9)  # shares of the variance of a planted rater's liking that the features explain
PHOTOS, FEATURES = 2000, 256
STEPS = (-0.43, 0.43)  # terciles of a standard normal distribution: dislike, like, love
AGAIN = 4  # times that a planted rater rates the unseen photos, each with new noise, for a truth without error


@dataclass(frozen=True)
class Case:
    """One rater's shots, and the photos that the truth is measured on with one or several lists of ratings."""

    features: np.ndarray  # (shots, features)
    ratings: np.ndarray  # (shots)
    unseen: np.ndarray  # (photos, features)
    truths: Sequence[np.ndarray]  # ratings of the unseen photos
    exact: bool  # False: the truth has the error of one list of ratings


@dataclass(frozen=True)
class Measured:
    """The truth of one rater, its error on Fisher's z scale, and each estimate."""

    truth: float
    error: float
    estimates: dict[str, Accuracy]


def planted(signal: float, shots: int, raters: int, seed: int) -> Iterator[Case]:
    """Raters of synthetic photos: 255 axes whose variance falls as 1 / rank, mean square length 1, and a generic score that half of the
    raters with a taste care for."""
    rng = np.random.default_rng([seed, shots, round(100 * signal)])
    spread = 1 / np.arange(1, FEATURES)
    photos = rng.normal(size=(PHOTOS + shots, FEATURES)) * np.sqrt(np.r_[1.0, spread / spread.sum()])
    for number in range(raters):
        order = rng.permutation(len(photos))
        seen, unseen = order[:shots], order[shots:]
        liking = photos @ np.r_[0.5 * (number % 2), rng.normal(size=FEATURES - 1)]
        liking *= sqrt(signal) / np.std(liking)
        said = [np.digitize(liking + sqrt(1 - signal) * rng.normal(size=len(liking)), STEPS) + 1.0 for _ in range(1 + AGAIN)]
        yield Case(photos[seen], said[0][seen], photos[unseen], [one[unseen] for one in said[1:]], exact=True)


def of_dataset(features: np.ndarray, table: rating_tables.RatingTable, shots: int, repeats: int, seed: int) -> Iterator[Case]:
    """Raters of a dataset with at least 10 ratings beside the shots."""
    for number, rater in enumerate(table.raters):
        if len(rater.ratings) < shots + LEAST_LEFT:
            continue
        steps = rating_tables.in_three_steps(rater.ratings)
        for repeat in range(repeats):
            seen, rest = draw_shots(rater, number, shots, repeat, seed)
            yield Case(features[rater.photos[seen]], steps[seen], features[rater.photos[rest]], [steps[rest]], exact=False)


def measure(case: Case, hyperprior: Hyperprior, rng: np.random.Generator, *, folds: bool = True) -> Measured | None:
    """None where all shots or all test ratings are equal. Without `folds`, the third estimate is left out, which takes most of the time."""
    features = np.concatenate([np.zeros((len(ANCHORS), case.features.shape[1])), case.features])
    ratings = np.concatenate([ANCHORS, case.ratings])
    fitted = taste.fit(features, ratings, hyperprior)
    truth = float(np.mean([metrics.srocc(case.unseen @ fitted.weights, one) for one in case.truths]))
    found = {
        "leave-pair-out": certainty.accuracy(
            features, ratings, hyperprior, anchors=len(ANCHORS), posterior=fitted.posterior.sum(axis=(0, 2, 3))
        ),
        "leave-one-out": _leave_one_out(_left_out(features, ratings, hyperprior)[len(ANCHORS) :], case.ratings),
    }
    if folds:
        found["5 folds x 3"] = _in_folds(features, ratings, hyperprior, rng)
    estimates = {name: one for name, one in found.items() if one}
    if np.isnan(truth) or len(estimates) < len(found):
        return None
    return Measured(truth, 0.0 if case.exact else _spread(truth, len(case.unseen)), estimates)


def _left_out(features: np.ndarray, ratings: np.ndarray, hyperprior: Hyperprior) -> np.ndarray:
    standard = (ratings - ratings.mean()) / ratings.std()
    return HyperparameterGrid(features, standard, hyperprior, np.zeros((len(ratings), 0))).leave_one_out()


def _leave_one_out(predicted: np.ndarray, ratings: np.ndarray) -> Accuracy | None:
    value = metrics.srocc(predicted, ratings)
    if np.isnan(value):
        return None
    middle, reach = atanh(min(max(value, -0.999), 0.999)), 1.96 * _spread(value, len(ratings))
    return Accuracy(value, tanh(middle - reach), tanh(middle + reach))


def _spread(srocc: float, ratings: int) -> float:
    """Standard error of atanh(SROCC) for predictions that do not depend on the ratings (Bonett & Wright, Psychometrika 2000)."""
    return sqrt((1 + srocc * srocc / 2) / (ratings - 3))


def _in_folds(features: np.ndarray, ratings: np.ndarray, hyperprior: Hyperprior, rng: np.random.Generator) -> Accuracy | None:
    count = len(ratings) - len(ANCHORS)
    anchors, own = np.arange(len(ANCHORS)), np.arange(len(ANCHORS), len(ratings))

    def scores(seen: np.ndarray) -> np.ndarray:
        some = np.concatenate([anchors, own[seen]])
        return features[own] @ taste.fit(features[some], ratings[some], hyperprior).weights

    values = []
    for _ in range(3):
        predicted = np.zeros(count)
        for fold in model_comparison.folds(count, int(rng.integers(1 << 30))):
            predicted[fold] = model_comparison.guesses(scores, count, fold)
        values.append(metrics.srocc(predicted, ratings[own]))
    return None if np.isnan(values).any() else metrics.with_interval(float(np.mean(values)), count)


def holds(found: Accuracy, truth: float, error: float) -> bool:
    """Whether the interval holds the truth, once it is widened by the error of the truth itself."""
    middle = atanh(min(max(found.srocc, -0.999), 0.999))
    low, high = (hypot(middle - atanh(end), 1.96 * error) for end in (found.low, found.high))
    return tanh(middle - low) <= truth <= tanh(middle + high)


def line(name: str, measured: Sequence[Measured]) -> str:
    """One row of the table."""
    errors = np.array([one.estimates[name].srocc - one.truth for one in measured])
    held = np.mean([holds(one.estimates[name], one.truth, one.error) for one in measured])
    above = np.mean([one.estimates[name].low > 0 for one in measured])
    width = np.mean([one.estimates[name].high - one.estimates[name].low for one in measured])
    mean = f"{errors.mean():+.3f} ± {errors.std() / sqrt(len(errors)):.3f}"
    return f"{name} | {mean} | {np.sqrt(np.mean(errors**2)):.3f} | {100 * held:.0f} % | {width:.2f} | {100 * above:.0f} % |"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench certainty", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, nargs="+", default=[10, 16, 30, 100], help="ratings that a fit is made from; at least 8")
    parser.add_argument("--raters", type=int, default=200, help="planted raters for each row")
    parser.add_argument("--images", type=Path, help="folder of a dataset's photos")
    parser.add_argument("--ratings", type=Path, help="CSV with the columns rater, image, score")
    parser.add_argument("--repeats", type=int, default=1, help="draws of shots for each rater of the dataset")
    parser.add_argument("--bank", type=Path, default=banks.DEFAULT, help="whose features photos of the dataset get")
    parser.add_argument("--hyperprior", choices=["shipped", "flat"], default="shipped")
    parser.add_argument("--cache", type=Path, default=Path("var/described"), help="folder that caches extracted features")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if (options.images is None) != (options.ratings is None):
        parser.error("--images and --ratings belong together.")
    if min(options.shots) < metrics.LEAST_RATINGS:
        parser.error(f"--shots must be at least {metrics.LEAST_RATINGS}: fewer ratings have no accuracy.")
    print("| shots | signal | truth | estimate | error | rms | held | width | above 0 |\n|---|---|---|---|---|---|---|---|---|")
    for label, shots, heads, cases in _cases(options):
        hyperprior = loaded_bank.hyperprior(heads) if options.hyperprior == "shipped" else Hyperprior.flat(heads)
        rng = np.random.default_rng([options.seed, shots])
        with threadpool_limits(1, user_api="blas"):
            measured = [one for case in cases if (one := measure(case, hyperprior, rng))]
        if not measured:
            print(f"| {shots} | {label} | no rater has {shots + LEAST_LEFT} ratings |", flush=True)
            continue
        truth = np.mean([one.truth for one in measured])
        for name in measured[0].estimates:
            print(f"| {shots} | {label} | {truth:.3f} | {line(name, measured)}", flush=True)


def _cases(options: argparse.Namespace) -> Iterator[tuple[str, int, int, Iterator[Case]]]:
    """What each row measures: signal or dataset, shots, task heads among the features, raters."""
    if options.images is None:
        for shots in options.shots:
            for signal in SIGNALS:
                yield f"{signal}", shots, 0, planted(signal, shots, options.raters, options.seed)
        return
    table = rating_tables.read(options.ratings, options.images, taste_parts.photos_seen(options.bank))
    with progress_bar() as progress:
        catalogue = make_catalogue(table.photos, options.bank, options.cache, progress)
    for shots in options.shots:
        yield "dataset", shots, catalogue.heads, of_dataset(catalogue.features, table, shots, options.repeats, options.seed)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
