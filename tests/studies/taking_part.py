"""Participants and researchers in front of the pages, without a browser."""

import csv
import io
import re
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client

from ratings.models import Participant, Photo, Study, StudyAnswer
from ratings.studies import analysis_services, exports, services
from tests.studies.designs import design, written

RAW = {"time_origin": 1.8e12, "viewport_width": 390, "viewport_height": 844, "device_pixel_ratio": 3, "derivative": 640}

PROLIFIC = {
    "link": False,
    "prolific": {"codes": {"completed": "C1", "declined": "D1", "screened_out": "S1", "checks_failed": "F1", "full": "U1", "fault": "T1"}},
}
FROM_PROLIFIC = "?PROLIFIC_PID=p1&STUDY_ID=s1&SESSION_ID=x1"


class Researcher:
    """An account with the role, and its browser."""

    def __init__(self, name: str) -> None:
        self.user = get_user_model().objects.create_user(name)
        role, created = Group.objects.get_or_create(name="researcher")
        if created:  # after a test that empties all tables
            role.permissions.add(Permission.objects.get(codename="add_study"))
        self.user.groups.add(role)
        self.browser = Client()
        self.browser.force_login(self.user)

    def study(self, photos: list[Photo], *, state: str = "open", **changes: Any) -> Study:
        """A study of these photos in a state."""
        text = written(design([photo.sha256 for photo in photos], **changes))
        study = services.create_study(owner_id=self.user.pk, slug=changes.get("slug", "sunsets"), text=text)
        return services.change_state(study, state, by=self.user.pk) if state != "draft" else study


class Person:
    """Somebody with the link of a study."""

    def __init__(self, slug: str = "sunsets", query: str = "") -> None:
        self.slug, self.query = slug, query
        self.browser = Client()
        self.page = str(uuid4())

    @property
    def row(self) -> Participant:
        return Participant.objects.get(id=self.browser.session["studies"][self.slug])

    def arrive(self) -> Any:
        return self.browser.get(f"/study/{self.slug}/{self.query}")

    def consent(self, **more: str) -> Any:
        self.arrive()
        return self.browser.post(f"/study/{self.slug}/{self.query}", {"decision": "agree", "age": "yes", "lang": "en"} | more, follow=True)

    def go_on(self, step: str, **answers: str) -> Any:
        return self.browser.post(f"/study/{self.slug}/run/", {"step": step} | answers, follow=True)

    def see(self) -> str:
        return self.browser.get(f"/study/{self.slug}/run/", follow=True).content.decode()

    def post(self, what: str, body: dict[str, Any]) -> Any:
        return self.browser.post(f"/api/v1/studies/{self.slug}/{what}", body, content_type="application/json")

    def claim(self, **more: Any) -> Any:
        return self.post("claim", {"page": self.page} | more)

    def answer(self, trial: dict[str, Any], value: int | None = 3, **more: Any) -> Any:
        return self.post("trials", self.body(trial, value, **more))

    def body(self, trial: dict[str, Any], value: int | None = 3, **more: Any) -> dict[str, Any]:
        times = {"shown_ms": 1000.25, "answer_ms": 2500.5, "first_input_ms": 2400}
        who = {"client_id": str(uuid4()), "page": self.page, "place": trial["place"], "token": trial["token"], "value": value}
        return RAW | times | who | more

    def rate_all(self, value: Any = 3, most: int = 10_000) -> None:
        for trial in self.claim().json()["trials"][:most]:
            reply = self.answer(trial, value(trial) if callable(value) else value)
            assert reply.status_code == 201, reply.content

    def reach_trials(self) -> None:
        self.consent()
        self.go_on("instructions")

    def complete(self, value: Any = 3) -> str:
        """From the consent to the end, in a study without questions."""
        self.reach_trials()
        self.rate_all(value)
        return self.go_on("trials").content.decode()

    def code(self) -> str:
        found = re.search(r'id="withdrawal-code">([A-Z0-9-]+)<', self.see())
        assert found
        return found[1]


def make_rows_of_every_table() -> None:
    """One row in each table of studies."""
    photos = list(Photo.objects.all()[:2])
    researcher = Researcher("researcher")
    study = researcher.study(photos, entry={"prolific": {"codes": {"completed": "C"}}}, questions_after=[{"set": "age_gender"}])
    services.invite(study, 1, by=None)
    services.bar_ids(study, ["somebody"], by=None)
    person = Person(query="?PROLIFIC_PID=p")
    person.reach_trials()
    person.rate_all(most=1)
    person.post("events", {"client_id": str(uuid4()), "kind": "break", "place": 1})
    participant = person.row
    StudyAnswer.objects.create(participant=participant, step="questions_after", question="age", value="40")
    services.exclude(participant, reason="test", by=None)
    analysis_services.request_analysis(study)


def table(study: Study, name: str, **options) -> list[dict[str, str]]:
    """The rows of a file of the study's export."""
    return list(csv.DictReader(io.StringIO("".join(exports.lines_of(study, name, **options)))))
