"""Validation of command options before a long run, and atomic writes of results."""

import json
from argparse import ArgumentTypeError

import pytest

from personalize.errors import BadOption, at_least
from personalize.management.files import new_file, new_folder, write_json
from personalize.research.evaluate import EvaluationProtocol
from personalize.research.replay import ReplayProtocol
from personalize.training.recipes import Recipe


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: EvaluationProtocol(repeats=0), "repeats is 0: it must be at least 1"),
        (lambda: EvaluationProtocol(raters=-3), "raters is -3"),
        (lambda: EvaluationProtocol(shots=(10, -1)), "shots is -1"),
        (lambda: ReplayProtocol(photos=(0, 5)), "photos is 0"),
        (lambda: ReplayProtocol(hand=0), "hand is 0"),
        (lambda: Recipe(epochs=0), "epochs is 0"),
        (lambda: Recipe(accumulate=0), "accumulate is 0"),
        (lambda: Recipe(encoder_rate=float("nan")), "encoder rate is nan"),
        (lambda: Recipe(warm_up=1.5), "warm up is 1.5: it is a share"),
        (lambda: at_least(1, batch=2, most_photos=0.5), "most photos is 0.5"),
    ],
)
def test_an_invalid_number_is_refused_with_its_name(make, named):
    with pytest.raises(BadOption, match=named):
        make()


def test_the_folder_of_a_new_file_is_created_first(tmp_path):
    path = new_file(str(tmp_path / "new" / "result.json"))
    assert path.parent.is_dir()
    assert not path.exists()


def test_a_path_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentTypeError, match="is a folder"):
        new_file(str(tmp_path))
    with pytest.raises(ArgumentTypeError, match="cannot be written to"):
        new_file(str(tmp_path / "file" / "below" / "result.json"))
    with pytest.raises(ArgumentTypeError, match="cannot be written to"):
        new_folder(str(tmp_path / "file"))


def test_a_result_is_written_completely_or_not_at_all(tmp_path):
    path = tmp_path / "result.json"
    write_json(path, {"srocc": 0.5})
    with pytest.raises(TypeError):
        write_json(path, {"srocc": object()})
    assert json.loads(path.read_text()) == {"srocc": 0.5}
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]
