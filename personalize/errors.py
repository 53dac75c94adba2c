"""Errors that a user can fix; each message names the cause and the fix."""


class PersonalizeError(ValueError):
    """Base class of all errors that a user of this package can fix."""


class UnknownName(PersonalizeError):
    """A registry has no entry with the given name."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        super().__init__(f"There is no {kind} named {name!r}. Known: {', '.join(sorted(known))}.")


class BadOption(PersonalizeError):
    """An option is out of range; the message names it and its limits."""


def at_least(least: float, **chosen: float) -> None:
    """Reject numbers below `least`.

    Raises:
        BadOption: a number in `chosen` is below it, or nan; the message names the first one.
    """
    for name, value in chosen.items():
        if not value >= least:  # also rejects nan
            raise BadOption(f"{name.replace('_', ' ')} is {value}: it must be at least {least}.")


class MissingWeights(PersonalizeError):
    """The pre-trained weights of a backbone are missing on this machine, or not the expected ones."""


class IncompatibleTaskVector(PersonalizeError):
    """A task vector lacks a block of the base model, has an extra one, or has one of another shape."""


class UnknownLayer(PersonalizeError):
    """A model has a parameter in a kind of layer without a tangent rule."""


class BadBank(PersonalizeError):
    """A bank file cannot be read, is of an unknown format, does not match its metadata, or lacks a requested part."""


class BadCheckpoint(PersonalizeError):
    """A fine-tuned model or the state of a training run is missing, damaged, or belongs to another format or run."""


class BadDataset(PersonalizeError):
    """A folder or table of rated photos does not have the expected layout."""


class NoSingleRatings(BadDataset):
    """A dataset has only mean scores of photos, without the ratings of individual raters."""


class BadPhoto(PersonalizeError):
    """A file cannot be read as a photo."""


class TooFewRatings(PersonalizeError):
    """There are too few raters or ratings, or no differing ones, for a measurement."""


class BadResults(PersonalizeError):
    """A file of saved results has an invalid line."""


class BadModel(PersonalizeError):
    """A rater's model cannot be written or read, or belongs to another bank."""


class BadProjection(PersonalizeError):
    """A projection cannot be learned, read or applied: too few photos, photos that are all alike, or vectors of another length."""
