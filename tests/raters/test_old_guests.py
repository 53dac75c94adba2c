"""Deletion of guests: those who never rated after a week, others where the setting says so."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from personalize.tasks import delete_old_guests
from ratings.models import Rater, RatingEvent


def made_days_ago(days: int, **fields: object) -> Rater:
    rater = Rater.objects.create(**fields)
    Rater.objects.filter(pk=rater.pk).update(created_at=timezone.now() - timedelta(days=days))
    return rater


def remaining() -> set:
    return set(Rater.objects.values_list("id", flat=True))


@pytest.mark.django_db
def test_guests_who_never_rated_are_deleted_after_a_week():
    made_days_ago(8)
    new = made_days_ago(6)
    account = made_days_ago(800, user=get_user_model().objects.create_user("dora"))
    delete_old_guests()
    assert remaining() == {new.id, account.id}


def test_guests_who_rated_stay_unless_the_setting_limits_them(alice, bob, settings):
    for guest, days in ((alice, 400), (bob, 10)):
        guest.rate(guest.deck()[0]["token"])
        RatingEvent.objects.filter(rater=guest.id).update(created_at=timezone.now() - timedelta(days=days))
        Rater.objects.filter(id=guest.id).update(created_at=timezone.now() - timedelta(days=500))
    delete_old_guests()
    assert Rater.objects.count() == 2
    settings.PAV = settings.PAV | {"KEEP_GUESTS_DAYS": 365}
    delete_old_guests()
    assert [str(rater) for rater in remaining()] == [bob.id]
    assert RatingEvent.objects.filter(rater=alice.id).count() == 0


def test_a_deleted_guest_starts_anew_with_the_next_visit(alice):
    Rater.objects.update(created_at=timezone.now() - timedelta(days=8))
    token = alice.deck()[0]["token"]
    delete_old_guests()
    assert alice.rate(token).status_code == 403
    alice.browser.get("/")
    assert alice.rate(alice.deck()[0]["token"]).status_code == 201
