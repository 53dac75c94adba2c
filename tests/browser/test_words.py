"""The sentences of the page: each key that a script uses exists, each sentence is used, and all have a Japanese translation."""

import re
from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from pav_site.environment import BASE
from ratings.albums.words import album_phrases
from ratings.page import page_phrases

SCRIPTS = BASE / "static"
STATES = ("learning", "alike", "unsure", "finding", "good", "very_good")
# Beginnings of keys that scripts complete at run time, with the possible endings.
ENDINGS = {
    "rated_": ["dislike", "like", "love", "skip"],
    "last_": ["dislike", "like", "love", "skip"],
    "connection_": ["connecting", "live", "reconnecting", "polling", "offline"],
    "moved_": ["up", "down"],
    "title_": ["me", "both", "everyone"],
    "certainty_": [f"{state}{part}" for state in STATES for part in ("", "_text")],
}
# Keys that are values of variables where a script uses them.
REASONS = {"rated_elsewhere", "photo_left"}
RATINGS = REASONS | {"dislike", "like", "love"}
DECK_STATES = ("preparing", "more_coming", "no_photos", "all_rated", "offline", "unreachable", "busy", "error")
NOTICES = {f"{name}_{part}" for name in DECK_STATES for part in ("title", "text")}
NOTICES -= {"busy_text", "error_text"}  # these show the sentence of the problem
NOTICES |= {"no_photos_staff_text", "no_photos_album_text", "offline_swipe_on", "unreachable_swipe_on"}
NOTICES |= {"ranking_nothing_ranked_title", "ranking_nothing_ranked_text", "ranking_offline_text", "ranking_error_title"}
NOTICES |= {f"photo_{state}_{part}" for state in ("failed", "gone") for part in ("title", "text")}


# Scripts of album pages, and what they load that has sentences.
ALBUMS = ("albums/*.js", "page/api.js")
ALBUM_ENDINGS = {"tile_": ["0", "1", "2", "3"], "rated_": ["0", "1", "2", "3"]}
ALBUM_SENTENCES = {"binned", "removed", "restored", "purged"}  # values of a variable


def used_keys(patterns: tuple[str, ...], endings: dict[str, list[str]], without: tuple[str, ...] = ()) -> set[str]:
    scripts = {script for pattern in patterns for script in SCRIPTS.glob(pattern) if script.parent.name not in without}
    text = "\n".join(script.read_text() for script in sorted(scripts))
    keys = set(re.findall(r'say\(\s*"(\w+)"', text))
    for pair in re.findall(r'say\([^"`;]*\?\s*"(\w+)"\s*:\s*"(\w+)"', text):
        keys |= set(pair)
    for start in re.findall(r"say\(\s*`(\w+)\$", text):
        keys |= {start + ending for ending in endings[start]}
    return keys


def without_forms(phrases: dict[str, str]) -> set[str]:
    return {key.removesuffix(".one").removesuffix(".other") for key in phrases}


def template_keys() -> set[str]:
    """Sentences that templates of single pages bring along, for the scripts of these pages."""
    found = re.findall(r'data-key="(\w+)(?:\.one|\.other)?"', "\n".join(page.read_text() for page in (BASE / "templates").rglob("*.html")))
    return set(found)


def test_the_sentences_are_exactly_those_that_scripts_use() -> None:
    assert used_keys(("**/*.js",), ENDINGS, without=("albums", "uploads", "downloads", "studies")) | RATINGS | NOTICES == without_forms(
        page_phrases()
    )
    assert used_keys(ALBUMS, ALBUM_ENDINGS) | ALBUM_SENTENCES == without_forms(album_phrases())
    brought = used_keys(("uploads/*.js", "downloads/*.js"), {})
    assert brought - without_forms(album_phrases()) == template_keys()


def test_the_sentences_that_templates_bring_along_are_there_in_japanese() -> None:
    with translation.override("ja"):
        text = render_to_string("albums/bring.html") + render_to_string("albums/home.html")
    words = re.findall(r'data-key="\w+[.\w]*">([^<]+)</p>', text)
    assert words
    assert [sentence for sentence in words if sentence.isascii() and re.search("[a-z]", re.sub(r"\{\w+\}", "", sentence))] == []


PHRASES = pytest.mark.parametrize("phrases", [page_phrases, album_phrases])


@PHRASES
def test_every_sentence_with_a_count_has_the_two_forms_of_english(phrases: Callable[[], dict[str, str]]) -> None:
    keys = phrases()
    assert {key for key in keys if key.endswith(".one")} == {key[: -len("other")] + "one" for key in keys if key.endswith(".other")}


@PHRASES
def test_every_sentence_of_the_page_is_there_in_japanese(phrases: Callable[[], dict[str, str]]) -> None:
    english = phrases()
    with translation.override("ja"):
        japanese = phrases()

    words = {key for key, sentence in english.items() if re.search("[a-z]", re.sub(r"\{\w+\}", "", sentence))}
    assert [key for key in words if japanese[key] == english[key]] == []


@PHRASES
@pytest.mark.parametrize("language", ["en", "ja"])
def test_translations_keep_the_gaps_of_the_sentence(phrases: Callable[[], dict[str, str]], language: str) -> None:
    english = phrases()
    with translation.override(language):
        translated = phrases()

    gaps = {key: set(re.findall(r"\{(\w+)\}", sentence)) for key, sentence in english.items()}
    assert {key for key, sentence in translated.items() if set(re.findall(r"\{(\w+)\}", sentence)) != gaps[key]} == set()
