"""Invalid API requests: each gets a client error with one sentence, never a server error."""

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
def test_an_invalid_field_is_named_in_the_error(alice, wrong, named):
    refused = alice.browser.post("/api/v1/ratings", body(**wrong), content_type="application/json", headers=alice.headers())
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(f"Please check “{named}”: ")


@pytest.mark.parametrize("content", ["", "{", "null", "[]", '"like"', "\x00"])
def test_a_malformed_body_is_refused_with_a_sentence(alice, content):
    refused = alice.browser.post("/api/v1/ratings", content, content_type="application/json", headers=alice.headers())
    assert refused.status_code in (400, 422)
    assert isinstance(refused.json()["detail"], str)


def test_a_body_over_the_size_limit_is_refused(alice):
    huge = '{"value": "' + "x" * 100_000 + '"}'
    assert alice.browser.post("/api/v1/ratings", huge, content_type="application/json", headers=alice.headers()).status_code == 400


def test_a_missing_csrf_token_is_refused_with_a_sentence(alice):
    refused = alice.browser.post("/api/v1/ratings", body(), content_type="application/json")
    assert (refused.status_code, refused.json()["detail"].startswith("This request did not come from")) == (403, True)


@pytest.mark.parametrize(
    "address", ["/api/v1/ranking?limit=0", "/api/v1/ranking?limit=501", "/api/v1/ranking?offset=-1", "/api/v1/ranking?of=bob"]
)
def test_ranking_parameters_out_of_bounds_are_refused_with_a_sentence(alice, address):
    refused = alice.get(address)
    assert (refused.status_code, type(refused.json()["detail"])) == (422, str)


@pytest.mark.parametrize("ids", ["", ",,,", "1,abc,-4", "9" * 40, "1," * 500])
def test_malformed_photo_ids_are_ignored(alice, ids):
    assert alice.get(f"/api/v1/photos?ids={ids}").status_code == 200


def test_a_deleted_rater_is_told_to_open_the_start_page(alice):
    Rater.objects.all().delete()
    reply = alice.get("/api/v1/deck")
    assert (reply.status_code, reply.json()["detail"][:20]) == (403, "Open the start page ")


def test_a_rating_by_a_deleted_rater_is_refused(alice):
    card = alice.deck()[0]
    Rater.objects.all().delete()
    assert [alice.rate(card["token"]).status_code, alice.undo().status_code] == [403, 403]
    assert RatingEvent.objects.count() == 0


def test_an_offset_past_the_end_of_the_ranking_returns_no_photos(alice):
    reply = alice.get("/api/v1/ranking?offset=1000").json()
    assert (reply["top"], reply["total"]) == ([], 30)


def test_the_openapi_document_is_valid(client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    document = client.get("/api/v1/openapi.json").json()
    validate(document)
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], f"{method} {address} says nothing about itself"
