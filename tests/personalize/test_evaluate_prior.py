"""The command evaluate_prior: paths that it refuses before a long run."""

import pytest
from django.core.management import CommandError, call_command

from personalize.files import rating_tables


@pytest.fixture(autouse=True)
def refuse_reading(monkeypatch):
    monkeypatch.setattr(rating_tables, "read", None)


@pytest.mark.parametrize("results", ["prior.json", "prior.safetensors", "below/../prior.json"])
def test_results_that_would_overwrite_the_metadata_are_refused(tmp_path, results):
    with pytest.raises(CommandError, match=r"would be written over by --out .*prior\.safetensors.*name another"):
        call_command(
            "evaluate_prior", images=tmp_path, ratings=tmp_path / "r.csv", json=tmp_path / results, out=tmp_path / "prior.safetensors"
        )


def test_a_prior_is_not_written_to_the_path_of_its_metadata(tmp_path):
    with pytest.raises(CommandError, match=r"ends in \.safetensors"):
        call_command("evaluate_prior", images=tmp_path, ratings=tmp_path / "r.csv", out=tmp_path / "prior.json")
