"""Merging a guest into an account: rows, numbers and times, photos rated twice, consent, repetition, and work that runs beside it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from personalize.worker import instant_fit, model_export
from ratings import jobs
from ratings.accounts import merging
from ratings.accounts.merging import NotAGuest, merge_guest
from ratings.deck.selectors import current_ratings
from ratings.deck.services import deal, record_rating, undo_rating
from ratings.errors import NotSignedIn
from ratings.exports import services as exports
from ratings.exports.ratings_csv import ratings_csv
from ratings.models import ExactRefit, Fit, MergedGuest, Photo, PopulationPrior, Presentation, Rater, RatingEvent
from ratings.photos.scopes import CATALOGUE
from ratings.ranking import events, exact_refits
from ratings.ranking.selectors import generic_weights, ranking_message
from ratings.ranking.services import claim_lost_refits, store_fit
from ratings.sql import to_list
from tests.guests import current_projection, make_photos

LIKE, LOVE, DISLIKE = 2, 3, 1


@pytest.fixture
def requested(monkeypatch) -> list[UUID]:
    """Refits that are asked for."""
    found: list[UUID] = []
    monkeypatch.setattr(jobs, "request_refit", found.append)
    monkeypatch.setattr(events, "_send", lambda *_: None)
    return found


@pytest.fixture
def account(db, requested) -> UUID:
    return Rater.objects.create(user=get_user_model().objects.create_user("alice")).id


@pytest.fixture
def guest(db, requested) -> UUID:
    return Rater.objects.create().id


def rate(rater: UUID, photo: Photo, value: int, *, minutes_ago: int = 0) -> Presentation:
    """Show a photo to a rater and rate it, as if some minutes ago."""
    last = Presentation.objects.filter(rater=rater).count()
    shown = Presentation.objects.create(rater_id=rater, photo=photo, algorithm="random", position=last + 1)
    record_rating(rater_id=rater, token=shown.token, client_id=uuid4(), value=value)
    moment = timezone.now() - timedelta(minutes=minutes_ago)
    RatingEvent.objects.filter(presentation=shown).update(created_at=moment)
    Presentation.objects.filter(token=shown.token).update(rated_at=moment)
    shown.refresh_from_db()
    return shown


def values(rater: UUID) -> dict[int, int]:
    return dict(Presentation.objects.filter(rater=rater, value__gt=0).values_list("photo", "value"))


def test_the_guests_ratings_follow_the_accounts_and_keep_their_times(photos, account, guest, django_capture_on_commit_callbacks):
    rate(account, photos[0], LIKE, minutes_ago=5)
    rate(guest, photos[1], LOVE, minutes_ago=30)
    rate(guest, photos[2], DISLIKE, minutes_ago=20)
    times = list(RatingEvent.objects.filter(rater=guest).order_by("seq").values_list("client_id", "created_at"))
    with django_capture_on_commit_callbacks(execute=True):
        assert merge_guest(guest=guest, rater_id=account) == merging.Merged(2, created=True)
    moved = RatingEvent.objects.filter(rater=account).order_by("seq")
    assert [event.seq for event in moved] == [1, 2, 3]
    assert list(moved.values_list("client_id", "created_at"))[1:] == times
    assert values(account) == {photos[0].id: LIKE, photos[1].id: LOVE, photos[2].id: DISLIKE}
    assert Rater.objects.get().ratings_seq == 3


def test_one_refit_is_asked_for(photos, account, guest, requested, django_capture_on_commit_callbacks):
    rate(guest, photos[1], LOVE)
    requested.clear()
    with django_capture_on_commit_callbacks(execute=True):
        merge_guest(guest=guest, rater_id=account)
    assert requested == [account]
    assert claim_lost_refits(waiting_seconds=60) == []


@pytest.mark.parametrize(("account_minutes", "guest_minutes", "counts"), [(10, 5, LOVE), (5, 10, LIKE)])
def test_of_a_photo_rated_twice_the_later_rating_counts(photos, account, guest, account_minutes, guest_minutes, counts):
    own = rate(account, photos[0], LIKE, minutes_ago=account_minutes)
    rate(guest, photos[0], LOVE, minutes_ago=guest_minutes)
    merge_guest(guest=guest, rater_id=account)
    assert values(account) == {photos[0].id: counts}
    assert list(Presentation.objects.filter(rater=account).values_list("token", flat=True)) == [own.token]
    assert [event.value for event in current_ratings()] == [counts]
    assert len(list(ratings_csv())) == 2
    history = RatingEvent.objects.filter(rater=account).order_by("seq")
    assert [(event.seq, event.value, event.superseded) for event in history] == [(1, LIKE, counts != LIKE), (2, LOVE, counts != LOVE)]


def test_a_rating_is_not_lost_to_an_undo_on_the_other_side(photos, account, guest):
    rate(account, photos[0], LIKE, minutes_ago=10)
    shown = rate(guest, photos[0], LOVE, minutes_ago=5)
    undo_rating(rater_id=guest, client_id=uuid4(), token=shown.token)
    merge_guest(guest=guest, rater_id=account)
    assert [event.value for event in current_ratings()] == [LIKE]
    undone = undo_rating(rater_id=account, client_id=uuid4())
    assert undone.presentation.photo_id == photos[0].id
    assert values(account) == {}


def test_undoing_everything_after_a_merge_ends(photos, account, guest):
    for photo in photos[:3]:
        rate(account, photo, LIKE, minutes_ago=10)
        rate(guest, photo, LOVE, minutes_ago=5)
    merge_guest(guest=guest, rater_id=account)
    for _ in range(3):
        undo_rating(rater_id=account, client_id=uuid4())
    assert values(account) == {}


def test_open_cards_of_both_can_be_rated_after_the_merge(photos, account, guest):
    own, theirs = deal(rater_id=account, scope=CATALOGUE, count=5), deal(rater_id=guest, scope=CATALOGUE, count=5)
    merge_guest(guest=guest, rater_id=account)
    deck = deal(rater_id=account, scope=CATALOGUE, count=20)
    assert [card.token for card in deck[:5]] == [card.token for card in own]
    assert len({card.photo_id for card in deck}) == len(deck) == 20
    kept = {card.photo_id for card in theirs}
    assert kept <= {card.photo_id for card in deck}


def test_the_same_client_id_on_both_sides_is_replaced(photos, account, guest):
    client_id = uuid4()
    for rater, photo in ((account, photos[0]), (guest, photos[1])):
        shown = Presentation.objects.create(rater_id=rater, photo=photo, algorithm="random", position=1)
        record_rating(rater_id=rater, token=shown.token, client_id=client_id, value=LIKE)
    merge_guest(guest=guest, rater_id=account)
    assert RatingEvent.objects.filter(rater=account).count() == 2
    assert RatingEvent.objects.filter(rater=account, client_id=client_id).get().seq == 1


def test_a_repeated_merge_changes_nothing(photos, account, guest, requested, django_capture_on_commit_callbacks):
    rate(guest, photos[1], LOVE)
    merge_guest(guest=guest, rater_id=account)
    before = list(RatingEvent.objects.values()), Rater.objects.values().get()
    requested.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert merge_guest(guest=guest, rater_id=account) == merging.Merged(1, created=False)
    assert (list(RatingEvent.objects.values()), Rater.objects.values().get()) == before
    assert requested == []


def test_a_merge_that_is_cut_off_changes_nothing(photos, account, guest, monkeypatch):
    rate(account, photos[0], LIKE)
    rate(guest, photos[1], LOVE)
    before = list(RatingEvent.objects.order_by("id").values()), list(Rater.objects.order_by("id").values())

    def fail(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(merging, "_raise_fit", fail)
    with pytest.raises(ConnectionError):
        merge_guest(guest=guest, rater_id=account)
    assert (list(RatingEvent.objects.order_by("id").values()), list(Rater.objects.order_by("id").values())) == before
    monkeypatch.undo()
    assert merge_guest(guest=guest, rater_id=account).created


def test_only_guests_are_merged_and_only_into_accounts(photos, account, guest):
    other = Rater.objects.create(user=get_user_model().objects.create_user("bob")).id
    for giver, taker in ((other, account), (guest, Rater.objects.create().id), (uuid4(), account), (account, account)):
        with pytest.raises(NotAGuest):
            merge_guest(guest=giver, rater_id=taker)
    merge_guest(guest=guest, rater_id=account)
    with pytest.raises(NotAGuest):
        merge_guest(guest=guest, rater_id=other)


@pytest.mark.parametrize(("account_shares", "guest_shares", "shares"), [(1, 1, True), (1, 0, False), (0, 1, False), (0, 0, False)])
def test_consent_continues_only_if_both_had_given_it(photos, account, guest, account_shares, guest_shares, shares):
    for rater, on in ((account, account_shares), (guest, guest_shares)):
        Rater.objects.filter(id=rater).update(shares_ratings_since=timezone.now() if on else None)
    merge_guest(guest=guest, rater_id=account)
    assert (Rater.objects.get().shares_ratings_since is not None) == shares


def test_versions_only_rise_and_the_population_prior_waits_until_it_is_learned_anew(photos, account, guest):
    projection = current_projection()
    prior = PopulationPrior.objects.create(projection_id=projection, is_current=True, rater_count=2, photo_count=2, report={})
    for rater, photo in ((account, photos[0]), (guest, photos[1])):
        rate(rater, photo, LOVE)
        instant_fit.refit(rater)
    Fit.objects.filter(rater=guest).update(version=40)
    Fit.objects.filter(rater=account).update(population_weights=[1.0] * 10)
    merge_guest(guest=guest, rater_id=account)
    fit = Fit.objects.get()
    assert (fit.rater_id, fit.version, any(to_list(fit.population_weights))) == (account, 41, False)
    stale = {
        "rater_id": account,
        "projection": projection,
        "ratings_seq": 1,
        "weights": generic_weights(),
        "covariance": b"",
        "accuracy": None,
    }
    assert store_fit(**stale, population_prior_id=prior.id, population_weights=[1.0, 1.0]) is None  # read before the merge
    instant_fit.refit(account)
    fit = Fit.objects.get()
    assert (fit.version, fit.ratings_seq, fit.population_prior_id, any(to_list(fit.population_weights))) == (42, 2, None, False)
    Rater.objects.update(refit_queued_at=None)
    assert claim_lost_refits(waiting_seconds=0) == []
    PopulationPrior.objects.update(is_current=False)
    newer = PopulationPrior.objects.create(projection_id=projection, is_current=True, rater_count=2, photo_count=2, report={})
    assert claim_lost_refits(waiting_seconds=0) == [account]
    instant_fit.refit(account)
    assert Fit.objects.get().population_prior_id == newer.id


def test_an_account_without_a_fit_keeps_the_guests_ranking(photos, account, guest):
    rate(guest, photos[5], LOVE)
    instant_fit.refit(guest)
    before = ranking_message(guest, 30)
    merge_guest(guest=guest, rater_id=account)
    after = ranking_message(account, 30)
    assert [place.id for place in after.top] == [place.id for place in before.top]
    assert after.version > before.version


def test_the_guests_own_photos_move(account, guest):
    make_photos(3)
    mine = make_photos(1, seed=1, owner=Rater.objects.get(id=account))[0]
    twice, other = make_photos(2, seed=2, owner=Rater.objects.get(id=guest))
    Photo.objects.filter(id=twice.id).update(sha256=mine.sha256)
    rate(guest, twice, LOVE)
    merge_guest(guest=guest, rater_id=account)
    assert set(Photo.objects.filter(owner=account).values_list("id", flat=True)) == {mine.id, other.id}
    assert values(account) == {mine.id: LOVE}


@pytest.mark.django_db(transaction=True)
def test_ratings_refits_and_a_second_merge_at_the_same_moment_lose_nothing(requested):
    photos = make_photos(30)
    account = Rater.objects.create(user=get_user_model().objects.create_user("alice")).id
    guest = Rater.objects.create().id
    for place, photo in enumerate(photos[:10]):
        rate(account if place % 2 else guest, photo, LOVE if place % 3 else DISLIKE)
    cards = deal(rater_id=guest, scope=CATALOGUE, count=8)

    def rate_card(card: Presentation) -> bool:
        try:
            return record_rating(rater_id=guest, token=card.token, client_id=uuid4(), value=LIKE).created
        except NotSignedIn:  # the merge came first
            return False

    def run(action) -> object:
        try:
            return action()
        finally:
            connection.close()

    actions = [lambda card=card: rate_card(card) for card in cards]
    actions[3:3] = [lambda: merge_guest(guest=guest, rater_id=account).created, lambda: instant_fit.refit(guest)]
    actions[6:6] = [lambda: merge_guest(guest=guest, rater_id=account).created, lambda: instant_fit.refit(account)]
    with ThreadPoolExecutor(len(actions)) as threads:
        done = list(threads.map(run, actions))
    stored = sum(done[place] for place, action in enumerate(actions) if action.__defaults__)
    merges = [one for one, action in zip(done, actions, strict=True) if isinstance(one, bool) and not action.__defaults__]
    assert sorted(merges) == [False, True]
    rater = Rater.objects.get()
    assert rater.ratings_seq == 10 + stored == RatingEvent.objects.filter(rater=account).count()
    assert sorted(RatingEvent.objects.values_list("seq", flat=True)) == list(range(1, rater.ratings_seq + 1))
    assert MergedGuest.objects.count() == 1
    assert set(Fit.objects.values_list("rater", flat=True)) <= {account}


def test_an_exact_refit_of_the_guest_that_is_under_way_changes_nothing_after_the_merge(photos, account, guest):
    rate(guest, photos[0], LOVE)
    instant_fit.refit(guest)
    projection = Fit.objects.get(rater=guest).projection
    row = {"bank": projection.bank, "projection": projection, "ratings_seq": 1, "step_queued_at": timezone.now()}
    ExactRefit.objects.create(rater_id=guest, **row)
    work = exact_refits.under_way(guest)
    merge_guest(guest=guest, rater_id=account)
    assert exact_refits.under_way(guest) is None
    assert not exact_refits.store_step(work, held_out=[])
    assert exact_refits.activate_exact(work, accuracy=None, scores=[]) is None
    assert ExactRefit.objects.count() == 0


def test_an_exact_refit_of_the_account_that_is_under_way_ends_with_the_merge(photos, account, guest):
    rate(account, photos[0], LOVE)
    rate(guest, photos[1], LOVE)
    instant_fit.refit(account)
    projection = Fit.objects.get(rater=account).projection
    row = {"bank": projection.bank, "projection": projection, "ratings_seq": 1, "step_queued_at": timezone.now()}
    ExactRefit.objects.create(rater_id=account, **row)
    assert exact_refits.under_way(account) is not None
    merge_guest(guest=guest, rater_id=account)
    assert exact_refits.under_way(account) is None


def test_an_export_that_waits_says_that_the_guest_has_no_model_any_more(photos, account, guest, settings, tmp_path):
    settings.EXPORTS_ROOT = tmp_path
    rate(guest, photos[0], LOVE)
    instant_fit.refit(guest)
    admin = get_user_model().objects.create_superuser("admin")
    row = exports.request_export(user_id=admin.pk, file_format="json", raters=[guest])
    merge_guest(guest=guest, rater_id=account)
    model_export.advance(row.id)
    row.refresh_from_db()
    assert [problem["detail"] for problem in row.problems] == [exports.NO_FIT]
