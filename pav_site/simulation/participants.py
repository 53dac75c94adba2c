"""Simulated participants of a study, through its real pages: drop-outs, reloads, answers sent twice, several at once."""

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
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import uuid4

from pav_site.simulation.planted import Planted, Taste
from ratings.studies.design import StudyFile
from ratings.studies.question_sets import questions_of

TIMEOUT_SECONDS = 60
PATIENCE_SECONDS = 300  # of a participant whose requests are not answered
AGAIN_SECONDS = 1.0
LONGEST_WAIT = 60  # seconds that a refusal may ask for
MOST_STEPS = 40
FIRST_ADDRESS = int(ip_address("10.0.0.0"))


@dataclass(frozen=True)
class Habits:
    """How often (0 to 1) simulated participants leave, reload, and send an answer or a form twice."""

    leave: float = 0.05
    reload: float = 0.05
    twice: float = 0.05


@dataclass(frozen=True)
class Plan:
    """What all simulated participants of a run have in common."""

    address: str  # of the running PAV
    slug: str
    right: dict[str, str]  # answers that lead on, by the name of the field
    planted: Planted = field(default_factory=Planted)
    habits: Habits = field(default_factory=Habits)
    seed: int = 0
    prolific: bool = False  # whether they come with an id
    devices: tuple[str, ...] = ()  # that the study admits; empty: any

    def query(self, number: int) -> str:
        return f"?PROLIFIC_PID=simulated-{self.seed}-{number}" if self.prolific else ""


def plan_of(file: StudyFile, address: str, **more: Any) -> Plan:
    """The plan for a study."""
    only_prolific = file.entry.prolific is not None and not file.entry.link
    return Plan(address.rstrip("/"), file.slug, right_answers(file), prolific=only_prolific, devices=tuple(file.devices), **more)


def right_answers(file: StudyFile) -> dict[str, str]:
    """Answers that lead through the study, by the name of the field."""
    right = {}
    for question in file.comprehension.questions if file.comprehension else []:
        right[question.id] = str(question.correct)
    for question in questions_of(file.questions_before):
        if question.screen_out:
            right[question.id] = str(next(n for n in range(1, len(question.options) + 1) if n not in question.screen_out))
        elif question.kind == "number":
            right[question.id] = f"{max(question.minimum or 0, min(30, question.maximum or 30)):g}"
    return right


@dataclass
class Outcome:
    """What became of a simulated participant, and how long each answer took, in seconds."""

    ended: str = ""
    participant: str = ""  # the id of the run, once it has come to trials
    sent: dict[int, int] = field(default_factory=dict)  # value by place, as far as the server said that it is stored
    values: tuple[int, ...] = ()  # of the scale
    seconds: list[float] = field(default_factory=list)
    problem: str = ""


class Simulated(Protocol):
    """A simulated participant, whatever it comes through."""

    outcome: Outcome

    def take_part(self) -> None: ...


class _Form(HTMLParser):
    """The fields of a page's forms: hidden ones with their values, and one option of each radio group or box; and what scripts read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.options: dict[str, list[str]] = {}
        self.texts: list[str] = []
        self.config: dict[str, Any] = {}
        self._in_config = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        name = own.get("name", "")
        self._in_config = tag == "script" and own.get("id") == "study-config"
        if tag == "input" and own.get("type") == "hidden":
            self.hidden.setdefault(name, own.get("value", ""))
        elif tag == "input" and own.get("type") in ("radio", "checkbox"):
            self.options.setdefault(name, []).append(own.get("value", ""))
        elif tag in ("input", "textarea") and name:
            self.texts.append(name)

    def handle_data(self, data: str) -> None:
        if self._in_config:
            self.config, self._in_config = json.loads(data), False


def address_of(number: int) -> str:
    """The address that a simulated participant comes from, where the server trusts this machine as a proxy."""
    return str(ip_address(FIRST_ADDRESS + number))


def value_of_check(text: str, values: Sequence[int]) -> int:
    """What an instruction asks for."""
    found = re.search(r"\d+", text)
    return int(found[0]) if found else values[0]


class SimulatedParticipant:
    """One participant with cookies of their own."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.plan, self.number = plan, number
        self.taste = Taste(plan.planted, plan.seed, number)
        self.lots = random.Random(f"{plan.seed}/{number}")  # noqa: S311 (nothing secret)
        self.cookies = http.cookiejar.CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.page = str(uuid4())
        self.outcome = Outcome()
        self.leaves_at = self.lots.randrange(1, 20) if self.lots.random() < plan.habits.leave else None

    def take_part(self) -> None:
        """From the link to the end, or until this participant leaves."""
        entry = f"/study/{self.plan.slug}/{self.plan.query(self.number)}"
        page = self._open(entry)
        page = self._send(entry, _Form(page).hidden | {"decision": "agree", "age": "yes"})
        for _step in range(MOST_STEPS):
            form = _Form(page)
            if 'id="withdrawal-code"' in page:
                self.outcome.ended = "completed" if 'id="done"' in page else "ended"
                return
            if form.config:
                self.outcome.participant = form.config["participant"]
                if not self._rate(form.config):
                    self.outcome.ended = "left"
                    return
                page = self._send(self._run, {"step": form.config["step"]})
                continue
            if "step" not in form.hidden:
                self.outcome.ended = "refused"
                return
            right = self.plan.right
            answers = {name: right.get(name) or self.lots.choice(options) for name, options in form.options.items()}
            page = self._send(self._run, form.hidden | answers | {name: right.get(name, "30") for name in form.texts})
        self.outcome.ended = "lost"

    @property
    def _run(self) -> str:
        return f"/study/{self.plan.slug}/run/"

    def _rate(self, config: dict[str, Any]) -> bool:
        """Answer every trial of the step; False where this participant leaves for good."""
        values = self.outcome.values = tuple(one["value"] for one in config["scale"]["values"])
        trials = self._post("claim", {"page": self.page})["trials"]
        while trials:
            trial = trials.pop(0)
            if trial["place"] == self.leaves_at:
                return False
            self._answer(trial, self._value(trial, values), config)
            if trials and self.lots.random() < self.plan.habits.reload:
                trials = self._post("claim", {"page": self.page, "insists": True})["trials"]
        return True

    def _value(self, trial: dict[str, Any], values: Sequence[int]) -> int:
        if trial["kind"] == "check":
            return value_of_check(trial["text"], values)
        return self.taste.answer(photo_in(trial["photo"]["src"]), values)

    def _answer(self, trial: dict[str, Any], value: int, config: dict[str, Any]) -> None:
        shown = time.perf_counter() * 1000
        least = max(700.0, config["minimum_ms"])
        most = max(least, min(least + 3000, config["limit_ms"] or least + 3000))
        body = {
            "client_id": str(uuid4()), "page": self.page, "place": trial["place"], "token": trial["token"], "value": value,
            "time_origin": time.time() * 1000 - shown, "shown_ms": shown, "first_input_ms": shown + least,
            "answer_ms": shown + self.lots.uniform(least, most), "viewport_width": 390, "viewport_height": 844,
            "shown_width": 360, "shown_height": 240, "device_pixel_ratio": 2, "derivative": 640, "input_kind": "touch",
        }  # fmt: skip
        start = time.perf_counter()
        self._post("trials", body)
        self.outcome.seconds.append(time.perf_counter() - start)
        self.outcome.sent[trial["place"]] = value
        if self.lots.random() < self.plan.habits.twice:
            self._post("trials", body)

    def _open(self, path: str) -> str:
        return self._request(path, None, {})

    def _send(self, path: str, fields: dict[str, str]) -> str:
        body = urlencode(fields | {"csrfmiddlewaretoken": self._csrf()}).encode()
        if self.lots.random() < self.plan.habits.twice:  # a double click
            self._request(path, body, {})
        return self._request(path, body, {})

    def _post(self, what: str, body: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json", "X-CSRFToken": self._csrf()}
        return json.loads(self._request(f"/api/v1/studies/{self.plan.slug}/{what}", json.dumps(body).encode(), headers))

    def _csrf(self) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken"), "")

    def _request(self, path: str, body: bytes | None, headers: dict[str, str]) -> str:
        """Try again while the server is away or too busy, as the page does. The reply of a refusal is a page, too."""
        own = {"Origin": self.plan.address, "X-Forwarded-For": address_of(self.number)}
        request = urllib.request.Request(self.plan.address + path, body, own | headers)  # noqa: S310
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                with self.browser.open(request, timeout=TIMEOUT_SECONDS) as reply:
                    return str(reply.read().decode())
            except urllib.error.HTTPError as error:
                if error.code == 429 and int(error.headers.get("Retry-After") or 0) > LONGEST_WAIT:
                    raise RuntimeError(TOO_MANY) from None
                if error.code < 500 and error.code != 429:
                    if path.startswith("/api/"):
                        raise RuntimeError(f"{path}: {error.code} {error.read().decode()[:200]}") from None
                    return str(error.read().decode())
            except OSError:
                pass
            time.sleep(AGAIN_SECONDS)
        raise RuntimeError(f"{self.plan.address} does not answer.")


TOO_MANY = "The study admits no more from one address now (participants: per_address); with --kill, each comes from an address of its own."


def photo_in(address: str) -> str:
    """The name of a photo in the address of its file: a hash, which is the same for everybody."""
    return address.rsplit("/", 2)[1]


def simulate(people: Sequence[Simulated], *, at_once: int, finished: Callable[[int], None] = lambda count: None) -> list[Outcome]:
    """Let all take part, several at once. `finished` is told how many are. One who fails says why in the outcome."""
    lock, count = threading.Lock(), 0

    def run(one: Simulated) -> Outcome:
        nonlocal count
        try:
            one.take_part()
        except Exception as error:  # one failure must not hide what became of the others
            one.outcome.ended, one.outcome.problem = "failed", str(error) or repr(error)
        with lock:
            count += 1
            finished(count)
        return one.outcome

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(run, people))
