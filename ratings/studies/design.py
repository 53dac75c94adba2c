"""The design of a study: what its YAML file may say. Each field has its meaning beside it; `checks.py` has the rules between fields."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from ratings.studies.scales import SCALES, ScaleKind, ScaleValue

Text = str | dict[str, str]  # one text for all languages, or one for each
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\s,;\"]([^,;\"\n]*[^\s,;\"])?$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
MOST_PHOTOS = 10_000
RATE = re.compile(r"[1-9]\d{0,6}/(second|minute|hour|day)")


def said(text: Text, language: str) -> str:
    """A text in a language."""
    return text if isinstance(text, str) else text.get(language, next(iter(text.values()), ""))


class Part(BaseModel):
    """Base class: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Scale(Part):
    kind: Literal["swipe", "likert"]
    points: int | None = None
    labels: dict[int, Text] = {}  # of values: the ends, or all
    question: Text = ""  # above the photo, such as: How beautiful is this photo?

    @property
    def row(self) -> ScaleKind:
        return SCALES[self.kind]

    @property
    def point_count(self) -> int:
        return self.points if self.points is not None else self.row.default_points

    @property
    def values(self) -> tuple[ScaleValue, ...]:
        return self.row.values(self.point_count)


class StudyPhotoRow(Part):
    sha256: Sha256
    name: str = Field(default="", max_length=200)  # for whoever reads the file; participants never see it
    category: str = Field(default="", max_length=60)


class Question(Part):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    kind: Literal["choice", "number", "text", "matrix"]
    text: Text
    options: list[Text] = Field(default=[], max_length=60)  # of a choice; the points of a matrix. Stored: the place, from 1
    rows: list[Text] = Field(default=[], max_length=40)  # of a matrix
    minimum: float | None = None
    maximum: float | None = None
    required: bool = True
    correct: int | None = None  # of a comprehension question: the place of the right option
    screen_out: list[int] = []  # places of options after which the run ends kindly


class QuestionSet(Part):
    set: Literal["age_gender", "aesthetics_interest"]


def _kind_of_row(row: object) -> str:
    return "set" if isinstance(row, QuestionSet) or (isinstance(row, dict) and "set" in row) else "question"


QuestionRow = Annotated[Annotated[Question, Tag("question")] | Annotated[QuestionSet, Tag("set")], Discriminator(_kind_of_row)]


class Consent(Part):
    text: Text  # information and consent
    approval: str = ""  # number of the ethics approval
    pay: Text = ""
    warning: Text = ""  # about content
    minimum_age: int | None = Field(default=None, ge=0, le=120)
    withdraw_until: date


class Example(Part):
    photo: Sha256
    text: Text


class Instructions(Part):
    text: Text
    examples: list[Example] = Field(default=[], max_length=12)


class Comprehension(Part):
    questions: list[Question] = Field(min_length=1, max_length=20)
    tries: int = Field(default=2, ge=1, le=5)


class Block(Part):
    name: Name
    order: Literal["random", "latin_square", "williams", "fixed"] = "random"
    categories: list[str] = []  # empty: all photos
    again: str = ""  # the photos of an earlier block once more, in an order of its own


class Repeats(Part):
    count: int = Field(ge=1)  # in each block that is not itself a repetition
    lag: int = Field(default=10, ge=1)  # trials between a photo and its repetition, at least


class Check(Part):
    text: Text  # such as: Please choose 2 here.
    value: int
    after: int = Field(ge=1)  # this many trials


class Trials(Part):
    blocks: list[Block] = Field(min_length=1, max_length=20)
    repeats: Repeats | None = None
    longest_run: int | None = Field(default=None, ge=1)  # photos of one category in a row, at most
    checks: list[Check] = Field(default=[], max_length=20)
    break_every: int | None = Field(default=None, ge=1)
    break_between_blocks: bool = True
    minimum_seconds: float = Field(default=0, ge=0, le=60)
    limit_seconds: float | None = Field(default=None, gt=0, le=600)
    confirm: bool = False  # a choice counts when it is confirmed, so that changes of mind are seen
    undo: bool = False
    skip: bool = False


class Condition(Part):
    """What differs for those who are dealt into it; what it leaves out is as in the rest of the design."""

    name: Name
    instructions: Text = ""
    question: Text = ""
    scale: Scale | None = None
    trials: Trials | None = None
    categories: list[str] = []  # empty: as the blocks say


class Participants(Part):
    places: int = Field(ge=1, le=1_000_000)
    photos_each: int | None = Field(default=None, ge=1)  # of the photos; unset: all
    ratings_per_photo: int | None = Field(default=None, ge=1)  # wanted, by as many participants
    lease_minutes: int = Field(default=30, ge=2, le=7 * 24 * 60)
    per_address: str = "60/hour"

    @field_validator("per_address")
    @classmethod
    def _is_rate(cls, text: str) -> str:
        if not RATE.fullmatch(text):
            raise ValueError("it must be a rate such as 60/hour")
        return text


class Codes(Part):
    """One code per outcome, as Prolific gave them."""

    completed: str
    declined: str = ""
    screened_out: str = ""
    checks_failed: str = ""
    full: str = ""
    fault: str = ""

    def of(self, outcome: str) -> str:
        """The code of an outcome, or of a state of a participant; a run that was left ends like one with a technical fault."""
        return str(getattr(self, "fault" if outcome == "left" else outcome, ""))

    def without_run(self) -> set[str]:
        """Codes of those who began no run: declined, full, barred."""
        return {self.declined, self.full, self.screened_out} - {"", self.completed}


class Prolific(Part):
    codes: Codes


class Entry(Part):
    link: bool = True  # whoever has the link
    invitations: bool = False
    prolific: Prolific | None = None


class Cleaning(Part):
    """Rules by which `trials_cleaned.csv` leaves trials out. Frozen before the first trial; nothing is deleted by them."""

    fastest_seconds: float | None = Field(default=None, ge=0)
    slowest_seconds: float | None = Field(default=None, gt=0)
    drop_hidden: bool = False  # trials while which the page was out of sight
    most_failed_checks: int | None = Field(default=None, ge=0)  # of a participant
    completed_only: bool = True


class StudyFile(Part):
    """A whole study."""

    pav_study: Literal[1]
    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$")
    title: Text
    languages: list[Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]] = Field(["en"], min_length=1, max_length=20)
    contact: str = Field(min_length=3, max_length=200)
    seed: int = Field(ge=0, lt=2**63)
    scale: Scale
    consent: Consent
    instructions: Instructions
    practice: list[Sha256] = Field(default=[], max_length=20)
    comprehension: Comprehension | None = None
    questions_before: list[QuestionRow] = Field(default=[], max_length=60)
    questions_after: list[QuestionRow] = Field(default=[], max_length=60)
    debriefing: Text = ""
    photos: list[StudyPhotoRow] = Field(min_length=1, max_length=MOST_PHOTOS)
    trials: Trials
    conditions: list[Condition] = Field(default=[], max_length=20)
    participants: Participants
    entry: Entry = Entry()
    devices: list[Literal["phone", "tablet", "desktop"]] = []  # empty: any
    resume: Literal["reload", "later", "never"] = "later"
    ends_at: date | None = None
    keep_ids_days: int = Field(default=90, ge=0, le=3650)  # after the study has closed, or after the run where it has no end
    cleaning: Cleaning = Cleaning()
    primary_statistic: str
    interface: dict[str, dict[str, str]] = {}  # words of the pages in languages that PAV does not speak

    @field_validator("pav_study", mode="before")
    @classmethod
    def _known_format(cls, value: object) -> object:
        if value != 1:
            raise ValueError("this PAV reads studies of format 1")
        return value

    def condition(self, name: str) -> Condition | None:
        return next((condition for condition in self.conditions if condition.name == name), None)

    def of_condition(self, name: str) -> "StudyFile":
        """The study as those in a condition see it: with its instructions, scale, question and trials."""
        own = self.condition(name)
        if own is None:
            return self
        scale = own.scale or self.scale
        changes: dict[str, object] = {"trials": own.trials or self.trials}
        changes["scale"] = scale.model_copy(update={"question": own.question}) if own.question else scale
        if own.instructions:
            changes["instructions"] = self.instructions.model_copy(update={"text": own.instructions})
        return self.model_copy(update=changes)

    def conditions_by_scale(self) -> list[list[str]]:
        """Names of the conditions, those with the same values of the scale together. Only their answers can be compared."""
        groups: dict[tuple[str, int], list[str]] = {}
        for condition in self.conditions:
            scale = condition.scale or self.scale
            groups.setdefault((scale.kind, scale.point_count), []).append(condition.name)
        return list(groups.values())
