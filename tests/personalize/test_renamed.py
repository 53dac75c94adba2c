"""Old names of commands and options still work and say the new one."""

import pytest
from django.core.management import CommandError, call_command

from personalize import datasets


def test_the_old_name_of_the_list_of_datasets_says_the_new_one(capsys):
    call_command("datasets")
    listed = capsys.readouterr()
    call_command("databases")
    again = capsys.readouterr()
    assert (again.out, listed.err) == (listed.out, "")
    assert again.err == "./pav databases is now called ./pav datasets; the old name still works.\n"


def test_the_old_name_of_the_evaluation_of_a_prior_says_the_new_one(tmp_path, capsys):
    files = {"images": tmp_path, "ratings": tmp_path / "ratings.csv"}
    with pytest.raises(CommandError, match=r"ends in \.safetensors"):
        call_command("learn_prior", **files, out=tmp_path / "prior.json")
    assert "./pav learn_prior is now called ./pav evaluate_prior" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "said"), [("--raters", ""), ("--people", "--people is now called --raters")])
def test_the_old_option_limits_the_same_raters(option, said, capsys):
    with pytest.raises(CommandError, match="raters is -3"):
        call_command("evaluate", f"{option}=-3")
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("option", "said"), [("--dataset", ""), ("--database", "--database is now called --dataset")])
def test_the_old_option_names_the_same_dataset(option, said, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "ratings", lambda name, root, split: pytest.fail(f"{name} in {root}"))
    with pytest.raises(pytest.fail.Exception, match="para in here"):
        call_command("evaluate", option, "para", "--root", "here")
    assert said in capsys.readouterr().err
