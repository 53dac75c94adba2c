"""REML variance components: a dense likelihood, lme4 where R is installed, planted components."""

import csv
import os
import shutil
import subprocess
import warnings

import numpy as np
import pytest

from personalize.agreement import reml
from personalize.agreement.bounded_minimum import minimise
from personalize.agreement.components import BLOCKED, PLAIN, MomentComponents, design_of
from personalize.agreement.reml import Reml, RemlFit
from personalize.agreement.single_ratings import SingleRatings
from tests.personalize.planted_ratings import VARIANCES, ones, planted, table
from tests.personalize.test_agreement_coefficients import SHROUT_FLEISS

LME4 = """
suppressMessages(library(lme4))
d <- read.csv(commandArgs(TRUE)[1]); for (name in c("rater", "photo", "block")) d[[name]] <- factor(d[[name]])
m <- lmer(score ~ 1 + (1|photo) + (1|rater) + (1|rater:photo) + (1|block) + (1|block:rater) + (1|block:photo), d,
          control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10)))
v <- as.data.frame(VarCorr(m))
cat(paste(v$grp, format(v$vcov, digits = 12), sep = "=", collapse = "\\n"), "\\n", sep = "")
cat("deviance=", format(-2 * as.numeric(logLik(m)), digits = 14), "\\n", sep = "")
"""
NAMES = {"rater:photo": "rater_photo", "block:rater": "block_rater", "block:photo": "block_photo", "Residual": "residual"}


def fit(ratings: SingleRatings) -> RemlFit:
    parts = design_of(ratings).parts
    return Reml(ratings, parts).fit(MomentComponents(ratings, parts).estimate(*ones(ratings)))


def dense_deviance(ratings: SingleRatings, components: dict[str, float]) -> float:
    """-2 log restricted likelihood with the whole covariance of the ratings."""
    size, covariance = len(ratings), np.zeros((len(ratings), len(ratings)))
    block = np.zeros(size) if ratings.block is None else ratings.block
    shared = {"photo": [ratings.photo], "rater": [ratings.rater], "rater_photo": [ratings.rater, ratings.photo], "block": [block]}
    shared |= {"block_rater": [block, ratings.rater], "block_photo": [block, ratings.photo], "residual": [np.arange(size)]}
    for part, variance in components.items():
        covariance += variance * np.logical_and.reduce([one[:, None] == one for one in shared[part]])
    inverse, one = np.linalg.inv(covariance), np.ones(size)
    information = one @ inverse @ one
    rest = ratings.score - one @ inverse @ ratings.score / information
    return (size - 1) * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + np.log(information) + rest @ inverse @ rest


@pytest.mark.parametrize(("blocks", "parts"), [(1, PLAIN), (3, BLOCKED)])
def test_the_likelihood_agrees_with_a_dense_one(blocks, parts):
    ratings = planted(2, raters=6, photos=8, blocks=blocks)
    model = Reml(ratings, parts)
    names = [part for part in parts if part not in ("residual", "rater_photo")] + ["rater_photo"] * (parts == BLOCKED)
    theta = np.linspace(0.3, 0.9, len(names))
    deviance, _, variance = model.deviance(theta)
    assert deviance == pytest.approx(dense_deviance(ratings, dict(zip(names, theta * variance, strict=True)) | {"residual": variance}))


@pytest.mark.parametrize(("blocks", "parts"), [(1, PLAIN), (3, BLOCKED)])
def test_the_gradient_is_that_of_the_likelihood(blocks, parts):
    ratings = planted(3, raters=6, photos=8, blocks=blocks)
    model = Reml(ratings, parts)
    theta = np.linspace(0.3, 0.9, 2 if parts == PLAIN else 6)
    _, gradient, _ = model.deviance(theta)
    steps = np.eye(len(theta)) * 1e-5
    numeric = [(model.deviance(theta + step)[0] - model.deviance(theta - step)[0]) / 2e-5 for step in steps]
    assert gradient == pytest.approx(numeric, rel=1e-5, abs=1e-6)


def test_reml_of_complete_data_is_the_analysis_of_variance_where_no_component_is_negative():
    ratings = table(SHROUT_FLEISS)
    assert fit(ratings).components == pytest.approx(MomentComponents(ratings, PLAIN).estimate(*ones(ratings)), rel=1e-5)


def test_a_component_that_the_ratings_deny_is_zero():
    scores = np.array([[1.0, 2, 3, 4], [4.0, 3, 2, 1]]) + np.array([[0.0, 0.1, 0.0, -0.1]])
    found = fit(table(scores))
    assert found.components["photo"] == 0.0
    assert found.converged


def test_no_other_components_have_a_larger_likelihood():
    ratings = planted(5, raters=8, photos=10, blocks=3)
    found = fit(ratings)
    assert found.converged
    assert found.deviance == pytest.approx(dense_deviance(ratings, found.components))
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = {part: max(value, 1e-3) * np.exp(0.2 * rng.normal()) for part, value in found.components.items()}
        assert dense_deviance(ratings, moved) >= found.deviance - 1e-6


def test_planted_components_are_found():
    found = [fit(planted(seed, raters=40, photos=40, blocks=2)).components for seed in range(20)]
    for part, expected in VARIANCES.items():
        values = np.array([one[part] for one in found])
        assert values.mean() == pytest.approx(expected, abs=3.5 * values.std() / np.sqrt(len(values)))


def test_components_agree_with_lme4(tmp_path):
    if (
        not shutil.which("Rscript")
        or "TRUE"
        not in subprocess.run(
            ["Rscript", "-e", "cat(requireNamespace('lme4', quietly = TRUE))"], capture_output=True, text=True, check=False
        ).stdout
    ):
        if os.environ.get("CI") == "true" and not os.environ.get("WITHOUT_R"):
            pytest.fail("R with lme4 is missing: .ci/run installs it (r-cran-lme4).")
        warnings.warn("NOT RUN: the comparison with lme4 needs R: apt-get install r-cran-lme4", stacklevel=1)
        pytest.skip("NOT RUN: no R with lme4 (apt-get install r-cran-lme4)")
    ratings = planted(7, raters=15, photos=20, blocks=3)
    path = tmp_path / "ratings.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rater", "photo", "block", "score"])
        writer.writerows(zip(ratings.rater, ratings.photo, ratings.block, map(repr, map(float, ratings.score)), strict=True))
    (tmp_path / "lme4.R").write_text(LME4)
    done = subprocess.run(["Rscript", str(tmp_path / "lme4.R"), str(path)], capture_output=True, text=True, check=True)
    theirs = {NAMES.get(name, name): float(value) for name, value in (line.split("=") for line in done.stdout.splitlines())}
    ours = fit(ratings)
    assert ours.deviance <= theirs.pop("deviance") + 1e-4  # at least as good a maximum
    assert ours.components == pytest.approx(theirs, rel=2e-3, abs=2e-3)


def test_the_number_of_effects_is_known_before_the_fit():
    ratings = planted(0, raters=5, photos=6, blocks=2, rated=1.1)
    assert reml.unknowns(ratings, BLOCKED) == 5 + 6 + 2 + 10 + 12


def test_the_minimum_of_a_bowl_is_found_and_bounds_hold():
    centre = np.array([1.0, -9.0, 3.0])
    found = minimise(lambda x: (float(((x - centre) ** 2).sum()), 2 * (x - centre)), np.zeros(3), (-2.0, 5.0), np.ones(3))
    assert found.converged
    assert found.x == pytest.approx([1, -2, 3], abs=1e-4)
