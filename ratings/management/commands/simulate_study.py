"""Simulated participants of a study, through the real pages of a running PAV."""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from statistics import quantiles
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from ratings.errors import RatingError
from ratings.studies import selectors, services, simulation
from ratings.studies.design import StudyFile
from ratings.studies.models import Participant, Study
from ratings.studies.question_sets import questions_of


class Command(BaseCommand):
    help = "Let simulated participants take part in a study, in its pilot, over HTTP; says whether every trial is stored once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the study's YAML file; it becomes a pilot here unless it is one")
        parser.add_argument("--participants", type=int, default=20)
        parser.add_argument("--at-once", type=int, default=10, help="how many take part at the same time")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="address of the running PAV that uses this database")
        parser.add_argument("--seed", type=int, default=0)
        for name, default in (("leave", 0.05), ("reload", 0.05), ("twice", 0.05)):
            parser.add_argument(f"--{name}", type=float, default=default, help="share of participants or trials, from 0 to 1")

    def handle(self, *args: Any, **options: Any) -> None:
        study, file = _pilot(options["file"])
        habits = simulation.Habits(options["leave"], options["reload"], options["twice"])
        people = [
            simulation.SimulatedParticipant(options["url"], study.slug, number, simulation.Planted(), habits, options["seed"])
            for number in range(1, options["participants"] + 1)
        ]
        connections.close_all()
        outcomes = simulation.simulate(
            people, right_answers(file), [one.value for one in file.scale.values], at_once=options["at_once"], query=_query(file)
        )
        ended = Counter(outcome.ended for outcome in outcomes)
        seconds = [one for outcome in outcomes for one in outcome.seconds]
        self.stdout.write(f"Participants: {', '.join(f'{count} {name}' for name, count in sorted(ended.items()))}.")
        if len(seconds) > 1:
            cuts = quantiles(seconds, n=20)
            self.stdout.write(f"Answers: {len(seconds)}; stored within {1000 * cuts[9]:.0f} ms (median), {1000 * cuts[18]:.0f} ms (p95).")
        sent, stored = sum(len(outcome.sent) for outcome in outcomes), selectors.stored_trials(study, Participant.Mode.PILOT)
        self.stdout.write(f"Trials that the server accepted: {sent}; stored in this pilot: {stored}.")
        self.stdout.write(f"Next: ./pav export_study {study.slug} --pilot --out DIR")


def _pilot(path: Path) -> tuple[Study, StudyFile]:
    """The study of a file, in its pilot.

    Raises:
        CommandError: the file has problems, or the study is past its pilot.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    file, problems = selectors.problems_of(text)
    faults = [str(problem) for problem in problems if not problem.is_advice]
    if file is None or faults:
        raise CommandError("\n".join(faults))
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
    return study, file


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


def _query(file: StudyFile) -> Any:
    if file.entry.prolific and not file.entry.link:
        return lambda number: f"?PROLIFIC_PID=simulated-{number}"
    return lambda number: ""
