"""Random sequences of deck requests: replaying the rating events gives the current ratings, and event numbers have no gaps."""

from collections.abc import Callable
from uuid import uuid4

import hypothesis.strategies as st
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from ratings.models import Presentation, Rater, RatingEvent
from tests.guests import Guest

VALUES = st.sampled_from(["dislike", "like", "love", "skip"])
ANY = st.integers(0, 1000)


class Visit(RuleBasedStateMachine):
    """One guest, compared with three lists: open cards, current ratings, and every rating sent."""

    guest: Callable[[], Guest]

    @initialize()
    def start_session(self) -> None:
        self.alice = self.guest()
        self.open_cards: list[str] = []
        self.rated: list[str] = []  # tokens, the latest rating last
        self.sent: list[tuple[str, str, str, int]] = []  # client id, token, value, ratings_seq
        self.undone: list[tuple[str, int]] = []
        self.events = 0

    @rule()
    def deal(self) -> None:
        dealt = [card["token"] for card in self.alice.deck()]
        assert dealt[: len(self.open_cards)] == self.open_cards[: len(dealt)], "reload must deal the open cards again, in order"
        self.open_cards += dealt[len(self.open_cards) :]
        assert len(set(self.open_cards)) == len(self.open_cards)
        assert not set(dealt) & set(self.rated)

    @precondition(lambda self: self.open_cards)
    @rule(which=ANY, value=VALUES)
    def rate_a_card(self, which: int, value: str) -> None:
        token, client_id = self.open_cards.pop(which % len(self.open_cards)), str(uuid4())
        reply = self.alice.rate(token, value, client_id)
        self.events += 1
        assert (reply.status_code, reply.json()) == (201, {"ratings_seq": self.events})
        self.rated.append(token)
        self.sent.append((client_id, token, value, self.events))

    @precondition(lambda self: self.sent)
    @rule(which=ANY)
    def resend_a_rating(self, which: int) -> None:
        client_id, token, value, seq = self.sent[which % len(self.sent)]
        reply = self.alice.rate(token, value, client_id)
        assert (reply.status_code, reply.json()) == (200, {"ratings_seq": seq})

    @precondition(lambda self: self.sent)
    @rule(which=ANY)
    def reuse_a_client_id_for_another_rating(self, which: int) -> None:
        client_id, token, value, _ = self.sent[which % len(self.sent)]
        assert self.alice.rate(token, "like" if value != "like" else "love", client_id).status_code == 422

    @precondition(lambda self: self.rated)
    @rule(which=ANY, value=VALUES)
    def rate_a_rated_card(self, which: int, value: str) -> None:
        assert self.alice.rate(self.rated[which % len(self.rated)], value).status_code == 409

    @rule()
    def undo_a_rating(self) -> None:
        client_id = str(uuid4())
        reply = self.alice.undo(client_id)
        if not self.rated:
            assert reply.status_code == 404
            return
        self.events += 1
        token = self.rated.pop()
        assert (reply.status_code, reply.json()["ratings_seq"], reply.json()["card"]["token"]) == (200, self.events, token)
        self.open_cards.insert(0, token)
        self.undone.append((client_id, self.events))

    @precondition(lambda self: self.undone)
    @rule(which=ANY)
    def resend_an_undo(self, which: int) -> None:
        client_id, seq = self.undone[which % len(self.undone)]
        reply = self.alice.undo(client_id)
        assert (reply.status_code, reply.json()["ratings_seq"]) == (200, seq)

    @invariant()
    def replayed_events_give_the_current_ratings(self) -> None:
        if not hasattr(self, "alice"):
            return
        replayed: dict[str, int] = {}
        events = list(RatingEvent.objects.filter(rater=self.alice.id).order_by("seq"))
        for event in events:
            if event.kind == RatingEvent.Kind.SET:
                replayed[str(event.presentation_id)] = event.value
            else:
                assert replayed.pop(str(event.presentation_id)) == event.value
        presentations = Presentation.objects.filter(rater=self.alice.id, rated_at__isnull=False)
        assert {str(card.token): card.value for card in presentations} == replayed
        assert set(replayed) == set(self.rated)
        assert [event.seq for event in events] == list(range(1, self.events + 1))
        assert Rater.objects.get(id=self.alice.id).ratings_seq == self.events


def test_any_sequence_of_ratings_and_undos_matches_its_events(guest, photos, settings):
    settings.PAV = settings.PAV | {"LIMIT_GUESTS": "10000/hour", "LIMIT_RATINGS": "10000/minute"}
    run_state_machine_as_test(
        type("Visits", (Visit,), {"guest": staticmethod(guest)}),
        settings=hypothesis_settings(max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)),
    )
