"""The commands export_model and score: a rater's model as a file, and scores from that file without a database."""

import io
import json
from uuid import uuid4

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from PIL import Image

from personalize.files import banks, extractors
from ratings.exports.selectors import fit_to_export
from ratings.models import Fit, Presentation, Projection
from ratings.photos import files
from ratings.photos.services import add_photo
from ratings.raters.services import make_guest
from tests.guests import features_of
from tests.personalize.exported import photographs

COEFFICIENTS = {"generic": {"mean": 0.4, "sd": 0.2}}


@pytest.fixture
def alice(projection):
    """A rater with a fit of the shipped bank."""
    rater = make_guest()
    weights = np.r_[0.4, 0.3 * np.random.default_rng(0).normal(size=255)]
    own = {"weights": weights.tolist(), "coefficients": [{"name": name, **one} for name, one in COEFFICIENTS.items()]}
    Fit.objects.create(rater=rater, projection_id=projection, ratings_seq=12, accuracy={"srocc": 0.5}, **own)
    return rater


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, photo in enumerate(photographs()[:3]):
        photo.save(folder / f"p{number}.png")
    return folder


def exported(alice, path):
    call_command("export_model", rater=alice.id, format=path.suffix[1:], out=path, stdout=io.StringIO())
    return json.loads(path.with_suffix(".card.json").read_text())


def file_scores(path, photos):
    out = io.StringIO()
    call_command("score", str(photos), model=path, json=True, stdout=out)
    return {row["photo"].rsplit("/", 1)[1]: row["score"] for row in json.loads(out.getvalue())}


@pytest.mark.parametrize("kind", ["json", "onnx"])
def test_an_exported_model_gives_the_scores_of_the_ranking(alice, photos, tmp_path, kind):
    path = tmp_path / f"alice.{kind}"
    exported(alice, path)
    weights = np.array(fit_to_export(alice.id).weights)
    scores = file_scores(path, photos)
    assert len(scores) == 3
    for name, score in scores.items():
        (features,) = features_of([Image.open(photos / name)])
        assert score == pytest.approx(float(features @ weights), abs=1e-3)


def test_the_model_card_states_fit_bank_licence_and_preprocessing(alice, tmp_path):
    card = exported(alice, tmp_path / "alice.json")
    assert card["rater"] == str(alice.id)
    assert card["method"] == "instant"
    assert card["accuracy"] == {"srocc": 0.5}
    assert card["bank"] == banks.read_metadata().hash
    assert card["extractors"] == extractors.read().hash
    assert card["coefficients"] == COEFFICIENTS
    assert [row["licence"] for row in card["networks"]] == ["Apache-2.0"] * 3
    assert card["networks"][0]["size"] == {"resize": 256, "crop": 224}


def test_score_lists_photos_with_the_best_first(alice, photos, tmp_path):
    exported(alice, tmp_path / "alice.json")
    out = io.StringIO()
    call_command("score", str(photos), model=tmp_path / "alice.json", stdout=out)
    scores = [float(line.split()[0]) for line in out.getvalue().splitlines()]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_exporting_a_rater_without_a_fit_is_refused(db, tmp_path):
    for rater in (uuid4(), make_guest().id):
        with pytest.raises(CommandError, match="There is no rater"):
            call_command("export_model", rater=rater, out=tmp_path / "nobody.json")
    assert not list(tmp_path.iterdir())


def test_a_fit_on_features_of_version_01_is_exported_when_photos_have_new_ones(alice, projection, tmp_path):
    Projection.objects.filter(pk=projection).update(extractors="", data=b"")
    with pytest.raises(CommandError, match=r"on features of version 0\.1.*Photos get new features in the background"):
        call_command("export_model", rater=alice.id, out=tmp_path / "alice.json")
    assert not list(tmp_path.iterdir())


def test_a_file_name_that_does_not_match_the_format_is_refused(alice, tmp_path):
    with pytest.raises(CommandError, match=r"must end in \.onnx"):
        call_command("export_model", rater=alice.id, format="onnx", out=tmp_path / "alice.bin")


def test_scoring_a_missing_folder_is_refused(alice, tmp_path):
    exported(alice, tmp_path / "alice.json")
    with pytest.raises(CommandError, match="neither a photo nor a folder"):
        call_command("score", str(tmp_path / "nowhere"), model=tmp_path / "alice.json")


def test_an_exact_fit_uses_the_rated_photos_whose_files_exist(alice, photos, tmp_path):
    added = [add_photo(data=(photos / f"p{number}.png").read_bytes(), name=f"p{number}.png") for number in range(3)]
    for number, photo in enumerate(added):
        Presentation.objects.create(rater=alice, photo=photo, position=number, value=number + 1, rated_at=timezone.now())
    call_command("export_model", rater=alice.id, fit="exact", out=tmp_path / "alice.json", stdout=io.StringIO())
    card = json.loads((tmp_path / "alice.card.json").read_text())
    assert card["method"] == "exact"
    assert card["format"] == "pav-person-1"
    assert card["ratings"] == 3
    assert card["task_shares"] == {}  # three ratings say nothing about six task vectors
    out = io.StringIO()
    call_command("explain", rater=alice.id, stdout=out)  # no exact refit is kept, so it fits one, too
    assert "Nothing can be said" in out.getvalue()
    assert len(file_scores(tmp_path / "alice.json", photos)) == 3

    files.path(added[0], files.MASTER).unlink()
    call_command("export_model", rater=alice.id, fit="exact", out=tmp_path / "alice.json", stdout=io.StringIO())
    assert json.loads((tmp_path / "alice.card.json").read_text())["ratings"] == 2
    files.path(added[1], files.MASTER).unlink()
    with pytest.raises(CommandError, match="different ratings, of photos whose files exist"):
        call_command("export_model", rater=alice.id, fit="exact", out=tmp_path / "alice.json", stdout=io.StringIO())


def test_an_unreadable_photo_is_reported_and_the_others_are_scored(alice, photos, tmp_path, capsys):
    exported(alice, tmp_path / "alice.json")
    (photos / "broken.png").write_bytes(b"no photo")
    call_command("score", str(photos), model=tmp_path / "alice.json", json=True)
    output = capsys.readouterr()
    assert "broken.png cannot be read as a photo" in output.err
    assert not [row for row in json.loads(output.out) if "broken" in row["photo"]]
    with pytest.raises(CommandError, match="None of the files"):
        call_command("score", str(photos / "broken.png"), model=tmp_path / "alice.json")
