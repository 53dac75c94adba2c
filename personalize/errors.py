"""Errors that a user can mend, each with a message that names the cause and the way out."""


class PersonalizeError(ValueError):
    """Base of all errors that a user of this package can mend."""


class UnknownName(PersonalizeError):
    """A registry was asked for a name that it does not have."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        super().__init__(f"There is no {kind} named {name!r}. Known: {', '.join(sorted(known))}.")


class BadOption(PersonalizeError):
    """A number that was chosen makes no sense; it is named, with its limits."""


def at_least(least: float, **chosen: float) -> None:
    """Refuse numbers below `least`.

    Raises:
        BadOption: the first of `chosen` that is.
    """
    for name, value in chosen.items():
        if not value >= least:  # nor nan
            raise BadOption(f"{name.replace('_', ' ')} is {value}: it goes from {least} up.")


class MissingWeights(PersonalizeError):
    """The pre-trained weights of a backbone are not on this machine, or are not the expected ones."""


class IncompatibleTaskVector(PersonalizeError):
    """A task vector lacks a block of the base model, has one too many, or one of another shape."""


class UnknownLayer(PersonalizeError):
    """A model has a parameter in a kind of layer whose tangents are not known."""


class BadBank(PersonalizeError):
    """A bank file cannot be read, is of an unknown format, does not match its metadata, or lacks what it is asked for."""


class BadCheckpoint(PersonalizeError):
    """A fine-tuned model or the state of a training run is missing, damaged, of another format, or of another run."""


class BadDataset(PersonalizeError):
    """A folder or table of rated photos is not laid out as expected."""


class NoSingleRatings(BadDataset):
    """A dataset tells what raters thought of a photo on average, and not what each of them did."""


class BadPhoto(PersonalizeError):
    """A file cannot be read as a photo."""


class TooFewRatings(PersonalizeError):
    """There are too few raters or ratings, or none that differ, for what was to be measured."""


class BadResults(PersonalizeError):
    """A file of kept results has a line that is no result."""


class BadModel(PersonalizeError):
    """A rater's model cannot be written or read, or belongs to another bank."""
