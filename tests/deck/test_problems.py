"""What a caller who does something wrong is told: one sentence, and never an error of the server."""

from uuid import uuid4

import pytest
from openapi_spec_validator import validate

from ratings.models import Rater, RatingEvent


def body(**parts) -> dict:
    return {"client_id": str(uuid4()), "token": str(uuid4()), "value": "like"} | parts


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"value": "hate"}, "value"),
        ({"value": None}, "value"),
        ({"on_screen_ms": -1}, "on_screen_ms"),
        ({"on_screen_ms": 10**12}, "on_screen_ms"),
        ({"modality": "telepathy"}, "modality"),
        ({"client_id": "7"}, "client_id"),
        ({"token": ["a"]}, "token"),
    ],
)
def test_the_sentence_names_the_field_that_is_wrong(alice, wrong, named):
    refused = alice.browser.post("/api/v1/ratings", body(**wrong), content_type="application/json", headers=alice.headers())
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(f"Please check “{named}”: ")


@pytest.mark.parametrize("content", ["", "{", "null", "[]", '"like"', "\x00"])
def test_a_body_that_is_no_rating_is_refused_in_a_sentence(alice, content):
    refused = alice.browser.post("/api/v1/ratings", content, content_type="application/json", headers=alice.headers())
    assert refused.status_code in (400, 422)
    assert isinstance(refused.json()["detail"], str)


def test_a_huge_body_is_refused(alice):
    huge = '{"value": "' + "x" * 100_000 + '"}'
    assert alice.browser.post("/api/v1/ratings", huge, content_type="application/json", headers=alice.headers()).status_code == 400


def test_a_missing_csrf_token_is_told_in_a_sentence(alice):
    refused = alice.browser.post("/api/v1/ratings", body(), content_type="application/json")
    assert (refused.status_code, refused.json()["detail"].startswith("This request did not come from")) == (403, True)


@pytest.mark.parametrize(
    "address", ["/api/v1/ranking?limit=0", "/api/v1/ranking?limit=501", "/api/v1/ranking?offset=-1", "/api/v1/ranking?of=bob"]
)
def test_a_ranking_out_of_bounds_is_refused_in_a_sentence(alice, address):
    refused = alice.get(address)
    assert (refused.status_code, type(refused.json()["detail"])) == (422, str)


@pytest.mark.parametrize("ids", ["", ",,,", "1,abc,-4", "9" * 40, "1," * 500])
def test_odd_lists_of_photos_harm_nobody(alice, ids):
    assert alice.get(f"/api/v1/photos?ids={ids}").status_code == 200


def test_somebody_who_was_deleted_is_sent_to_the_start_page(alice):
    Rater.objects.all().delete()
    answer = alice.get("/api/v1/deck")
    assert (answer.status_code, answer.json()["detail"][:20]) == (403, "Open the start page ")


def test_an_answer_of_somebody_who_was_deleted_is_refused(alice):
    card = alice.deck()[0]
    Rater.objects.all().delete()
    assert [alice.rate(card["token"]).status_code, alice.undo().status_code] == [403, 403]
    assert RatingEvent.objects.count() == 0


def test_a_card_past_the_end_of_the_ranking_is_an_empty_stretch(alice):
    answer = alice.get("/api/v1/ranking?offset=1000").json()
    assert (answer["top"], answer["total"]) == ([], 30)


def test_the_openapi_document_is_valid(client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    document = client.get("/api/v1/openapi.json").json()
    validate(document)
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], f"{method} {address} says nothing about itself"
