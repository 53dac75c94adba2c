"""Import of published checkpoints and evaluation of all methods, end to end with the commands on small data."""

import io
import json

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image

from personalize.research.methods import CHOSEN, GROUPS, METHODS
from tests.personalize import small_clip


@pytest.fixture
def data(tmp_path):
    """Three checkpoints of a small CLIP, 24 photos and the ratings of 40 raters."""
    small_clip.write_published(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    lines = ["rater,image,score"]
    for number in range(24):
        small = Image.fromarray(rng.uniform(0, 255, (6, 8, 3)).astype(np.uint8))
        small.resize((80, 60), Image.Resampling.BICUBIC).save(tmp_path / "photos" / f"p{number}.png")
        lines += [f"{rater},p{number}.png,{rng.integers(1, 6)}" for rater in range(40)]
    (tmp_path / "ratings.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_bank_of_published_checkpoints_is_evaluated_by_every_method_whose_features_it_has(data):
    names = [str(small_clip.checkpoint_file(data, task)) for task in small_clip.TASKS]
    out, options = io.StringIO(), {"backbone": small_clip.NAME, "weights": data / "base.bin", "photos": data / "photos"}
    with small_clip.only_the_merged_network():
        call_command("import_bank", *names, out=data / "bank.safetensors", stdout=io.StringIO(), **options)
    call_command(
        "evaluate",
        images=data / "photos",
        ratings=data / "ratings.csv",
        bank=data / "bank.safetensors",
        methods=list(METHODS),
        shots=[8],
        repeats=1,
        raters=1,
        cache=data / "described",
        json=data / "result.json",
        stdout=out,
    )
    result = json.loads((data / "result.json").read_text())
    lacking = {method for method, group in GROUPS.items() if group != "merged"}
    assert all(f"{method} is left out: the bank has no group of features named {GROUPS[method]}" in out.getvalue() for method in lacking)
    assert result["srocc"]["8"].keys() == METHODS.keys() - lacking | set(CHOSEN.values())
    assert all(measured["people"] == 1 for measured in result["srocc"]["8"].values())
    assert all(result["took"]["8"][method]["image_passes"] == 3 * 8 + 500 * 8 + 8 for method in ("paper", "paper-mended"))
    assert result["took"]["8"]["exact"]["image_passes"] <= 6 * 8
    assert "| paper |" in out.getvalue()
