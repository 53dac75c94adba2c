"""`./pav simulate_study --kill`: participants over HTTP and in Chromium, while the worker and the web server are killed and restarted."""

import json
from pathlib import Path

from tests.browser.stack import Stack

ANSWERS = ["--leave", "0.1", "--reload", "0.1", "--twice", "0.2"]


def test_killed_programs_lose_and_double_no_trial_of_many_at_once(stack: Stack, tmp_path: Path) -> None:
    changes = {
        "participants": {"places": 60, "photos_each": 4, "ratings_per_photo": 20},
        "practice_count": 1,
        "photo_count": 7,
        "questions_before": [{"set": "age_gender"}],
        "trials__checks": [{"text": "Please choose 2 here.", "value": 2, "after": 3}],
        "trials__confirm": True,
    }
    path = tmp_path / "crowd.yaml"
    path.write_text(stack.run("-m", "tests.browser.studies", "--print", "crowd", json.dumps(changes)))
    people = ["--participants", "66", "--at-once", "50", "--browsers", "2"]
    said = stack.run("manage.py", "simulate_study", str(path), "--kill", *people, *ANSWERS, "--draws", "20")
    assert "Killing the program web" in said
    assert "Killing the program refit" in said
    assert "0 lost, 0 doubled, 0 with another value, 0 that nobody sent" in said
    assert "hold what was planted" in said
