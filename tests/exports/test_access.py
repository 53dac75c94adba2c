"""Who may export models: asked for within limits, seen by whoever asked, fetched by a link that expires."""

import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from django.contrib.auth import get_user_model
from django.core import signing
from django.db import connection
from django.test import Client

from ratings import jobs
from ratings.errors import RatingError
from ratings.exports import services
from ratings.models import ModelExport
from tests.exports.asking import RATERS, choose, export, run, staff


def test_the_form_tells_formats_and_limits(admin, raters):
    text = choose(admin, raters).content.decode()
    assert "Export the models of 3 raters" in text
    assert "Takes about 20 seconds per rater." in text
    assert "Up to 500 raters at once." in text
    assert "Up to 50 raters at once." in text
    assert ModelExport.objects.count() == 0


def test_limits_are_told_and_keep_what_was_chosen(admin, raters, asked, monkeypatch):
    monkeypatch.setitem(services.FORMATS, "onnx", replace(services.FORMATS["onnx"], most=2))
    text = choose(admin, raters, begin="yes", format="onnx").content.decode()
    assert "more raters than one export of this format can hold" in text
    assert all(str(rater.id) in text for rater in raters)
    assert "Choose one of the formats." in choose(admin, raters, begin="yes", format="pickle").content.decode()
    for _ in range(services.MOST_UNFINISHED):
        export(admin, raters)
    assert "are not finished yet" in choose(admin, raters, begin="yes", format="json").content.decode()
    assert ModelExport.objects.count() == services.MOST_UNFINISHED


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_only_one_is_the_last_that_fits(raters, monkeypatch):
    monkeypatch.setattr(jobs, "request_export", lambda export: None)
    user = get_user_model().objects.create_superuser("admin")
    before, create = threading.Barrier(2), ModelExport.objects.create
    refused = []

    def both_have_counted(**row):
        with suppress(threading.BrokenBarrierError):  # the other one waits until this one has been stored
            before.wait(timeout=2)
        return create(**row)

    def ask():
        try:
            services.request_export(user_id=user.pk, file_format="json", raters=[raters[0].id])
        except RatingError as error:
            refused.append(error)
        finally:
            connection.close()

    for _ in range(services.MOST_UNFINISHED - 1):
        services.request_export(user_id=user.pk, file_format="json", raters=[raters[0].id])
    monkeypatch.setattr(ModelExport.objects, "create", both_have_counted)
    at_once = [threading.Thread(target=ask) for _ in range(2)]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join()
    assert (ModelExport.objects.count(), len(refused)) == (services.MOST_UNFINISHED, 1)


def test_whoever_may_add_exports_sees_and_deletes_their_own(raters, asked):
    alice = staff("alice", may=("view_rater", "add_modelexport"))
    row = export(alice, raters)
    assert alice.get(f"/staff/exports/{row.id}/").status_code == 200
    assert str(row.id) in alice.get("/admin/ratings/modelexport/").content.decode()
    of_another = export(staff("another"), raters)
    assert alice.post(f"/admin/ratings/modelexport/{of_another.id}/delete/", {"post": "yes"}).status_code == 302  # to the start: not found
    assert alice.post(f"/admin/ratings/modelexport/{row.id}/delete/", {"post": "yes"}).status_code == 302
    assert list(ModelExport.objects.all()) == [of_another]


def test_the_page_of_a_rater_offers_the_export_to_those_who_may(admin, raters):
    page = f"{RATERS}{raters[0].id}/change/"
    assert "Export model" in admin.get(page).content.decode()
    assert "Export model" not in staff("bob", may=("view_rater",)).get(page).content.decode()
    assert "Export the model of 1 rater" in choose(admin, raters[:1]).content.decode()


@pytest.mark.parametrize("who", ["anonymous", "guest alice", "guest bob", "staff without permission"])
def test_who_may_not_export(who, raters, alice, bob):
    browser = {
        "anonymous": Client,
        "guest alice": lambda: alice.browser,
        "guest bob": lambda: bob.browser,
        "staff without permission": lambda: staff("bob", may=("view_rater",)),
    }[who]()
    browser.handler.enforce_csrf_checks = False
    choose(browser, raters, begin="yes", format="json")
    assert ModelExport.objects.count() == 0


def test_an_export_needs_the_csrf_token(admin, raters):
    admin.handler.enforce_csrf_checks = True
    assert choose(admin, raters, begin="yes", format="json").status_code == 403
    assert ModelExport.objects.count() == 0


def test_an_export_is_seen_by_whoever_asked_and_by_superusers(raters, asked, admin, guest):
    alice, bob = staff("alice"), staff("bob")
    row = export(alice, raters)
    run(row, asked)
    page = f"/staff/exports/{row.id}/"
    link = alice.get(page + "state").json()["link"]
    assert [browser.get(page).status_code for browser in (alice, bob, admin)] == [200, 404, 200]
    assert [browser.get(page + "state").status_code for browser in (alice, bob, admin)] == [200, 404, 200]
    assert [browser.get(link).status_code for browser in (alice, bob, admin)] == [200, 403, 403]  # a link is for one
    for stranger in (Client(), guest().browser):
        assert [stranger.get(address).status_code for address in (page, page + "state", link)] == [302, 302, 302]
    changelist = "/admin/ratings/modelexport/"
    assert [str(row.id) in browser.get(changelist).content.decode() for browser in (alice, bob, admin)] == [True, False, True]


def test_staff_who_lose_the_permission_lose_the_link(raters, asked):
    alice = staff("alice")
    row = export(alice, raters)
    run(row, asked)
    link = alice.get(f"/staff/exports/{row.id}/state").json()["link"]
    alice.user.user_permissions.clear()
    assert alice.get(link).status_code == 404


def test_a_file_that_is_gone_is_said(admin, raters, asked):
    row = export(admin, raters)
    run(row, asked)
    link = admin.get(f"/staff/exports/{row.id}/state").json()["link"]
    services.archive(row.id).unlink()
    reply = admin.get(link)
    assert reply.status_code == 404
    assert "files are kept for a week" in reply.content.decode()


def test_links_that_are_old_or_altered_lead_nowhere(admin, raters, asked, monkeypatch):
    row = export(admin, raters)
    run(row, asked)
    link = admin.get(f"/staff/exports/{row.id}/state").json()["link"]
    assert admin.get(link).status_code == 200
    altered = link[:-3] + ("A" if link[-3] != "A" else "B") + link[-2:]
    foreign = signing.dumps([str(row.id), admin.user.pk], salt="another")
    for address in (altered, f"/staff/exports/file/{foreign}/", "/staff/exports/file/nonsense/"):
        reply = admin.get(address)
        assert reply.status_code == 403
        assert "has expired" in reply.content.decode()
    monkeypatch.setattr(services, "LINK_SECONDS", -1)
    assert admin.get(link).status_code == 403
