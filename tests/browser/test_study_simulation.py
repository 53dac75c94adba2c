"""`./pav simulate_study --kill`: participants over HTTP and in Chromium, while the worker and the web server are killed and restarted."""

from pathlib import Path

import pytest
from django.core.management import call_command

from ratings.models import Study
from ratings.photos.services import add_photo
from tests.browser.stock import HUES, picture
from tests.guests import use_bank
from tests.studies.designs import design, written

PEOPLE = {"participants": 12, "at_once": 11, "browsers": 1, "leave": 0.1, "reload": 0.1, "twice": 0.2}


@pytest.mark.django_db
def test_killed_programs_lose_and_double_no_trial(chromium: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    use_bank()
    photos = [add_photo(data=picture(HUES[number], number), name=f"{number}.png").sha256 for number in range(8)]
    study = design(
        photos,
        practice=photos[7:],
        participants={"places": 12, "photos_each": 4, "ratings_per_photo": 5, "per_address": "5/hour"},
        questions_before=[{"set": "age_gender"}],
        trials__checks=[{"text": "Please choose 2 here.", "value": 2, "after": 3}],
        trials__confirm=True,
    )
    path = tmp_path / "sunsets.yaml"
    path.write_text(written(study))
    call_command("simulate_study", path, kill=True, draws=20, **PEOPLE)
    said = capsys.readouterr().out
    assert "Killing the program refit" in said
    assert "Killing the program web" in said
    assert "0 lost, 0 doubled, 0 with another value, 0 that nobody sent" in said
    assert "The log replays what all 12 were dealt." in said
    assert "hold what was planted" in said
    assert not Study.objects.exists()  # all of it happened elsewhere
