"""Simulated participants of a study, through its real pages: planted taste, drop-outs, reloads, answers sent twice, several at once.

Each value is planted as mean + photo + participant + photo x participant + noise, on the points of the scale: an analysis of the data must
find these shares again.
"""

import http.cookiejar
import json
import random
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

TIMEOUT_SECONDS = 60
TRIES = 30
AGAIN_SECONDS = 1.0
MOST_STEPS = 40


@dataclass(frozen=True)
class Planted:
    """Standard deviations of the parts of a value, in points of the scale."""

    photo: float = 1.0
    participant: float = 0.5
    both: float = 0.8
    noise: float = 0.6


@dataclass(frozen=True)
class Habits:
    """How often (0 to 1) simulated participants leave, reload, and send an answer twice."""

    leave: float = 0.05
    reload: float = 0.05
    twice: float = 0.05


@dataclass
class Outcome:
    """What became of a simulated participant, and how long each answer took, in seconds."""

    ended: str = ""
    sent: dict[int, int] = field(default_factory=dict)  # value by place, as far as the server said that it is stored
    seconds: list[float] = field(default_factory=list)


class _Form(HTMLParser):
    """The fields of a page's forms: hidden ones with their values, and one option of each radio group or box."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.options: dict[str, list[str]] = {}
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        name = own.get("name", "")
        if tag == "input" and own.get("type") == "hidden":
            self.hidden.setdefault(name, own.get("value", ""))
        elif tag == "input" and own.get("type") in ("radio", "checkbox"):
            self.options.setdefault(name, []).append(own.get("value", ""))
        elif tag in ("input", "textarea") and name:
            self.texts.append(name)


class SimulatedParticipant:
    """One participant with cookies of their own."""

    def __init__(self, address: str, slug: str, number: int, planted: Planted, habits: Habits, seed: int) -> None:
        self.address, self.slug, self.number = address.rstrip("/"), slug, number
        self.planted, self.habits = planted, habits
        self.seed, self.lots = seed, random.Random(f"{seed}/{number}")  # noqa: S311 (nothing secret)
        self.cookies = http.cookiejar.CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.page = str(uuid4())
        self.outcome = Outcome()
        self.leaves_at = self.lots.randrange(1, 20) if self.lots.random() < habits.leave else None
        self.bias = self._normal("participant", number) * planted.participant

    def _normal(self, *name: object) -> float:
        return random.Random(f"{self.seed}/{name}").gauss(0, 1)  # noqa: S311

    def take_part(self, right: dict[str, str], values: Sequence[int], query: str = "") -> Outcome:
        """From the link to the end, or until this participant leaves. `right` are answers that lead on, by the name of the field."""
        entry = f"/study/{self.slug}/{query}"
        page = self._open(entry)
        page = self._send(entry, _form(page).hidden | {"decision": "agree", "age": "yes"})
        for _step in range(MOST_STEPS):
            if 'id="withdrawal-code"' in page:
                self.outcome.ended = "completed" if 'id="done"' in page else "ended"
                return self.outcome
            if 'id="study-config"' in page:
                if not self._rate(values):
                    self.outcome.ended = "left"
                    return self.outcome
                page = self._send(f"/study/{self.slug}/run/", {"step": _step_of(page)})
                continue
            form = _form(page)
            if "step" not in form.hidden:
                self.outcome.ended = "refused"
                return self.outcome
            answers = {name: right.get(name) or self.lots.choice(options) for name, options in form.options.items()}
            page = self._send(f"/study/{self.slug}/run/", form.hidden | answers | {name: right.get(name, "30") for name in form.texts})
        self.outcome.ended = "lost"
        return self.outcome

    def _rate(self, values: Sequence[int]) -> bool:
        """Answer every trial of the step; False where this participant leaves for good."""
        trials = self._post("claim", {"page": self.page})["trials"]
        while trials:
            trial = trials.pop(0)
            if trial["place"] == self.leaves_at:
                return False
            self._answer(trial, self._value(trial, values))
            if trials and self.lots.random() < self.habits.reload:
                trials = self._post("claim", {"page": self.page, "insists": True})["trials"]
        return True

    def _value(self, trial: dict[str, Any], values: Sequence[int]) -> int:
        if trial["kind"] == "check":
            found = re.search(r"\d+", trial["text"])
            return int(found[0]) if found else values[0]
        photo = trial["photo"]["src"].rsplit("/", 2)[1]  # the hash, which is the same for everybody
        own = self.planted
        score = self._normal("photo", photo) * own.photo + self.bias + self._normal("both", photo, self.number) * own.both
        middle = (values[0] + values[-1]) / 2
        return min(values[-1], max(values[0], round(middle + score + self.lots.gauss(0, own.noise))))

    def _answer(self, trial: dict[str, Any], value: int) -> None:
        shown = time.perf_counter() * 1000
        body = {
            "client_id": str(uuid4()), "page": self.page, "place": trial["place"], "token": trial["token"], "value": value,
            "time_origin": time.time() * 1000 - shown, "shown_ms": shown, "first_input_ms": shown + 700,
            "answer_ms": shown + self.lots.uniform(700, 4000), "viewport_width": 390, "viewport_height": 844,
            "shown_width": 360, "shown_height": 240, "device_pixel_ratio": 2, "derivative": 640, "input_kind": "touch",
        }  # fmt: skip
        start = time.perf_counter()
        self._post("trials", body)
        self.outcome.seconds.append(time.perf_counter() - start)
        self.outcome.sent[trial["place"]] = value
        if self.lots.random() < self.habits.twice:
            self._post("trials", body)

    def _open(self, path: str) -> str:
        return self._request(path, None, {})

    def _send(self, path: str, fields: dict[str, str]) -> str:
        body = urlencode(fields | {"csrfmiddlewaretoken": self._csrf()}).encode()
        return self._request(path, body, {})

    def _post(self, what: str, body: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json", "X-CSRFToken": self._csrf()}
        return json.loads(self._request(f"/api/v1/studies/{self.slug}/{what}", json.dumps(body).encode(), headers))

    def _csrf(self) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken"), "")

    def _request(self, path: str, body: bytes | None, headers: dict[str, str]) -> str:
        """Try again while the server is away or too busy, as the page does. The reply of a refusal is a page, too."""
        request = urllib.request.Request(self.address + path, body, {"Origin": self.address, **headers})  # noqa: S310
        for _try in range(TRIES):
            try:
                with self.browser.open(request, timeout=TIMEOUT_SECONDS) as reply:
                    return str(reply.read().decode())
            except urllib.error.HTTPError as error:
                if error.code < 500 and error.code != 429:
                    if path.startswith("/api/"):
                        raise RuntimeError(f"{path}: {error.code} {error.read().decode()[:200]}") from None
                    return str(error.read().decode())
            except OSError:
                pass
            time.sleep(AGAIN_SECONDS)
        raise RuntimeError(f"{self.address} does not answer.")


def _form(page: str) -> _Form:
    form = _Form()
    form.feed(page)
    return form


def _step_of(page: str) -> str:
    return _form(page).hidden.get("step", "")


def simulate(
    participants: Sequence[SimulatedParticipant],
    right: dict[str, str],
    values: Sequence[int],
    *,
    at_once: int,
    finished: Callable[[int], None] = lambda count: None,
    query: Callable[[int], str] = lambda number: "",
) -> list[Outcome]:
    """Let all take part, several at once. `finished` is told how many are."""
    lock, count = threading.Lock(), 0

    def run(participant: SimulatedParticipant) -> Outcome:
        nonlocal count
        outcome = participant.take_part(right, values, query(participant.number))
        with lock:
            count += 1
            finished(count)
        return outcome

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(run, participants))
