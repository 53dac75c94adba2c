"""The help of the page: six sentences explain everything."""

import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory

ACCOUNT = SimpleNamespace(is_authenticated=True)


@pytest.mark.parametrize("user", [AnonymousUser(), ACCOUNT], ids=["guest", "account"])
@pytest.mark.parametrize("has_generic_score", [True, False])
@pytest.mark.parametrize("exact_refits", [True, False])
def test_six_sentences_explain_the_page_and_two_the_consent(user, has_generic_score, exact_refits):
    context = {"user": user, "has_generic_score": has_generic_score, "exact_refits": exact_refits, "me": {"shares_ratings": False}}
    page = render_to_string("page/help.html", context, RequestFactory().get("/"))
    assert sentences(re.findall(r"<p>(.*?)</p>", page, re.DOTALL)) == 6
    assert sentences(re.findall(r'id="share-ratings-about">(.*?)</p>', page, re.DOTALL)) == 2


def sentences(paragraphs: list[str]) -> int:
    """Sentences that end with a mark; the words of links end without one."""
    return sum(len(re.findall(r"[.!?](?=\s|$)", re.sub(r"<[^>]*>", "", paragraph).strip())) for paragraph in paragraphs)
