"""The sentences of the page: every key that a script asks for exists, and all are there in Japanese."""

import re

import pytest
from django.utils import translation

from pav_site.environment import BASE
from ratings.page import page_config

SCRIPTS = BASE / "static"
# Keys that are put together while the page runs, with what may stand in the gap.
GAPS = {
    "said_": ["dislike", "like", "love", "skip"],
    "last_": ["dislike", "like", "love", "skip"],
    "connection_": ["connecting", "live", "reconnecting", "polling", "offline"],
    "moved_": ["up", "down"],
    "title_": ["me", "both", "everyone"],
    "level_": ["searching", "hints", "begins", "knows", "knows_well"],
}


def asked_for() -> set[str]:
    text = "\n".join(script.read_text() for script in SCRIPTS.rglob("*.js"))
    keys = set(re.findall(r'say\(\s*"(\w+)"', text))
    return keys | {start + end for start, ends in GAPS.items() if f"say(`{start}$" in text for end in ends}


def test_every_sentence_that_a_script_asks_for_exists() -> None:
    phrases = page_config()["phrases"]

    missing = {key for key in asked_for() if key not in phrases and f"{key}.other" not in phrases}

    assert missing == set()


def test_every_sentence_with_a_count_has_the_two_forms_of_english() -> None:
    phrases = page_config()["phrases"]

    assert {key for key in phrases if key.endswith(".one")} == {key[: -len("other")] + "one" for key in phrases if key.endswith(".other")}


def test_every_sentence_of_the_page_is_there_in_japanese() -> None:
    english = page_config()["phrases"]
    with translation.override("ja"):
        japanese = page_config()["phrases"]

    assert [key for key, sentence in japanese.items() if sentence == english[key]] == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_translations_keep_the_gaps_of_the_sentence(language: str) -> None:
    english = page_config()["phrases"]
    with translation.override(language):
        translated = page_config()["phrases"]

    gaps = {key: set(re.findall(r"\{(\w+)\}", sentence)) for key, sentence in english.items()}
    assert {key for key, sentence in translated.items() if set(re.findall(r"\{(\w+)\}", sentence)) != gaps[key]} == set()
