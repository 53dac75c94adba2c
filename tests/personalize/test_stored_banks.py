"""Banks in the repository: one in the first format, stored unchanged, and the shipped bank."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from personalize.bank_building.compressing import Form, compress
from personalize.files import banks, images, open_banks, stored_vectors
from personalize.numerics.hyperparameter_grid import Hyperprior


@pytest.fixture(scope="module")
def photo():
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)).resize((800, 600))


@pytest.fixture
def batch(extractor, photo):
    return images.to_input(images.to_pixels(photo, extractor.preprocessing)[None], extractor.preprocessing)


class TestTheFirstFormat:
    """A file written by the first version of the format, stored unchanged."""

    PATH = Path(__file__).parent / "stored" / "pav-bank-1.safetensors"

    def test_a_bank_in_the_first_format_is_read(self):
        assert banks.read_metadata(self.PATH).facts["format"] == "pav-bank-1"
        arrays = banks.read(self.PATH)
        assert banks.projection(arrays).groups == ("merged",)
        np.testing.assert_array_equal(banks.hyperprior(arrays).trust, Hyperprior.flat().trust)

    def test_a_bank_in_the_first_format_is_opened(self):
        bank = open_banks.open_bank(self.PATH)
        assert not bank.holds_encoder
        np.testing.assert_array_equal(bank.start, [[0.75, 0.25], [0.75, 0.25]])
        assert {task: stored_vectors.form_of(vector) for task, vector in bank.vectors.items()} == dict.fromkeys(
            bank.metadata.tasks, "factorised"
        )
        block = bank.vectors["beauty"]["head.3.weight"]
        assert block.shape == (10, 512)
        assert block.left.shape == (10, 2)
        opposite = bank.vectors["quality"]["head.3.weight"].whole()
        torch.testing.assert_close(opposite, -2 * block.whole(), atol=1e-3, rtol=1e-2)


class TestTheShippedBank:
    """The shipped bank, with its real backbone."""

    def test_the_shipped_bank_is_small_and_matches_its_metadata(self):
        assert banks.DEFAULT.stat().st_size <= 12_000_000
        metadata = banks.read_metadata()
        assert banks.read(prefix="start")["start"].shape[1] == len(metadata.tasks) == 6

    def test_the_hash_of_the_shipped_bank_matches_stored_features_of_installations(self):
        assert banks.read_metadata().hash == "41de431beb7c1482"

    def test_the_metadata_state_training_data_and_factorisation_cost(self):
        facts = banks.read_metadata().facts
        for task in facts["tasks"]:
            assert {"recipe", "photos", "test_srocc", "source", "licence"} <= facts["trained"][task].keys()
            assert facts["factorised"][task]["cost"] <= 0.005

    def test_a_photo_has_256_finite_reproducible_features(self, extractor, photo):
        (features,) = extractor.features([photo])
        (again,) = extractor.features([photo])
        assert features.shape == (256,)
        assert np.isfinite(features).all()
        np.testing.assert_allclose(features, again, atol=1e-5)

    def test_a_mapped_bank_gives_the_same_models_as_one_read_into_memory(self, bank, batch):
        whole = open_banks.of_arrays(banks.read_metadata(), banks.read())
        for coefficients in (bank.start, bank.one_hot("oasis-arousal")):
            with torch.no_grad():
                expected = whole.merged(coefficients).score(batch)
                torch.testing.assert_close(bank.merged(coefficients).score(batch), expected, atol=1e-5, rtol=0)

    def test_the_generic_score_is_that_of_the_merged_model(self, bank, extractor, photo, batch):
        with torch.no_grad():
            plain = bank.merged(bank.start).score(batch).item()
        assert extractor.raw_features([photo])[0][0] == pytest.approx(plain, abs=1e-4)

    def test_a_compressed_bank_does_not_claim_the_extractors_of_the_bank_before(self, tmp_path):
        """The merged network has changed, and the files are not next to the new bank."""
        assert "extractors" in banks.read_metadata().facts
        assert "extractors" not in compress(banks.DEFAULT, tmp_path / "half.safetensors", Form("half")).facts

    def test_a_tangent_predicts_the_effect_of_a_small_change_of_its_coefficient(self, bank, extractor, photo, batch):
        (score,), raw = extractor.raw_features([photo])
        step = 0.02
        moved = bank.start.clone()
        moved[:, 0] += step
        with torch.no_grad():
            there = bank.merged(moved).score(batch).item()
        predicted = float(raw["tangents"].reshape(bank.start.shape)[:, 0].sum()) * step
        assert there - score == pytest.approx(predicted, abs=0.2 * abs(predicted) + 1e-3)
