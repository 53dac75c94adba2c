"""Renamed commands and options: the old names still work and print the new ones."""

from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from personalize import datasets
from personalize.files.rating_tables import RatingTable
from personalize.management.commands import evaluate as evaluate_command
from personalize.numerics.ratings import RaterRatings
from personalize.research.evaluate import EvaluationProtocol


def test_the_command_databases_still_works_and_prints_its_new_name(capsys):
    call_command("datasets")
    listed = capsys.readouterr()
    call_command("databases")
    again = capsys.readouterr()
    assert (again.out, listed.err) == (listed.out, "")
    assert again.err == "./pav databases is now called ./pav datasets; the old name still works.\n"


def test_the_command_learn_prior_still_works_and_prints_its_new_name(tmp_path, capsys):
    files = {"images": tmp_path, "ratings": tmp_path / "ratings.csv"}
    with pytest.raises(CommandError, match=r"ends in \.safetensors"):
        call_command("learn_prior", **files, out=tmp_path / "prior.json")
    assert "./pav learn_prior is now called ./pav evaluate_prior" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "warning"), [("--raters", ""), ("--people", "--people is now called --raters")])
def test_the_option_people_still_works_and_prints_its_new_name(option, warning, capsys):
    with pytest.raises(CommandError, match="raters is -3"):
        call_command("evaluate", f"{option}=-3")
    assert warning in capsys.readouterr().err


@pytest.mark.parametrize(("option", "warning"), [("--dataset", ""), ("--database", "--database is now called --dataset")])
def test_the_option_database_still_works_and_prints_its_new_name(option, warning, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "ratings", lambda name, root, split: pytest.fail(f"{name} in {root}"))
    with pytest.raises(pytest.fail.Exception, match="para in here"):
        call_command("evaluate", option, "para", "--root", "here")
    assert warning in capsys.readouterr().err


def test_results_kept_before_the_option_people_was_renamed_are_found():
    table = RatingTable([Path("a.jpg"), Path("b.jpg")], [RaterRatings(np.array([0, 1]), np.array([1.0, 3.0]), "ann")], 0)
    assert evaluate_command._identity("bank", EvaluationProtocol(), table, None) == "83c5ab72cfd91acc"


@pytest.mark.parametrize(("option", "warning"), [("--photos", ""), ("--cards", "--cards is now called --photos")])
def test_the_option_cards_of_replay_still_works_and_prints_its_new_name(option, warning, tmp_path, capsys):
    with pytest.raises(CommandError, match="photos is 0"):
        call_command("replay", "--images", tmp_path, "--ratings", tmp_path / "ratings.csv", option, "0", "5")
    assert warning in capsys.readouterr().err


def test_the_option_person_of_export_model_still_works_and_prints_its_new_name(db, capsys):
    with pytest.raises(CommandError, match="There is no rater 00000000-0000-0000-0000-000000000001"):
        call_command("export_model", "--person", "00000000-0000-0000-0000-000000000001")
    assert "--person is now called --rater" in capsys.readouterr().err


def test_export_model_without_a_rater_asks_for_one(db):
    with pytest.raises(CommandError, match="--rater ID"):
        call_command("export_model")


def test_the_command_learn_population_still_works_and_prints_its_new_name(no_bank, capsys):
    with pytest.raises(CommandError, match="There is no current bank"):
        call_command("learn_population")
    assert "./pav learn_population is now called ./pav learn_population_prior" in capsys.readouterr().err
