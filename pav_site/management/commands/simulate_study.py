"""Simulated participants of a study, through the real pages of a running PAV, or of one of its own whose programs are killed meanwhile."""

import signal
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections, transaction

from pav_site import demo
from pav_site.browser import find_headless
from pav_site.embedded import ServiceError
from pav_site.simulation import apart
from pav_site.simulation.participants import Habits, Outcome, SimulatedParticipant, plan_of, simulate
from pav_site.simulation.report import report
from ratings.errors import RatingError
from ratings.photos.models import Photo
from ratings.studies import selectors, services
from ratings.studies.design import StudyFile
from ratings.studies.models import Participant, Study

MODE = Participant.Mode.PILOT
LATE_SHARE = 0.2  # of participants, who come after the places of those who left have been released
PASSED_ON = ("participants", "at_once", "browsers", "seed", "leave", "reload", "twice", "draws")


class Command(BaseCommand):
    help = "Let simulated participants take part in a study, in its pilot; says whether every trial is stored once, and what is found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the study's YAML file; it becomes a pilot here unless it is one")
        parser.add_argument("--participants", type=int, default=20)
        parser.add_argument("--browsers", type=int, default=0, help="how many of them take part in a real Chromium")
        parser.add_argument("--at-once", type=int, default=10, help="how many take part at the same time")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="address of the running PAV that uses this database")
        parser.add_argument(
            "--kill", action="store_true", help="in a PAV of its own, with copies of the photos, whose worker and web server are killed"
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--draws", type=int, default=200, help="bootstrap draws behind the intervals; 0: no analysis of agreement")
        for name, default in (("leave", 0.05), ("reload", 0.05), ("twice", 0.05)):
            parser.add_argument(f"--{name}", type=float, default=default, help="share of participants or trials, from 0 to 1")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["browsers"] <= options["participants"] or not options["participants"] or not options["at_once"] >= 1:
            raise CommandError("Choose one participant or more, one at once or more, and no more browsers than participants.")
        chromium = _chromium() if options["browsers"] else None
        file = _checked(options["file"])
        if options["kill"]:
            self._apart(file, options)
        else:
            self._here(_pilot(file, options["file"].read_text()), file, options, chromium)

    def _here(self, study: Study, file: StudyFile, options: dict[str, Any], chromium: Path | None) -> None:
        """In the running PAV. Those who come late find the places of those who left before: nobody waits for leases here."""
        plan = plan_of(file, options["url"], habits=Habits(options["leave"], options["reload"], options["twice"]), seed=options["seed"])
        browsers, everybody = options["browsers"], options["participants"]
        late = int(LATE_SHARE * (everybody - browsers))
        people = [SimulatedParticipant(plan, number) for number in range(browsers + 1, everybody + 1)]
        connections.close_all()
        outcomes: list[Outcome] = []
        with ThreadPoolExecutor(1) as beside:
            if chromium:
                from pav_site.simulation import in_browser  # Playwright is only there for tests

                watched = [in_browser.BrowserParticipant(plan, number) for number in range(1, browsers + 1)]
                waiting = beside.submit(in_browser.take_part, watched, chromium)
            outcomes += simulate(people[: len(people) - late], at_once=options["at_once"])
            _release_who_left(study, outcomes)
            outcomes += simulate(people[len(people) - late :], at_once=options["at_once"])
            if chromium:
                waiting.result()
                outcomes += [one.outcome for one in watched]
        findings = list(report(study, MODE, outcomes, plan.planted, draws=options["draws"]))
        for finding in findings:
            self.stdout.write(finding.sentence)
        self.stdout.write(f"Next: ./pav export_study {study.slug} --pilot --out DIR")
        faults = [finding.sentence for finding in findings if finding.is_fault]
        if faults:
            raise CommandError("\n".join(["This must not happen:", *faults]))

    def _apart(self, file: StudyFile, options: dict[str, Any]) -> None:
        photos = list(Photo.objects.filter(owner=None, sha256__in=[photo.sha256 for photo in file.photos]))
        arguments = ["simulate_study", str(options["file"].absolute())]
        for name in PASSED_ON:
            arguments += [f"--{name.replace('_', '-')}", str(options[name])]
        for number in demo.END_SIGNALS:  # so that nothing of the installation is left running
            signal.signal(number, demo.end_on_signal)
        try:
            with apart.installation(photos, self.stdout.write) as pav:
                status = apart.run(pav, [*arguments, "--url", pav.address], participants=options["participants"], say=self.stdout.write)
        except ServiceError as error:
            raise CommandError(str(error)) from None
        if status:
            raise CommandError("The simulation found faults.")


def _chromium() -> Path:
    if find_spec("playwright") is None:
        raise CommandError("Playwright is missing. Install it: .venv/bin/pip install -r requirements-dev.txt")
    found = find_headless()
    if found is None:
        raise CommandError("No Chromium or Chrome was found. `./pav doctor` shows how to install one.")
    return found


def _checked(path: Path) -> StudyFile:
    """The study in a file.

    Raises:
        CommandError: it cannot be read, or has problems.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from None
    file, problems = selectors.problems_of(text)
    faults = [str(problem) for problem in problems if not problem.is_advice]
    if file is None or faults:
        raise CommandError("\n".join(faults))
    return file


def _pilot(file: StudyFile, text: str) -> Study:
    """The study of a file, in its pilot.

    Raises:
        CommandError: the study is past its pilot.
    """
    study = selectors.study_by_slug(file.slug)
    try:
        if study is None:
            study = services.create_study(owner_id=None, slug=file.slug, text=text)
        if study.state == Study.State.DRAFT:
            study = services.change_state(study, Study.State.PILOT, by=None)
    except RatingError as error:
        raise CommandError(str(error.sentence)) from None
    if study.state != Study.State.PILOT:
        raise CommandError(f"{study.slug} is {study.get_state_display()}: simulated participants only take part in a pilot.")
    return study


def _release_who_left(study: Study, outcomes: list[Outcome]) -> None:
    """Give the places of those who left to others, as the end of their lease does."""
    left = [outcome.participant for outcome in outcomes if outcome.ended == "left"]
    with transaction.atomic():
        services.locked(study.pk)
        for participant in Participant.objects.filter(pk__in=left).select_related("study"):
            services.release(participant, why="away")
