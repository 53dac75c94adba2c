"""Model files of every kind that was ever written, stored unchanged: they still give the scores that they gave then."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest

from personalize.errors import BadModel
from personalize.exports import model_files
from personalize.files import banks
from tests.personalize.exported import waves

STORED = Path(__file__).parent / "stored" / "models"
SCORES = json.loads((STORED / "scores.json").read_text())
SMALLER = "smaller-clip-for-tests"  # the backbone of the stored networks
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module", autouse=True)
def smaller_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / f"{SMALLER}.json"
    path.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(path)


@pytest.mark.parametrize("name", sorted(SCORES))
def test_a_stored_model_gives_the_scores_that_it_gave_when_it_was_written(name):
    opened = model_files.opened(STORED / name, banks.DEFAULT)
    np.testing.assert_allclose(opened.score(waves()), SCORES[name], atol=2e-3)
    assert opened.card["format"] == name.rsplit(".", 1)[0].removesuffix("-instant").removesuffix("-exact")


def test_every_stored_model_has_scores():
    assert {path.name for path in STORED.iterdir()} == {"scores.json", *SCORES}


def test_coefficients_and_weights_of_version_1_need_their_own_bank(tmp_path):
    for name in ("pav-person-1-instant.json", "pav-person-1-exact.json"):
        card = json.loads((STORED / name).read_text())
        (tmp_path / name).write_text(json.dumps(card | {"bank": "feedfeedfeedfeed"}))
        with pytest.raises(BadModel, match="belongs to bank feedfeedfeedfeed; the given bank is"):
            model_files.opened(tmp_path / name, banks.DEFAULT)
        with pytest.raises(BadModel, match="needs the bank"):
            model_files.opened(STORED / name)


def test_weights_of_version_1_are_as_many_as_the_features_of_that_version(tmp_path):
    card = json.loads((STORED / "pav-person-1-instant.json").read_text())
    card["weights"] = card["weights"][:100]
    (tmp_path / "short.json").write_text(json.dumps(card))
    with pytest.raises(BadModel, match=r"has 100 weights; the bank's projection of version 0\.1 has 256 features"):
        model_files.opened(tmp_path / "short.json", banks.DEFAULT)
