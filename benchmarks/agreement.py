"""Time, memory and coverage of the analysis of agreement: `./pav bench agreement`.

Speed: each statistic of `--ratings` (CSV: rater, image, score), or of `--size` synthetic ratings, is timed without its interval, beside
reference packages in the same run where they are installed (requirements-dev.txt; lme4 where R is). Then the whole analysis with intervals,
in a process of its own, with its peak of memory. A plain loop stands where no package has the statistic.

Coverage (`--coverage SEEDS`): for each seed, ratings with planted variance components are analysed, and a 95 % interval either contains the
true value or not. Shares and what follows from them are true by the planted components; for the other statistics the truth is their mean
over 200 sets of ratings with as many raters and ten times the photos. `--planted` has three worlds: repeated ratings in two blocks, single
ratings, and repeated ratings rounded to seven steps, where the components too are those of the large sets.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from personalize.agreement import analysis, reading
from personalize.agreement.alpha import KrippendorffAlpha
from personalize.agreement.analysis import analyse
from personalize.agreement.components import MomentComponents, design_of
from personalize.agreement.correlations import MeanMinusOne, RaterPairs
from personalize.agreement.measures import Measures
from personalize.agreement.reml import Reml
from personalize.agreement.resampling import BootstrapPlan, once
from personalize.agreement.single_ratings import SingleRatings
from personalize.agreement.split_halves import SPLITS, RaterHalves, RatingHalves
from personalize.management.progress import progress_bar

LARGE = 600  # photos of a set of ratings that the truth comes from
TRUTHS, FIRST_OF_TRUTH = 200, 10_000_000  # such sets, and the seed of the first


@dataclass(frozen=True)
class Planted:
    """Standard normal effects with these variances, ratings on a continuous scale or rounded to seven steps."""

    raters: int = 40
    photos: int = 60
    blocks: int = 2
    rated: float = 0.8  # share of the photos that a rater sees
    steps: bool = False
    photo: float = 1.0
    rater: float = 0.5
    rater_photo: float = 0.8
    block_rater: float = 0.1
    block_photo: float = 0.05
    residual: float = 0.6

    @property
    def variances(self) -> dict[str, float]:
        parts = ("photo", "rater", "rater_photo", "block_rater", "block_photo", "residual")
        own = {part: float(getattr(self, part)) for part in parts}
        return own | {"block": 0.0} if self.blocks > 1 else _without_blocks(own)

    def draw(self, seed: int, photos: int = 0) -> SingleRatings:
        rng = np.random.default_rng(seed)
        size = (self.raters, photos or self.photos, self.blocks)
        seen = rng.random(size[:2]) < self.rated
        rater, photo, block = (axis[np.repeat(seen[:, :, None], self.blocks, axis=2)] for axis in np.indices(size))
        parts = {
            "photo": (photo,),
            "rater": (rater,),
            "rater_photo": (rater, photo),
            "block_rater": (rater, block),
            "block_photo": (photo, block),
        }
        extent = {id(rater): size[0], id(photo): size[1], id(block): size[2]}
        score = np.sqrt(self.residual) * rng.normal(size=len(rater))
        for part, axes in parts.items():
            effect = rng.normal(size=[extent[id(axis)] for axis in axes]) * np.sqrt(getattr(self, part))
            score += effect[axes]
        if self.steps:
            score = np.clip(np.round(4 + score), 1, 7)
        names = [[str(place) for place in range(length)] for length in size]
        several = self.blocks > 1
        return SingleRatings(rater, photo, score, names[0], names[1], block if several else None, names[2] if several else ())


def _without_blocks(variances: dict[str, float]) -> dict[str, float]:
    """With one block, effects of blocks belong to what they are crossed with, and private taste to the residual."""
    return {
        "photo": variances["photo"] + variances["block_photo"],
        "rater": variances["rater"] + variances["block_rater"],
        "residual": variances["residual"] + variances["rater_photo"],
    }


def truths(planted: Planted) -> dict[str, float]:
    """The true value of each statistic, by key; not of the share of blocks, which two blocks do not tell."""
    sets = [Measures.of(planted.draw(FIRST_OF_TRUTH + seed, LARGE), 0).numbers(once(planted.raters, LARGE)) for seed in range(TRUTHS)]
    parts = planted.variances
    if planted.steps:  # rounding changes the components
        parts = {part: float(np.mean([one[f"component_{part}"] for one in sets])) for part in parts}
    found = {key: float(np.mean([one[key] for one in sets])) for key in sets[0] if key in analysis.KEYS}
    found |= Measures.of(planted.draw(0), 0).from_components(parts)
    return {key: value for key, value in found.items() if key in analysis.KEYS and key != "share_block"}


@dataclass
class Covered:
    """Intervals of one statistic over the seeds."""

    held: int = 0
    intervals: int = 0
    error: float = 0.0
    width: float = 0.0


def coverage(planted: Planted, truth: dict[str, float], seeds: int, draws: int) -> dict[str, Covered]:
    """For each statistic: how many intervals contain the truth, and sums of errors and widths."""
    found = {key: Covered() for key in truth}
    with progress_bar() as progress:
        for seed in range(seeds):
            progress("analysing planted ratings", seed, seeds)
            for one in analyse(planted.draw(seed), BootstrapPlan(draws, seed)).statistics:
                if one.key in truth and one.value is not None and one.low is not None and one.high is not None:
                    covered = found[one.key]
                    covered.held += one.low <= truth[one.key] <= one.high
                    covered.intervals += 1
                    covered.error += one.value - truth[one.key]
                    covered.width += one.high - one.low
    return found


def print_coverage(planted: Planted, seeds: int, draws: int) -> None:
    truth = truths(planted)
    print(f"{planted}\n{seeds} seeds from 0, {draws} draws each.\n")
    print("| statistic | truth | intervals that contain it | mean error | mean width |\n|---|---|---|---|---|")
    for key, one in coverage(planted, truth, seeds, draws).items():
        n = max(one.intervals, 1)
        share = f"{100 * one.held / n:.1f} % of {one.intervals}"
        print(f"| {key} | {truth[key]:.3f} | {share} | {one.error / n:+.4f} | {one.width / n:.3f} |", flush=True)


def synthetic(size: int) -> SingleRatings:
    """Ratings in seven steps by raters of about 100 photos each, as many photos as raters."""
    rng = np.random.default_rng(0)
    raters = max(size // 100, 2)
    keys = np.unique(rng.integers(raters, size=size) * raters + rng.integers(raters, size=size))  # a few fall together
    rater, photo = keys // raters, keys % raters
    score = rng.normal(size=raters)[photo] + 0.7 * rng.normal(size=raters)[rater] + 1.2 * rng.normal(size=len(keys))
    names = [str(place) for place in range(raters)]
    return SingleRatings(rater, photo, np.clip(np.round(4 + score), 1, 7), names, names)


@dataclass(frozen=True)
class Row:
    """A statistic: PAV's computation, and that of a reference."""

    name: str
    ours: Callable[[], object]
    reference: str = "none"
    theirs: Callable[[], object] | None = None


def rows(ratings: SingleRatings) -> list[Row]:
    """What is timed; references only for tables that fit into memory, and where they are installed."""
    cells, ones = ratings.cells, (np.ones(len(ratings.raters)), np.ones(len(ratings.photos)))
    rng = np.random.default_rng(0)
    small = len(ratings.raters) * len(ratings.photos) <= 5_000_000

    def components() -> object:
        parts = design_of(ratings).parts
        start = MomentComponents(ratings, parts).estimate(*ones)
        return Reml(ratings, parts).fit(start) if small else start

    def pairwise() -> object:
        pairs = RaterPairs.of(cells, 0)
        return pairs.pearson(ones[1]), pairs.spearman()

    found = [
        Row("alpha, interval", partial(_alpha, ratings, "interval"), "krippendorff", partial(_their_alpha, ratings, "interval")),
        Row("alpha, ordinal", partial(_alpha, ratings, "ordinal"), "krippendorff", partial(_their_alpha, ratings, "ordinal")),
        Row(f"ICC, {'REML' if small else 'moments'}", components, "lme4, with the start of R", partial(_lme4, ratings)),
        Row("mean-minus-one", lambda: MeanMinusOne(cells).means(*ones), "a loop with pandas", partial(_loop_minus_one, ratings)),
        Row(
            "split-half over raters",
            lambda: RaterHalves(ratings, rng).estimate(*ones),
            "a loop with pandas",
            partial(_loop_halves, ratings),
        ),
        Row("split-half over ratings", lambda: RatingHalves(ratings, rng).estimate(*ones)),
        Row("pairwise correlations", pairwise, "DataFrame.corr of pandas", partial(_their_pairwise, ratings)),
    ]
    installed = {"krippendorff": find_spec("krippendorff"), "pandas": find_spec("pandas"), "lme4": shutil.which("Rscript")}
    usable = {name for name, place in installed.items() if place and small}
    return [row if any(name in row.reference for name in usable) else Row(row.name, row.ours) for row in found]


def _alpha(ratings: SingleRatings, metric: str) -> float:
    return KrippendorffAlpha(ratings, metric).estimate(np.ones(len(ratings.raters)), np.ones(len(ratings.photos)))


def _wide(ratings: SingleRatings) -> np.ndarray:
    table = np.full((len(ratings.raters), len(ratings.photos)), np.nan)
    table[ratings.rater, ratings.photo] = ratings.score
    return table


def _their_alpha(ratings: SingleRatings, metric: str) -> float:
    import krippendorff  # these are packages of the tests

    return krippendorff.alpha(_wide(ratings), level_of_measurement=metric)


def _loop_minus_one(ratings: SingleRatings) -> list[float]:
    import pandas

    wide = pandas.DataFrame(_wide(ratings).T)
    others = {rater: wide.drop(columns=rater).mean(axis=1) for rater in wide}
    return [wide[rater].corr(mean, method=method) for rater, mean in others.items() for method in ("pearson", "spearman")]


def _loop_halves(ratings: SingleRatings) -> list[float]:
    import pandas

    wide, rng, found = pandas.DataFrame(_wide(ratings)), np.random.default_rng(0), []
    for _ in range(SPLITS):
        order = rng.permutation(len(wide))
        first, second = (wide.iloc[half].mean() for half in np.array_split(order, 2))
        found.append(first.corr(second))
    return found


def _their_pairwise(ratings: SingleRatings) -> list[object]:
    import pandas

    wide = pandas.DataFrame(_wide(ratings).T)
    return [wide.corr(method=method, min_periods=10) for method in ("pearson", "spearman")]


def _lme4(ratings: SingleRatings) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.csv"
        np.savetxt(path, np.column_stack([ratings.rater, ratings.photo, ratings.score]), delimiter=",", header="r,p,score", comments="")
        fit = f"library(lme4); d <- read.csv('{path}'); print(lmer(score ~ 1 + (1|p) + (1|r), d))"
        return subprocess.run(["Rscript", "-e", fit], check=True, capture_output=True, text=True).stdout


def print_speed(options: argparse.Namespace) -> None:
    ratings = _ratings(options)
    print(f"{len(ratings.raters):,} raters, {len(ratings.photos):,} photos, {len(ratings):,} ratings; one thread.\n")
    print("| statistic, without interval | PAV | reference | its time |\n|---|---|---|---|")
    for row in rows(ratings):
        theirs = f"{_seconds(row.theirs):.2f} s" if row.theirs else "-"
        print(f"| {row.name} | {_seconds(row.ours):.2f} s | {row.reference} | {theirs} |", flush=True)
    command = [sys.executable, "-m", "benchmarks.agreement", "--whole", "--draws", str(options.draws), "--size", str(options.size)]
    command += ["--ratings", str(options.ratings)] if options.ratings else []
    facts = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"\nThe whole analysis, {options.draws} draws: {facts['seconds']:.0f} s, peak of memory {facts['megabytes']:.0f} MB.")


def _ratings(options: argparse.Namespace) -> SingleRatings:
    return reading.read(options.ratings).ratings if options.ratings else synthetic(options.size)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def print_whole(options: argparse.Namespace) -> None:
    """Time and memory of reading and analysing in this process, as JSON. Linux only, as it reads /proc."""
    start = time.perf_counter()
    analyse(_ratings(options), BootstrapPlan(options.draws, 0))
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"seconds": time.perf_counter() - start, "megabytes": int(peak.split()[1]) / 1024}))


WORLDS = {"repeated": Planted(), "single": Planted(blocks=1), "steps": Planted(steps=True)}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench agreement", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=Path, help="CSV with the columns rater, image, score")
    parser.add_argument("--size", type=int, default=1_000_000, help="synthetic ratings, without --ratings")
    parser.add_argument("--draws", type=int, default=BootstrapPlan.draws, help="of the bootstrap")
    parser.add_argument("--coverage", type=int, metavar="SEEDS", help="measure coverage over this many seeds instead of speed")
    parser.add_argument("--planted", choices=list(WORLDS), default="repeated", help="what ratings are like, with --coverage")
    parser.add_argument("--whole", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    with threadpool_limits(1, user_api="blas"):
        if options.whole:
            print_whole(options)
        elif options.coverage:
            print_coverage(WORLDS[options.planted], options.coverage, options.draws)
        else:
            print_speed(options)


if __name__ == "__main__":
    main(sys.argv[1:])
