"""Every sentence of our pages of accounts has a Japanese translation."""

import re

import pytest
from django.utils import translation

from pav_site.environment import BASE

FOLDERS = ("account", "mfa", "usersessions", "socialaccount", "allauth")
TEMPLATES = sorted(path for folder in FOLDERS for path in (BASE / "templates" / folder).rglob("*.*"))


def sentences() -> list[str]:
    text = "\n".join(path.read_text() for path in TEMPLATES)
    return sorted(set(re.findall(r"""\{% translate ["'](.+?)["'] %\}""", text)))


@pytest.mark.parametrize("sentence", sentences())
def test_every_sentence_is_translated(sentence: str) -> None:
    with translation.override("ja"):
        assert translation.gettext(sentence) != sentence


def test_the_sentences_are_found() -> None:
    assert len(sentences()) > 40
