"""Access to model exports: permissions, limits, visibility, and download links that expire."""

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


def test_the_form_shows_formats_and_limits(admin, raters):
    text = choose(admin, raters).content.decode()
    assert "Export the models of 3 raters" in text
    assert "Takes 5 to 20 seconds per rater." in text
    assert "Up to 500 raters at once." in text
    assert "Up to 50 raters at once." in text
    assert ModelExport.objects.count() == 0


def test_an_exceeded_limit_is_shown_and_the_chosen_raters_are_kept(admin, raters, requested, monkeypatch):
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
def test_concurrent_requests_do_not_exceed_the_limit_of_unfinished_exports(raters, monkeypatch):
    monkeypatch.setattr(jobs, "request_export", lambda export: None)
    user = get_user_model().objects.create_superuser("admin")
    before, create = threading.Barrier(2), ModelExport.objects.create
    refused = []

    def both_have_counted(**row):
        with suppress(threading.BrokenBarrierError):  # the other request waits until this one is stored
            before.wait(timeout=2)
        return create(**row)

    def request():
        try:
            services.request_export(user_id=user.pk, file_format="json", raters=[raters[0].id])
        except RatingError as error:
            refused.append(error)
        finally:
            connection.close()

    for _ in range(services.MOST_UNFINISHED - 1):
        services.request_export(user_id=user.pk, file_format="json", raters=[raters[0].id])
    monkeypatch.setattr(ModelExport.objects, "create", both_have_counted)
    threads = [threading.Thread(target=request) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (ModelExport.objects.count(), len(refused)) == (services.MOST_UNFINISHED, 1)


def test_staff_with_the_permission_see_and_delete_their_own_exports(raters, requested):
    alice = staff("alice", permissions=("view_rater", "add_modelexport"))
    row = export(alice, raters)
    assert alice.get(f"/staff/exports/{row.id}/").status_code == 200
    assert str(row.id) in alice.get("/admin/ratings/modelexport/").content.decode()
    of_another = export(staff("another"), raters)
    assert alice.post(f"/admin/ratings/modelexport/{of_another.id}/delete/", {"post": "yes"}).status_code == 302  # redirected: not found
    assert alice.post(f"/admin/ratings/modelexport/{row.id}/delete/", {"post": "yes"}).status_code == 302
    assert list(ModelExport.objects.all()) == [of_another]


def test_the_page_of_a_rater_offers_the_export_to_staff_with_the_permission(admin, raters):
    page = f"{RATERS}{raters[0].id}/change/"
    assert "Export model" in admin.get(page).content.decode()
    assert "Export model" not in staff("bob", permissions=("view_rater",)).get(page).content.decode()
    assert "Export the model of 1 rater" in choose(admin, raters[:1]).content.decode()


@pytest.mark.parametrize("who", ["anonymous", "guest alice", "guest bob", "staff without permission"])
def test_an_export_without_the_permission_is_refused(who, raters, alice, bob):
    browser = {
        "anonymous": Client,
        "guest alice": lambda: alice.browser,
        "guest bob": lambda: bob.browser,
        "staff without permission": lambda: staff("bob", permissions=("view_rater",)),
    }[who]()
    browser.handler.enforce_csrf_checks = False
    choose(browser, raters, begin="yes", format="json")
    assert ModelExport.objects.count() == 0


def test_an_export_without_the_csrf_token_is_refused(admin, raters):
    admin.handler.enforce_csrf_checks = True
    assert choose(admin, raters, begin="yes", format="json").status_code == 403
    assert ModelExport.objects.count() == 0


def test_an_export_is_visible_to_its_requester_and_to_superusers(raters, requested, admin, guest):
    alice, bob = staff("alice"), staff("bob")
    row = export(alice, raters)
    run(row, requested)
    page = f"/staff/exports/{row.id}/"
    link = alice.get(page + "state").json()["link"]
    assert [browser.get(page).status_code for browser in (alice, bob, admin)] == [200, 404, 200]
    assert [browser.get(page + "state").status_code for browser in (alice, bob, admin)] == [200, 404, 200]
    assert [browser.get(link).status_code for browser in (alice, bob, admin)] == [200, 403, 403]  # a link works only for its requester
    for stranger in (Client(), guest().browser):
        assert [stranger.get(address).status_code for address in (page, page + "state", link)] == [302, 302, 302]
    changelist = "/admin/ratings/modelexport/"
    assert [str(row.id) in browser.get(changelist).content.decode() for browser in (alice, bob, admin)] == [True, False, True]


def test_a_link_stops_working_when_its_requester_loses_the_permission(raters, requested):
    alice = staff("alice")
    row = export(alice, raters)
    run(row, requested)
    link = alice.get(f"/staff/exports/{row.id}/state").json()["link"]
    alice.user.user_permissions.clear()
    assert alice.get(link).status_code == 404


def test_a_deleted_file_is_reported_as_not_found(admin, raters, requested):
    row = export(admin, raters)
    run(row, requested)
    link = admin.get(f"/staff/exports/{row.id}/state").json()["link"]
    services.archive(row.id).unlink()
    reply = admin.get(link)
    assert reply.status_code == 404
    assert "files are kept for a week" in reply.content.decode()


def test_expired_or_altered_links_are_refused(admin, raters, requested, monkeypatch):
    row = export(admin, raters)
    run(row, requested)
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
