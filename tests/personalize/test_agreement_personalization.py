"""What personalization adds: synthetic tastes, the mean of the others without the rater, photos from a folder."""

import csv
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from personalize.agreement.personalization import LEAST_RATED, Others, personalization
from personalize.agreement.resampling import BootstrapPlan
from personalize.agreement.single_ratings import Cells
from personalize.files import banks
from personalize.files.extractors import read as read_extractors
from personalize.files.photo_files import digest
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.scorers.cached_features import kept_array
from tests.personalize.planted_ratings import table
from tests.personalize.test_datasets import make_photo

RATERS, PHOTOS = 14, 160


def rated(private: float, shared: float, seed: int = 0) -> tuple[Cells, np.ndarray]:
    """Ratings of tastes that the features explain (private) and of a standing that they do not (shared)."""
    rng = np.random.default_rng(seed)
    features = np.hstack([rng.normal(size=(PHOTOS, 1)), rng.normal(size=(PHOTOS, 39)) / 6, 0.01 * rng.normal(size=(PHOTOS, 216))])
    standing = rng.normal(size=PHOTOS)
    tastes = features[:, 1:40] @ rng.normal(size=(39, RATERS))
    scores = 0.2 * features[:, 0] + shared * standing + private * tastes.T + 0.5 * rng.normal(size=(RATERS, PHOTOS))
    scores[rng.random(scores.shape) < 0.3] = np.nan
    return table(scores).cells, features


def means(private: float, shared: float) -> dict[str, float]:
    cells, features = rated(private, shared)
    found = personalization(cells, features, Hyperprior.flat()).statistics(PHOTOS, BootstrapPlan(50, 0))
    return {one.key: one.value for one in found}


def test_private_tastes_are_found_by_the_rater_alone():
    found = means(private=1.0, shared=0.0)
    assert found["personal_instant"] > 0.5
    assert abs(found["personal_others"]) < 0.2
    assert found["personal_gain"] > 0.3


def test_a_shared_standing_is_found_by_the_others_and_a_model_adds_nothing():
    found = means(private=0.0, shared=1.0)
    assert found["personal_others"] > 0.75
    assert found["personal_instant"] < 0.3
    assert abs(found["personal_gain"]) < 0.05


def test_both_together_are_better_than_each_alone():
    found = means(private=1.0, shared=0.7)
    assert found["personal_both"] > max(found["personal_instant"], found["personal_others"]) + 0.05


def test_ratings_that_mean_nothing_are_not_predicted():
    _, features = rated(private=0.0, shared=0.0)
    cells = table(np.random.default_rng(5).normal(size=(RATERS, PHOTOS))).cells
    found = personalization(cells, features, Hyperprior.flat())
    for values in found.srocc.values():
        assert abs(values.mean()) < 0.1


def test_a_raters_own_ratings_are_in_nothing_that_the_others_say():
    cells, features = rated(private=0.5, shared=0.5)
    changed = cells.mean.copy()
    changed[cells.rater == 3] = np.random.default_rng(1).normal(size=(cells.rater == 3).sum())
    other = Cells(cells.rater, cells.photo, changed, cells.count, cells.of_rating, cells.raters, cells.photos)
    photos, _, mean, offset = Others(cells, features).without(3)
    _, ratings, mean_after, offset_after = Others(other, features).without(3)
    assert ratings == pytest.approx(changed[cells.rater == 3])
    assert mean_after == pytest.approx(mean)
    assert offset_after == pytest.approx(offset)
    first = cells.mean[(cells.photo == photos[0]) & (cells.rater != 3)]
    assert mean[0] == pytest.approx(first.mean())


def test_photos_without_features_are_left_out():
    cells, features = rated(private=1.0, shared=0.5)
    features[100:] = np.nan
    found = personalization(cells, features, Hyperprior.flat())
    assert (found.rated <= 100).all()
    assert np.isfinite(found.gain).all()


def test_raters_with_few_ratings_have_no_value():
    cells, features = rated(private=1.0, shared=0.5)
    features[LEAST_RATED - 1 :] = np.nan
    found = personalization(cells, features, Hyperprior.flat())
    assert np.isnan(found.gain).all()
    (one, *_) = found.statistics(LEAST_RATED - 1, BootstrapPlan(20, 0))
    assert one.reason == "no rater has different ratings of 40 photos that others rated too"


def test_each_rater_has_intervals():
    cells, features = rated(private=1.0, shared=0.5)
    columns = personalization(cells, features, Hyperprior.flat()).columns()
    assert (columns["personal_both_low"] <= columns["personal_both"]).all()
    assert (columns["personal_both"] <= columns["personal_both_high"]).all()


@pytest.fixture
def folder(tmp_path):
    """45 photos, three of them without a file, rated by four raters; raw features are random and in the cache, to save their time."""
    rng = np.random.default_rng(0)
    with (tmp_path / "ratings.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rater", "image", "score"])
        for photo in range(45):
            if photo >= 3:
                make_photo(tmp_path / "photos" / f"{photo}.png", photo)
            writer.writerows([f"r{rater}", f"{photo}.png", rng.integers(1, 6)] for rater in range(4))
    extractors = read_extractors(banks.DEFAULT)
    digests = [digest(tmp_path / "photos" / f"{photo}.png") for photo in range(3, 45)]
    raw = rng.normal(size=(42, extractors.layout.width)).astype(np.float16)
    kept_array(tmp_path / "cache", f"raw-{extractors.hash}", digests, lambda _places: raw)
    return tmp_path


def test_the_command_measures_it_on_a_folder_of_photos(folder, capsys):
    options = ["--images", str(folder / "photos"), "--cache", str(folder / "cache"), "--out", str(folder / "out"), "--draws", "20"]
    options += ["--hyperprior", "flat"]
    call_command("agreement", str(folder / "ratings.csv"), *options)
    printed = capsys.readouterr().out
    assert "personalization adds" in printed
    assert "3 rated photos are not below" in printed
    facts = json.loads((folder / "out" / "agreement.json").read_text())
    assert [one["photos"] for one in facts["statistics"] if one["key"] == "personal_gain"] == [42]
    assert len(facts["raters"]["personal_both_low"]) == 4


def test_a_folder_without_the_photos_is_refused(folder):
    with pytest.raises(CommandError, match=r"None of the 45 rated photos is below .*; the first is '0.png'"):
        call_command("agreement", str(folder / "ratings.csv"), "--images", str(folder / "cache"), "--cache", str(folder / "cache"))


def test_photos_of_pairs_are_refused(tmp_path):
    (tmp_path / "pairs.csv").write_text("rater,left,right,chosen\nann,a,b,left\n")
    with pytest.raises(CommandError, match="needs single ratings"):
        call_command("agreement", str(tmp_path / "pairs.csv"), "--images", str(tmp_path))
