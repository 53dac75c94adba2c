"""Banks in the repository: one in the first format, stored unchanged, and the shipped bank."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from personalize.files import backbones, banks, images, open_banks, stored_vectors
from personalize.networks.tangents import Tangents


@pytest.fixture(scope="module")
def photo():
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)).resize((800, 600))


@pytest.fixture
def batch(bank, photo):
    preprocessing = backbones.find(bank.metadata.backbone).preprocessing
    return images.to_input(images.to_pixels(photo, preprocessing)[None], preprocessing)


class TestTheFirstFormat:
    """A file written by the first version of the format, stored unchanged."""

    PATH = Path(__file__).parent / "stored" / "pav-bank-1.safetensors"

    def test_a_bank_in_the_first_format_is_read(self):
        assert banks.read_metadata(self.PATH).facts["format"] == "pav-bank-1"
        assert {"start", "projection/score", "hyperprior/trust"} <= banks.read(self.PATH).keys()  # the last two: PAV 0.1 alone reads them

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

    def test_the_metadata_state_training_data_and_factorisation_cost(self):
        facts = banks.read_metadata().facts
        for task in facts["tasks"]:
            assert {"recipe", "photos", "test_srocc", "source", "licence"} <= facts["trained"][task].keys()
            assert facts["factorised"][task]["cost"] <= 0.005

    def test_a_mapped_bank_gives_the_same_models_as_one_read_into_memory(self, bank, batch):
        whole = open_banks.of_arrays(banks.read_metadata(), banks.read())
        for coefficients in (bank.start, bank.one_hot("oasis-arousal")):
            with torch.no_grad():
                expected = whole.merged(coefficients).score(batch)
                torch.testing.assert_close(bank.merged(coefficients).score(batch), expected, atol=1e-5, rtol=0)

    def test_a_tangent_predicts_the_effect_of_a_small_change_of_its_coefficient(self, bank, batch):
        (score,), (tangents,), _ = Tangents(bank.merged(bank.start), list(bank.vectors.values())).compute(batch)
        step = 0.02
        moved = bank.start.clone()
        moved[:, 0] += step
        with torch.no_grad():
            there = bank.merged(moved).score(batch).item()
        predicted = float(tangents[:, 0].sum()) * step
        assert there - float(score) == pytest.approx(predicted, abs=0.2 * abs(predicted) + 1e-3)
