"""API schemas of the deck."""

from typing import Literal
from uuid import UUID

from ninja import Field, Schema

from ratings.deck.models import Presentation, Value
from ratings.photos.schemas import PhotoOut, photo_out

RatingValue = Literal["dislike", "like", "love", "skip"]
Modality = Literal["touch", "mouse", "pen", "key", "button"]


class _GivenRating(Schema):
    client_id: UUID = Field(description="Made by the client for this rating; the same id again changes nothing.")
    value: RatingValue = Field(description="`skip` means: can't say.")
    modality: Modality | None = Field(None, description="How the rating was given.")

    @property
    def stored_value(self) -> Value:
        """The value as it is stored."""
        return Value[self.value.upper()]


class RatingIn(_GivenRating):
    """A rating of a dealt card."""

    token: UUID = Field(description="Of the card that is rated.")
    on_screen_ms: int | None = Field(None, ge=0, le=86_400_000, description="How long the photo was visible, in milliseconds.")
    rater: UUID | None = Field(None, description="Whose page this is; 412 where another rater is signed in by now.")


class PickedIn(_GivenRating):
    """A rating of a photo that the rater picked."""

    photo: int


class RecordedOut(Schema):
    ratings_seq: int = Field(description="Number of this rater's rating events so far.")


class PickedOut(RecordedOut):
    token: UUID = Field(description="Of the card that the photo has by now: what undo names.")


class CardOut(Schema):
    token: UUID
    photo: PhotoOut


class PhotoCounts(Schema):
    ready: int = Field(description="Photos that can be dealt and ranked.")
    total: int
    updated: int | None = Field(description="Photos ready for the next version of the ranking, while one fills; else null.")


class DeckOut(Schema):
    cards: list[CardOut]
    rated: int = Field(description="Photos of the scope rated so far, skips included.")
    photos: PhotoCounts
    last_rated: list[UUID] = Field(description="Tokens of the cards that were rated last, the last one first, at most 20: what undo names.")


class UndoneOut(RecordedOut):
    card: CardOut | None = Field(description="Open again; null where the same undo is sent again after the card was rated anew.")


def card_out(presentation: Presentation) -> CardOut:
    return CardOut(token=presentation.token, photo=PhotoOut(**photo_out(presentation.photo)))
