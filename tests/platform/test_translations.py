"""Every sentence of the pages, messages and commands has a Japanese translation."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.utils import translation
from django.utils.translation.template import templatize

from pav_site.environment import BASE

MARKERS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
IN_TEMPLATES = re.compile(rf"\b(?:{'|'.join(MARKERS)})\((u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")")


def in_modules() -> Iterator[str]:
    for folder in ("pav_site", "ratings", "personalize"):
        for path in sorted((BASE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS:
                    match node.args:
                        case [ast.Constant(str(sentence)), *_]:
                            yield sentence


def in_templates() -> Iterator[str]:
    for path in sorted((BASE / "templates").rglob("*.*")):
        for written in IN_TEMPLATES.findall(templatize(path.read_text())):
            yield ast.literal_eval(written)


@pytest.mark.parametrize(("sentences", "at_least"), [(in_modules, 200), (in_templates, 150)])
def test_every_sentence_is_translated(sentences, at_least: int) -> None:
    found = set(sentences())
    assert len(found) >= at_least
    with translation.override("ja"):
        missing = sorted(sentence for sentence in found if translation.gettext(sentence) == sentence)
    assert missing == []
