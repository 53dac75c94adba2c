"""Every sentence of the pages of studies is there in Japanese."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from pav_site.environment import BASE
from ratings.studies.interface import TRIAL_WORDS, WORDS

TAG = re.compile(r"""{%\s*translate\s+(?:"([^"]+)"|'([^']+)')""")
BLOCK = re.compile(r"{%\s*blocktranslate[^%]*%}(.*?){%\s*endblocktranslate\s*%}", re.DOTALL)


def sentences() -> list[str]:
    """Those of the templates, and the words of the interface."""
    found = []
    for path in sorted(Path(BASE / "templates" / "studies").glob("*.html")):
        text = path.read_text()
        found += [one or other for one, other in TAG.findall(text)]
        found += [re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", one) for one in BLOCK.findall(text)]
    with translation.override("en"):
        return sorted({*found, *(str(word) for word in WORDS.values())})


@pytest.mark.parametrize("sentence", sentences())
def test_every_sentence_is_translated(sentence: str) -> None:
    with translation.override("ja"):
        said = translation.gettext(sentence)
    assert said != sentence
    assert set(re.findall(r"{\w+}|%\(\w+\)s", said)) == set(re.findall(r"{\w+}|%\(\w+\)s", sentence))


def test_every_word_of_the_interface_is_used() -> None:
    text = "".join(path.read_text() for path in (BASE / "templates" / "studies").glob("*.html"))
    text += "".join(path.read_text() for path in (BASE / "ratings" / "studies").glob("*.py") if path.name != "interface.py")
    ends = ("_title", "_text")  # of kind ends, by their name
    unused = {word for word in WORDS if not word.endswith(ends) and f"words.{word}" not in text and f'"{word}"' not in text}
    assert unused - set(TRIAL_WORDS) == set()


def test_the_trial_page_gets_the_words_that_its_script_says() -> None:
    script = (BASE / "static" / "studies" / "trials.js").read_text()
    assert set(re.findall(r'say\("(\w+)"', script)) == set(TRIAL_WORDS)
