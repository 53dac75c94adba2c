"""The command that learns from everybody's ratings: what it refuses before any work."""

import pytest
from django.core.management import CommandError, call_command

from personalize.files import rating_tables


@pytest.fixture(autouse=True)
def no_work(monkeypatch):
    monkeypatch.setattr(rating_tables, "read", None)


@pytest.mark.parametrize("measured", ["prior.json", "prior.safetensors", "below/../prior.json"])
def test_the_metadata_and_what_was_measured_do_not_share_a_name(tmp_path, measured):
    with pytest.raises(CommandError, match=r"would be written over by --out .*prior\.safetensors.*name another"):
        call_command(
            "evaluate_prior", images=tmp_path, ratings=tmp_path / "r.csv", json=tmp_path / measured, out=tmp_path / "prior.safetensors"
        )


def test_what_was_learned_is_not_written_where_its_metadata_go(tmp_path):
    with pytest.raises(CommandError, match=r"ends in \.safetensors"):
        call_command("evaluate_prior", images=tmp_path, ratings=tmp_path / "r.csv", out=tmp_path / "prior.json")
