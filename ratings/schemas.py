"""Shapes of what the API takes and answers; the OpenAPI document is made of them."""

from typing import Any, Literal
from uuid import UUID

from ninja import Field, Schema

from ratings import media
from ratings.models import Photo, Presentation, Value

Answer = Literal["dislike", "like", "love", "skip"]
Modality = Literal["touch", "mouse", "pen", "key", "button"]


class RatingIn(Schema):
    """An answer to a card."""

    client_id: UUID = Field(description="Made by the client for this answer; the same one again changes nothing.")
    token: UUID = Field(description="Of the card that is answered.")
    value: Answer = Field(description="`skip` means: can't say.")
    on_screen_ms: int | None = Field(None, ge=0, le=86_400_000, description="How long the photo was visible, in milliseconds.")
    modality: Modality | None = Field(None, description="How the answer was given.")

    @property
    def stored_value(self) -> Value:
        """The answer as it is stored."""
        return Value[self.value.upper()]


class RecordedOut(Schema):
    ratings_seq: int = Field(description="Number of this person's events so far.")


class PhotoOut(Schema):
    id: int
    src: str = Field(description="Address of a file for a middle-sized screen.")
    srcset: str = Field(description="All widths, for the `srcset` of an image.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    thumbhash: str = Field(description="A tiny preview, base64; see the ThumbHash format.")
    alt: str
    credit: str
    licence: str


class PlacedPhotoOut(PhotoOut):
    place: int | None = Field(description="In this person's ranking; null while the photo is not described.")
    everyones_place: int | None = Field(description="In the generic ranking.")


class PhotosOut(Schema):
    photos: list[PlacedPhotoOut]


class CardOut(Schema):
    token: UUID
    photo: PhotoOut


class PhotoCounts(Schema):
    described: int = Field(description="Photos that can be dealt and ranked.")
    total: int


class DeckOut(Schema):
    cards: list[CardOut]
    answered: int = Field(description="Cards answered so far, skips included.")
    photos: PhotoCounts


class UndoneOut(RecordedOut):
    card: CardOut | None = Field(description="Open again; null where the same undo is sent again after the card was answered anew.")


class AccuracyOut(Schema):
    """Rank correlation (SROCC) of left-out predictions with the person's own ratings, with its 95 % interval; each -1 to 1."""

    srocc: float
    low: float
    high: float


class PlacedOut(Schema):
    id: int
    place: int = Field(description="From 1.")
    was: int | None = Field(description="Place in the version before; null outside of its top 500.")
    score: float = Field(description="No unit; higher is better.")


class CheckedOut(Schema):
    """SROCC of each model's guesses of left-out answers with the answers themselves, on the same folds; each -1 to 1."""

    instant: float
    exact: float


class SpeakerOut(Schema):
    model: Literal["generic", "instant", "exact"] = Field(description="Which model ranks. `exact` has put the first 500 places in order.")
    checked: CheckedOut | None = Field(description="How the two compare for the answers so far; null until both were tried.")


class RankingOut(Schema):
    version: int = Field(description="Counts this person's fits; 0 is the generic ranking.")
    ratings_seq: int = Field(description="The last event that the fit has seen.")
    accuracy: AccuracyOut | None
    total: int = Field(description="Photos in the ranking.")
    speaker: SpeakerOut
    top: list[PlacedOut]


class MeOut(Schema):
    shares_answers: bool = Field(description="Whether this person's answers teach PAV what people share.")


class MeIn(Schema):
    shares_answers: bool = Field(description="Let them, from the next night on, or no longer.")


class Problem(Schema):
    detail: str = Field(description="One sentence for people.")


def photo_shape(photo: Photo) -> dict[str, Any]:
    """A photo as the page gets it: never its owner, path or file name."""
    return {
        "id": photo.id,
        "src": media.src(photo),
        "srcset": media.srcset(photo),
        "width": photo.width,
        "height": photo.height,
        "thumbhash": photo.thumbhash,
        "alt": photo.alt,
        "credit": photo.credit,
        "licence": photo.licence,
    }


def card_shape(card: Presentation) -> dict[str, Any]:
    return {"token": card.token, "photo": photo_shape(card.photo)}
