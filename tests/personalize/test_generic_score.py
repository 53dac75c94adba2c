"""Training of task heads and the generic score on small datasets of coloured photos, and its command."""

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from personalize import datasets
from personalize.bank_building import generic_score
from personalize.bank_building.generic_score import TastePlan
from personalize.errors import BadOption, BadProjection
from personalize.files import banks, taste_parts
from personalize.files.photo_files import digest, photos_in
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.metrics import srocc
from personalize.scorers.feature_extraction import FeatureExtractor
from tests.personalize import small_extractors

PLAN = TastePlan(datasets=("oasis-beauty", "oasis-valence", "houses"), raters=("oasis-beauty", "houses"))
LIKED = np.array([1.0, 0.3, -1.0])  # reds are liked, blues are not


def write_photos(folder, count, seed):
    """The mean colours, 0 to 1, of photos with the names 0.png, 1.png, ..."""
    folder.mkdir(parents=True)
    drawn = np.random.default_rng(seed).uniform(0.1, 0.9, (count, 3))
    for number, colour in enumerate(drawn):
        Image.fromarray(small_extractors.colours(12, 255 * colour, seed + number)).save(folder / f"{number}.png")
    return drawn


def ratings(drawn, chosen, seed):
    """Rows of eight raters who share a taste and have one of their own."""
    rng, rows = np.random.default_rng(seed), ["rater,image,score"]
    for rater in range(8):
        own = drawn @ (LIKED + 0.5 * rng.normal(size=3))
        rows += [f"r{rater},{number}.png,{own[number]:.3f}" for number in chosen]
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """OASIS, of which the last 20 photos are personal ones, and houses."""
    root = tmp_path_factory.mktemp("datasets")
    drawn = write_photos(root / "oasis" / "images", 60, seed=100)
    rows = ["image,beauty_mean,valence_mean,split"]
    for number, colour in enumerate(drawn):
        rows.append(f"{number}.png,{4 + colour @ LIKED:.3f},{4 + colour[1]:.3f},{'personal' if number >= 40 else 'bank'}")
    (root / "oasis" / "scores.csv").write_text("\n".join(rows) + "\n")
    (root / "oasis" / "ratings.csv").write_text(ratings(drawn, range(40, 60), seed=1))
    drawn = write_photos(root / "houses" / "images", 30, seed=300)
    (root / "houses" / "ratings.csv").write_text(ratings(drawn, range(30), seed=2))
    return root


@pytest.fixture
def bank(tmp_path):
    return small_extractors.write_bank(tmp_path)


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    bank = small_extractors.write_bank(folder)
    generic_score.train(bank, root, folder / "cache", PLAN)
    return bank


def test_a_dataset_gives_a_head_and_those_that_ask_for_liking_the_generic_score(trained):
    part = taste_parts.read(trained)
    assert part.heads.names == ("generic", "pooled", "oasis-beauty", "oasis-valence", "houses", "merged-network")
    assert part.projection.directions == part.heads.names
    assert {name: row["pooled"] for name, row in part.facts["heads"].items()} == {
        "oasis-beauty": True,
        "oasis-valence": False,
        "houses": True,
    }


def test_the_generic_score_ranks_photos_that_nobody_rated(trained, tmp_path):
    drawn = write_photos(tmp_path / "new", 40, seed=700)
    raw = FeatureExtractor(trained).raw(Image.open(tmp_path / "new" / f"{number}.png") for number in range(40))
    features = taste_parts.read(trained).projection.apply(raw)
    assert srocc(features[:, 0], drawn @ LIKED) > 0.9
    assert srocc(features[:, 3], drawn[:, 1]) > 0.9  # the head of valence


def test_the_metadata_state_where_heads_come_from_and_how_well_the_generic_score_travels(trained):
    row = banks.read_metadata(trained).facts["taste"]
    assert row["heads"]["houses"] == {
        "photos": 30,
        "pooled": True,
        "source": datasets.find("houses").source,
        "licence": "none stated in the author's repository",
    }
    assert row["heads"]["oasis-beauty"]["photos"] == 40
    assert row["left_out_srocc"].keys() == {"oasis-beauty", "houses"}
    assert min(row["left_out_srocc"].values()) > 0.8
    assert row["hyperprior"] == {"raters_of": ["oasis-beauty", "houses"], "photos": 50}


def test_photos_that_trained_heads_and_photos_whose_raters_taught_the_hyperprior_are_listed(trained, root):
    part = taste_parts.read(trained)
    houses = {digest(photo) for photo in photos_in(root / "houses")}
    personal = {digest(root / "oasis" / "images" / f"{number}.png") for number in range(40, 60)}
    assert len(part.trained_on) == 40 + 30
    assert houses <= part.trained_on
    assert not personal & part.trained_on
    assert part.hyperprior_of == houses | personal


def test_the_hyperprior_is_learned_from_raters(trained):
    part = taste_parts.read(trained)
    assert part.hyperprior.heads == 5
    assert part.hyperprior.weights.sum() == pytest.approx(1)
    assert not np.allclose(part.hyperprior.weights, Hyperprior.flat().weights)


def test_without_raters_the_hyperprior_is_flat(bank, root, tmp_path):
    metadata = generic_score.train(bank, root, tmp_path / "cache", TastePlan(("houses",), ()))
    part = taste_parts.read(bank)
    np.testing.assert_allclose(part.hyperprior.weights, Hyperprior.flat().weights)
    assert part.hyperprior_of == frozenset()
    assert metadata.facts["taste"]["hyperprior"] == "flat: learned from nobody"


def test_training_twice_gives_the_same_bytes(trained, bank, root, tmp_path):
    metadata = generic_score.train(bank, root, tmp_path / "cache", PLAN)
    assert metadata.facts["taste"]["sha256"] == banks.read_metadata(trained).facts["taste"]["sha256"]


def test_the_number_of_photos_of_a_dataset_is_limited(bank, root, tmp_path):
    metadata = generic_score.train(bank, root, tmp_path / "cache", TastePlan(("houses",), (), most_photos=12))
    assert metadata.facts["taste"]["heads"]["houses"]["photos"] == 12


def test_no_dataset_is_refused(bank, root, tmp_path):
    with pytest.raises(BadOption, match="at least one dataset"):
        generic_score.train(bank, root, tmp_path / "cache", TastePlan((), ()))


class TestWithoutDatasets:
    def test_the_generic_score_is_that_of_the_merged_network(self, bank, root, tmp_path):
        generic_score.write_without_datasets(bank, root / "houses", tmp_path / "cache")
        part = taste_parts.read(bank)
        assert part.heads.names == ("generic", "merged-network")
        np.testing.assert_array_equal(part.projection.matrix[:, 0], part.projection.matrix[:, 1])
        assert not part.projection.matrix[:-1, 0].any()
        assert part.trained_on == part.hyperprior_of == frozenset()

    def test_three_photos_are_refused_and_the_metadata_stay(self, bank, root, tmp_path):
        (tmp_path / "few").mkdir()
        for photo in photos_in(root / "houses")[:3]:
            (tmp_path / "few" / photo.name).write_bytes(photo.read_bytes())
        with pytest.raises(BadProjection, match="at least 10 photos; 3 have"):
            generic_score.write_without_datasets(bank, tmp_path / "few", tmp_path / "cache")
        assert "taste" not in banks.read_metadata(bank).facts


class TestTheCommand:
    def test_it_writes_next_to_a_copy_and_says_what_it_pooled(self, bank, root, tmp_path, capsys):
        before = bank.with_suffix(".json").read_text()
        (tmp_path / "other").mkdir()
        for out in (tmp_path / "copy.safetensors", tmp_path / "other" / "copy.safetensors"):
            call_command("train_generic_score", "oasis-beauty", "houses", root=root, bank=bank, out=out, cache=tmp_path / "cache")
            assert taste_parts.read(out).hyperprior_of
            FeatureExtractor(out)
        assert bank.with_suffix(".json").read_text() == before
        output = capsys.readouterr().out
        assert "oasis-beauty: 40 photos, pooled" in output
        assert "The generic score without houses agrees with its mean scores by SROCC 0." in output

    def test_an_unknown_dataset_is_refused_with_the_known_ones(self, bank, root, tmp_path):
        with pytest.raises(CommandError, match=r"no dataset named .flats..*houses"):
            call_command("train_generic_score", "flats", root=root, bank=bank, cache=tmp_path / "cache")
