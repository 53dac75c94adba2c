"""Whatever people do, in whatever order: the events replayed are the answers that stand, and their numbers have no gap."""

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
    """One guest against a model of three lists: cards on hand, standing answers, everything ever sent."""

    guest: Callable[[], Guest]

    @initialize()
    def arrive(self) -> None:
        self.alice = self.guest()
        self.hand: list[str] = []
        self.standing: list[str] = []  # tokens, the last answer last
        self.sent: list[tuple[str, str, str, int]] = []  # client id, token, value, ratings_seq
        self.undone: list[tuple[str, int]] = []
        self.events = 0

    @rule()
    def deal(self) -> None:
        dealt = [card["token"] for card in self.alice.deck()]
        assert dealt[: len(self.hand)] == self.hand[: len(dealt)], "reload must deal the open cards again, in order"
        self.hand += dealt[len(self.hand) :]
        assert len(set(self.hand)) == len(self.hand)
        assert not set(dealt) & set(self.standing)

    @precondition(lambda self: self.hand)
    @rule(which=ANY, value=VALUES)
    def answer(self, which: int, value: str) -> None:
        token, client_id = self.hand.pop(which % len(self.hand)), str(uuid4())
        reply = self.alice.rate(token, value, client_id)
        self.events += 1
        assert (reply.status_code, reply.json()) == (201, {"ratings_seq": self.events})
        self.standing.append(token)
        self.sent.append((client_id, token, value, self.events))

    @precondition(lambda self: self.sent)
    @rule(which=ANY)
    def send_again(self, which: int) -> None:
        client_id, token, value, seq = self.sent[which % len(self.sent)]
        reply = self.alice.rate(token, value, client_id)
        assert (reply.status_code, reply.json()) == (200, {"ratings_seq": seq})

    @precondition(lambda self: self.sent)
    @rule(which=ANY)
    def change_the_answer_under_the_same_id(self, which: int) -> None:
        client_id, token, value, _ = self.sent[which % len(self.sent)]
        assert self.alice.rate(token, "like" if value != "like" else "love", client_id).status_code == 422

    @precondition(lambda self: self.standing)
    @rule(which=ANY, value=VALUES)
    def answer_a_used_card(self, which: int, value: str) -> None:
        assert self.alice.rate(self.standing[which % len(self.standing)], value).status_code == 409

    @rule()
    def take_back(self) -> None:
        client_id = str(uuid4())
        reply = self.alice.undo(client_id)
        if not self.standing:
            assert reply.status_code == 404
            return
        self.events += 1
        token = self.standing.pop()
        assert (reply.status_code, reply.json()["ratings_seq"], reply.json()["card"]["token"]) == (200, self.events, token)
        self.hand.insert(0, token)
        self.undone.append((client_id, self.events))

    @precondition(lambda self: self.undone)
    @rule(which=ANY)
    def take_back_again(self, which: int) -> None:
        client_id, seq = self.undone[which % len(self.undone)]
        reply = self.alice.undo(client_id)
        assert (reply.status_code, reply.json()["ratings_seq"]) == (200, seq)

    @invariant()
    def the_events_replayed_are_what_stands(self) -> None:
        if not hasattr(self, "alice"):
            return
        replayed: dict[str, int] = {}
        events = list(RatingEvent.objects.filter(rater=self.alice.id).order_by("seq"))
        for event in events:
            if event.kind == RatingEvent.Kind.SET:
                replayed[str(event.presentation_id)] = event.value
            else:
                assert replayed.pop(str(event.presentation_id)) == event.value
        answered = Presentation.objects.filter(rater=self.alice.id, rated_at__isnull=False)
        assert {str(card.token): card.value for card in answered} == replayed
        assert set(replayed) == set(self.standing)
        assert [event.seq for event in events] == list(range(1, self.events + 1))
        assert Rater.objects.get(id=self.alice.id).ratings_seq == self.events


def test_every_history_of_swipes_adds_up(guest, photos, settings):
    settings.PAV = settings.PAV | {"LIMIT_GUESTS": "10000/hour", "LIMIT_RATINGS": "10000/minute"}
    run_state_machine_as_test(
        type("Visits", (Visit,), {"guest": staticmethod(guest)}),
        settings=hypothesis_settings(max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)),
    )
