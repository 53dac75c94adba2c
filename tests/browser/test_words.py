"""The sentences of the page: each key that a script uses exists, each sentence is used, and all have a Japanese translation."""

import re

import pytest
from django.utils import translation

from pav_site.environment import BASE
from ratings.page import phrases as page_phrases

SCRIPTS = BASE / "static"
STATES = ("learning", "alike", "unsure", "finding", "good", "very_good")
# Beginnings of keys that scripts complete at run time, with the possible endings.
ENDINGS = {
    "rated_": ["dislike", "like", "love", "skip"],
    "last_": ["dislike", "like", "love", "skip"],
    "connection_": ["connecting", "live", "reconnecting", "polling", "offline", "unreachable"],
    "moved_": ["up", "down"],
    "title_": ["me", "both", "everyone"],
    "ranking_": [f"{state}_{part}" for state in ("nothing_ranked", "offline", "unreachable") for part in ("title", "text")]
    + ["error_title"],
    "certainty_": [f"{state}{part}" for state in STATES for part in ("", "_text")],
}
# Keys that are values of variables where a script uses them.
RATINGS = {"dislike", "like", "love"}
DECK_STATES = ("preparing", "more_coming", "no_photos", "all_rated", "offline", "unreachable", "busy", "error")
NOTICES = {f"{name}_{part}" for name in DECK_STATES for part in ("title", "text")}
NOTICES -= {"busy_text", "error_text"}  # these show the sentence of the problem
NOTICES |= {"no_photos_staff_text", "offline_swipe_on", "unreachable_swipe_on"}
NOTICES |= {f"photo_{state}_{part}" for state in ("failed", "gone") for part in ("title", "text")}


def used_keys() -> set[str]:
    own = SCRIPTS / "studies"  # whose words come with each study
    text = "\n".join(script.read_text() for script in SCRIPTS.rglob("*.js") if own not in script.parents)
    keys = set(re.findall(r'say\(\s*"(\w+)"', text))
    for start in re.findall(r"say\(\s*`(\w+)\$", text):
        keys |= {start + ending for ending in ENDINGS[start]}
    return keys | RATINGS | NOTICES


def test_the_sentences_are_exactly_those_that_scripts_use() -> None:
    phrases = {key.removesuffix(".one").removesuffix(".other") for key in page_phrases()}

    assert used_keys() == phrases


def test_every_sentence_with_a_count_has_the_two_forms_of_english() -> None:
    phrases = page_phrases()

    assert {key for key in phrases if key.endswith(".one")} == {key[: -len("other")] + "one" for key in phrases if key.endswith(".other")}


def test_every_sentence_of_the_page_is_there_in_japanese() -> None:
    english = page_phrases()
    with translation.override("ja"):
        japanese = page_phrases()

    assert [key for key, sentence in japanese.items() if sentence == english[key]] == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_translations_keep_the_gaps_of_the_sentence(language: str) -> None:
    english = page_phrases()
    with translation.override(language):
        translated = page_phrases()

    gaps = {key: set(re.findall(r"\{(\w+)\}", sentence)) for key, sentence in english.items()}
    assert {key for key, sentence in translated.items() if set(re.findall(r"\{(\w+)\}", sentence)) != gaps[key]} == set()
