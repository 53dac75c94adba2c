"""The commands of the walk-through in docs/results.md, run to their end on small data in the real layouts."""

import io
import json
import re
import shlex
from argparse import Namespace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import call_command
from PIL import Image

from pav_site.environment import BASE
from personalize.networks import published_fit
from personalize.research import network_methods
from tests.personalize import small_clip

TASKS = ("ava", "aes", "tad", "para", "koniq", "spaq")
RATED = 14  # photos of each rater


@pytest.fixture
def data(tmp_path):
    """Six checkpoints as the authors' code saves them, and four datasets with two tested raters and one other."""
    small_clip.register(tmp_path)
    base = small_clip.whole_model(seed=1)
    torch.save(base.state_dict(), tmp_path / "BASE")
    for seed, task in enumerate(TASKS):
        held = small_clip.checkpoint(base, seed) | {"step": "5000", "args": Namespace(exp=task, lr=1e-5, feature_dims=[[24]])}
        torch.save(held, tmp_path / f"clip_B_3fc_{task}.pth")
    small_clip.write_photos(tmp_path, count=12)
    for make in (make_flickr_aes, make_aadb, make_real_cur, make_para):
        make(tmp_path / "DATA")
    return tmp_path


def ratings():
    """(rater, number of the photo, rating 1..5); each rater has photos of their own."""
    return [(rater, rater * RATED + n, 1 + (n * (rater + 2)) % 5) for rater in range(3) for n in range(RATED)]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def photo(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((60, 41), Image.Resampling.BICUBIC).save(path)


def make_flickr_aes(root):
    folder = root / "flickr-aes"
    write(folder / "FLICKR-AES_image_score.txt", "".join(f"p{n}.jpg 0.{score}\n" for _, n, score in ratings()))
    rows = "".join(f" A{rater}, p{n}.jpg, {score}\n" for rater, n, score in ratings())
    write(folder / "FLICKR-AES_image_labeled_by_each_worker.csv", "worker, imagePair, score\n" + rows)
    write(folder / "test_workers.csv", "ID\nA0\nA1\n")
    for _, n, _ in ratings():
        photo(folder / f"40K/p{n}.jpg", n)


def make_aadb(root):
    folder = root / "aadb"
    for part in ("Train", "Validation", "Test"):
        rows = "".join(f"p{n}.jpg 0.{score}\n" for rater, n, score in ratings() if rater == ("Train", "Validation", "Test").index(part))
        write(folder / f"imgListFiles_label/imgList{part}Regression_score.txt", rows)
    rows = "".join(f"M{rater},http://photos.example/p{n}.jpg,{score}\n" for rater, n, score in ratings())
    write(folder / "batch.csv", "WorkerId,Input.image_url1,Answer.overallScore1\n" + rows)
    write(folder / "test_list.csv", "".join(f"M{rater},p{n}.jpg,{score}\n" for rater, n, score in ratings() if rater < 2))
    for _, n, _ in ratings():
        photo(folder / f"datasetImages_originalSize/p{n}.jpg", n)


def make_real_cur(root):
    folder = root / "real-cur"
    write(folder / "test_list.csv", "".join(f"album_{rater},p{n}.jpg,{score}\n" for rater, n, score in ratings()))
    for rater, n, score in ratings():
        photo(folder / f"images/album_{rater}/{score}/p{n}.jpg", n)


def make_para(root):
    folder, steps = root / "para", [f"aestheticScore_{1 + n / 2:.1f}" for n in range(9)]
    for part, own in (("Train", ratings()[:30]), ("Test", ratings()[30:])):
        rows = "".join(
            f"s1,p{n}.jpg,{','.join('1' if step.endswith(f'{score}.0') else '0' for step in steps)},{score}\n" for _, n, score in own
        )
        write(folder / f"annotation/PARA-Giaa{part}.csv", f"sessionId,imageName,{','.join(steps)},aestheticScore_mean\n" + rows)
    rows = "".join(f"s1,p{n}.jpg,u{rater},{score}\n" for rater, n, score in ratings())
    write(folder / "annotation/PARA-Images.csv", "sessionId,imageName,userId,aestheticScore\n" + rows)
    rows = "".join(f"u{rater},p{n}.jpg,{score},s1\n" for rater, n, score in ratings() if rater < 2)
    write(folder / "test_list.csv", "worker,image_name,MOS,session\n" + rows)
    for _, n, _ in ratings():
        photo(folder / f"imgs/s1/p{n}.jpg", n)


def documented_commands():
    """The lines of code of the walk-through."""
    page = (BASE / "docs/results.md").read_text()
    part = page[page.index("## The paper's tables") :]
    return [line.removeprefix("./pav ") for block in re.findall(r"```\n(.*?)```", part, re.DOTALL) for line in block.splitlines()]


def test_the_commands_of_the_walk_through_run_to_their_end(data, monkeypatch):
    monkeypatch.chdir(data)
    monkeypatch.setattr(published_fit, "paper", partial(published_fit.paper, steps=2))
    monkeypatch.setattr(network_methods, "paper_mended", partial(network_methods.paper_mended, steps=2))
    small = {"ViT-B-16": small_clip.NAME, "PHOTOS": "photos", "BANK": "BANK.safetensors"}
    commands = documented_commands()
    assert [line.split()[0] for line in commands] == ["import_bank", *["datasets"] * 4, *["evaluate"] * 4]
    printed = {}
    with small_clip.only_the_merged_network():
        for line in commands:
            words = [small.get(word, word) for word in shlex.split(line.replace("--shots 10 100 --repeats 10", "--shots 3 8 --repeats 1"))]
            own = ["--cache", "described", "--json", f"{words[4]}.json"] if words[0] == "evaluate" else []
            out = io.StringIO()
            call_command(*words, *own, stdout=out)
            printed[line] = out.getvalue()
    assert all("tested: 3" in printed[line] if "real-cur" in line else "tested: 2" in printed[line] for line in commands[1:5])
    for line in commands[5:]:
        name = line.split()[4]
        result = json.loads(Path(f"{name}.json").read_text())
        asked = line.split("--methods ")[1].split(" --")[0].split()
        assert set(result["srocc"]["8"]) == {*asked, "paper-chosen-on-test"}
        tested = 3 if name == "real-cur" else 2
        assert all(cell["raters"] == tested for shots in ("3", "8") for cell in result["srocc"][shots].values())
        assert result["photos"] == tested * RATED  # of the tested raters alone
        assert result["srocc"]["8"]["paper-chosen-on-test"]["mean"] >= result["srocc"]["8"]["paper"]["mean"]
        assert "protocol published" in printed[line]
    assert len(list(Path("KEPT").iterdir())) == 4
