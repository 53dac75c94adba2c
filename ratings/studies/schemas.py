"""API schemas of a study's trials."""

import re
from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from ninja import Field, Schema

from ratings.photos import files
from ratings.photos.intake import page_widths
from ratings.photos.models import Photo
from ratings.studies.dealing import DealtTrial
from ratings.studies.design import StudyFile, said
from ratings.studies.models import Participant
from ratings.studies.trial_services import Answer, token_of

Milliseconds = Annotated[float, Field(ge=0, lt=1e15, allow_inf_nan=False)]
Pixels = Annotated[float, Field(ge=0, lt=1e6, allow_inf_nan=False)]
Address = Callable[[Photo, str], str]  # of a photo's file, by its name


class ClaimIn(Schema):
    page: UUID = Field(description="Made by the tab that shows the trials.")
    insists: bool = Field(False, description="Go on here, though another tab is open.")


class StudyPhotoOut(Schema):
    src: str
    srcset: str
    width: int
    height: int


class TrialOut(Schema):
    place: int
    token: str
    kind: Literal["photo", "check"]
    number: int = Field(description="Of this trial among those of the step, from 1.")
    text: str = Field(description="Of an instructed check.")
    photo: StudyPhotoOut | None
    break_before: bool


class RunOut(Schema):
    trials: list[TrialOut] = Field(description="Those of the step that have no answer yet, in order.")
    total: int
    can_undo: bool


class TrialIn(Schema):
    """One answer with its raw times, in milliseconds on the clock of the page; `time_origin` is when that clock was 0, in UTC."""

    client_id: UUID
    page: UUID
    token: str = Field(max_length=64)
    place: int = Field(ge=0, lt=1_000_000)
    value: int | None = None
    skipped: bool = False
    timed_out: bool = False
    changes: list[tuple[Milliseconds, int]] = Field([], max_length=200)
    time_origin: Milliseconds
    shown_ms: Milliseconds
    first_input_ms: Milliseconds | None = None
    answer_ms: Milliseconds
    swipe_start_ms: Milliseconds | None = None
    swipe_release_ms: Milliseconds | None = None
    hidden: list[tuple[Milliseconds, Milliseconds]] = Field([], max_length=200)
    viewport_width: int = Field(ge=0, lt=100_000)
    viewport_height: int = Field(ge=0, lt=100_000)
    shown_width: Pixels | None = None
    shown_height: Pixels | None = None
    device_pixel_ratio: float = Field(gt=0, lt=100, allow_inf_nan=False)
    derivative: int | None = Field(None, ge=0, lt=100_000, description="Width of the file that was shown.")
    orientation: str = Field("", max_length=20)
    input_kind: Literal["touch", "mouse", "pen", "key", "button", ""] = ""

    def as_answer(self) -> Answer:
        named = {"client_id", "place", "token", "page", "value", "skipped", "timed_out"}
        body = self.model_dump()
        body["orientation"] = re.sub(r"[^a-z-]", "", self.orientation)  # anything else is no orientation, and may be unstorable
        return Answer(**{name: body.pop(name) for name in named}, raw=body)


class UndoIn(Schema):
    client_id: UUID
    place: int = Field(ge=0, lt=1_000_000)


class EventIn(Schema):
    client_id: UUID
    kind: Literal["break", "photo_failed"]
    place: int = Field(ge=0, lt=1_000_000)
    started_ms: Milliseconds = 0
    ended_ms: Milliseconds = 0


class StoredOut(Schema):
    stored: bool = Field(description="False where this very answer had been stored before.")


def trial_out(
    file: StudyFile, participant: Participant, trial: DealtTrial, number: int, photo: Photo | None, address: Address
) -> dict[str, object]:
    """A trial as the page gets it: nothing that could sway, such as names or alternative texts."""
    check = None if trial.check is None else file.trials.checks[trial.check]
    return {
        "place": trial.place,
        "token": token_of(participant.pk, trial.place),
        "kind": "check" if check else "photo",
        "number": number,
        "text": said(check.text, participant.language) if check else "",
        "photo": photo_out(photo, address) if photo else None,
        "break_before": trial.break_before,
    }


def photo_out(photo: Photo, address: Address) -> dict[str, object]:
    """The files of a photo; `address` gives the address of one."""
    usual = f"{min(photo.width, files.USUAL_WIDTH)}.webp"
    widths = ", ".join(f"{address(photo, f'{width}.webp')} {width}w" for width in page_widths(photo.width))
    return {"src": address(photo, usual), "srcset": widths, "width": photo.width, "height": photo.height}
