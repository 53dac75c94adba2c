"""Banks: what is written is read back; what was tampered with is refused; what was written once stays readable."""

import json

import numpy as np
import pytest
import torch

from personalize import banks, describing, projection, stored_vectors, task_vectors
from personalize.errors import BadBank
from personalize.taste import Hyperprior

FACTS = {"backbone": "efficientnet_lite0", "tasks": ["beauty"]}


@pytest.fixture
def bank(tmp_path):
    path = tmp_path / "bank.safetensors"
    banks.write({"numbers": np.arange(6.0).reshape(2, 3)} | banks.hyperprior_arrays(Hyperprior.flat()), FACTS, path)
    return path


def test_what_is_written_is_read_back(bank):
    np.testing.assert_array_equal(banks.read(bank)["numbers"], np.arange(6.0).reshape(2, 3))
    read, flat = banks.hyperprior(banks.read(bank, prefix="hyperprior/")), Hyperprior.flat()
    for axis in ("trust", "base", "feature", "noise", "weights"):
        np.testing.assert_array_equal(getattr(read, axis), getattr(flat, axis))


def test_a_changed_file_is_refused(bank):
    data = bytearray(bank.read_bytes())
    data[-1] ^= 1
    bank.write_bytes(data)
    with pytest.raises(BadBank, match="its card says"):
        banks.read(bank)


def test_a_bank_without_its_card_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(BadBank, match=r"\./pav build_bank"):
        banks.read_card(tmp_path / "none.safetensors")


def test_an_unknown_format_is_named(bank):
    card = bank.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"format": "pav-bank-99"}))
    with pytest.raises(BadBank, match="pav-bank-99"):
        banks.read_card(bank)


def test_a_projection_survives_storage(tmp_path):
    rng = np.random.default_rng(0)
    raw = {"one": rng.normal(size=(300, 8)), "two": 40 + 10 * rng.normal(size=(300, 5))}
    learned = projection.learn(rng.normal(size=300), raw, {"one": 0.5, "two": 0.5})
    banks.write(banks.projection_arrays(learned), FACTS, tmp_path / "b.safetensors")
    read = banks.projection(banks.read(tmp_path / "b.safetensors"))
    score = rng.normal(size=300)
    np.testing.assert_allclose(read.apply(score, raw), learned.apply(score, raw), atol=0.01)


def test_a_projection_keeps_inner_products_of_the_scaled_groups():
    rng = np.random.default_rng(0)
    raw = {"one": rng.normal(size=(300, 8)), "two": 40 + 10 * rng.normal(size=(300, 5))}
    features = projection.learn(rng.normal(size=300), raw, {"one": 0.3, "two": 0.7}).apply(np.zeros(300), raw)[:, 1:]
    parts = []
    for group, share in (("one", 0.3), ("two", 0.7)):
        centred = raw[group] - raw[group].mean(axis=0)
        parts.append(centred * np.sqrt(share / (centred**2).sum(axis=1).mean()))
    whole = np.concatenate(parts, axis=1)  # 13 numbers: all of them fit into 255 axes
    np.testing.assert_allclose(features @ features.T, whole @ whole.T, atol=1e-4)
    assert (features**2).sum(axis=1).mean() == pytest.approx(1, abs=1e-3)


def test_factors_survive_storage():
    vector = {"matrix": torch.randn(24, 40, generator=torch.Generator().manual_seed(0)), "bias": torch.randn(7)}
    kept = task_vectors.factorise(vector, rank=4)
    read = stored_vectors.vector_of(dict(stored_vectors.vector_arrays(kept, "vectors/t/")), "vectors/t/")
    for name, value in task_vectors.whole(kept).items():
        assert torch.equal(task_vectors.whole(read)[name], value)


class TestTheShippedBank:
    """The file in the repository, with the real backbone."""

    @pytest.fixture(scope="class")
    def describer(self):
        return describing.Describer()

    @pytest.fixture(scope="class")
    def photo(self):
        from PIL import Image

        rng = np.random.default_rng(0)
        return Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)).resize((800, 600))

    def test_it_is_small_and_matches_its_card(self):
        assert banks.DEFAULT.stat().st_size <= 12_000_000
        card = banks.read_card()
        assert banks.read(prefix="start")["start"].shape[1] == len(card.tasks) == 6

    def test_its_card_tells_what_it_is_made_of_and_what_factorising_cost(self):
        facts = banks.read_card().facts
        for task in facts["tasks"]:
            assert {"recipe", "photos", "test_srocc", "source"} <= facts["trained"][task].keys()
            assert facts["factorised"][task]["cost"] <= 0.005

    def test_it_describes_a_photo_with_256_finite_numbers_the_same_each_time(self, describer, photo):
        score, features = describer.describe(photo)
        again = describer.describe(photo)[1]
        assert features.shape == (256,)
        assert np.isfinite(features).all()
        assert score == features[0]
        np.testing.assert_allclose(features, again, atol=1e-5)

    def test_its_score_is_that_of_the_merged_model(self, describer, photo):
        from personalize import images

        network = describer.network
        pixels = images.to_pixels(photo, network.backbone.preprocessing)[None]
        with torch.no_grad():
            plain = network.model(network.start).score(images.to_input(pixels, network.backbone.preprocessing)).item()
        assert network.describe([photo])[0][0] == pytest.approx(plain, abs=1e-4)

    def test_a_tangent_predicts_a_small_move_of_its_coefficient(self, describer, photo):
        from personalize import images

        network = describer.network
        (score,), raw = network.describe([photo])
        batch = images.to_input(images.to_pixels(photo, network.backbone.preprocessing)[None], network.backbone.preprocessing)
        step = 0.02
        moved = network.start.clone()
        moved[:, 0] += step
        with torch.no_grad():
            there = network.model(moved).score(batch).item()
        predicted = float(raw["tangents"].reshape(network.start.shape)[:, 0].sum()) * step
        assert there - score == pytest.approx(predicted, abs=0.2 * abs(predicted) + 1e-3)
