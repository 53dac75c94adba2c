"""Import of published checkpoints and evaluation of all methods, end to end with the commands on small data."""

import inspect
import io
import json
import shutil
from functools import partial

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from personalize.bank_building import importing
from personalize.networks import published_fit
from personalize.research import network_methods
from personalize.research.methods import CHOSEN, GROUPS, METHODS
from tests.personalize import small_clip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three checkpoints of a small CLIP, 24 photos and the ratings of 40 raters."""
    tmp_path = tmp_path_factory.mktemp("data")
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


@pytest.fixture(scope="module")
def plain_bank(data):
    """A bank of the same checkpoints for fits through the network alone."""
    importing.import_bank(small_clip.import_plan(data), data / "plain.safetensors")
    return data / "plain.safetensors"


def test_a_bank_of_published_checkpoints_is_evaluated_by_every_method_whose_features_it_has(data, monkeypatch):
    few = 5
    for home, name in ((published_fit, "paper"), (network_methods, "paper_mended")):
        fit = getattr(home, name)
        assert inspect.signature(fit).parameters["steps"].default == 500
        monkeypatch.setattr(home, name, partial(fit, steps=few))
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
    assert all(measured["raters"] == 1 for measured in result["srocc"]["8"].values())
    assert all(result["took"]["8"][method]["image_passes"] == 3 * 8 + few * 8 + 8 for method in ("paper", "paper-mended"))
    assert result["took"]["8"]["exact"]["image_passes"] <= 6 * 8
    assert "| paper |" in out.getvalue()


def test_fits_through_the_network_need_neither_extractors_nor_a_taste_part(data, plain_bank, tmp_path):
    rated = {
        "images": data / "photos",
        "ratings": data / "ratings.csv",
        "bank": plain_bank,
        "cache": tmp_path / "described",
    }
    chosen = {"shots": [8], "repeats": 1, "raters": 2, "keep": tmp_path / "kept", "stdout": io.StringIO()}
    for _ in range(2):  # the second run takes what the first has kept
        call_command("evaluate", methods=["softmax-init", "exact"], json=tmp_path / "result.json", **rated, **chosen)
    result = json.loads((tmp_path / "result.json").read_text())
    assert {method: cell["raters"] for method, cell in result["srocc"]["8"].items()} == {"softmax-init": 2, "exact": 2}
    assert not (tmp_path / "described").exists()
    with pytest.raises(CommandError, match="has no taste part"):
        call_command("evaluate", methods=["instant"], **rated, **chosen)


def test_domains_and_photos_without_a_rating_are_reported(data, plain_bank, tmp_path):
    out = io.StringIO()
    (tmp_path / "photos").mkdir()
    for number in range(24):
        shutil.copy(data / "photos" / f"p{number}.png", tmp_path / "photos")
    shutil.copy(data / "photos" / "p0.png", tmp_path / "photos" / "unrated.png")
    (tmp_path / "kinds.csv").write_text("image,domain\n" + "".join(f"p{n}.png,{'near' if n < 12 else 'far'}\n" for n in range(23)))
    rated = {
        "images": tmp_path / "photos",
        "ratings": data / "ratings.csv",
        "bank": plain_bank,
        "cache": tmp_path / "described",
    }
    chosen = {"methods": ["softmax-init"], "repeats": 1, "raters": 2, "domains": tmp_path / "kinds.csv"}
    call_command("evaluate", shots=[1], stdout=out, json=tmp_path / "result.json", **rated, **chosen)
    assert f"Photos in {tmp_path / 'photos'} without a rating, which are not used: 1, such as unrated.png." in out.getvalue()
    assert "Rated photos without a domain" in out.getvalue()
    assert json.loads((tmp_path / "result.json").read_text())["domains"] == {"far": 11, "near": 12}
    with pytest.raises(CommandError, match="No test rater has 5 ratings of far to learn from and 10 others of far"):
        call_command("evaluate", shots=[5], **rated, **chosen)
    with pytest.raises(CommandError, match="--domains cannot be combined with --swap"):
        call_command("evaluate", shots=[1], swap=True, **rated, **chosen)
