"""What Pydantic says of a field of a design, in words for researchers, and where in the file the field is."""

from pydantic_core import ErrorDetails

from ratings.studies.yaml_reading import Path, Yaml


def path_of(location: tuple[int | str, ...], found: Yaml) -> Path:
    """Where an error is in the file: Pydantic's places name the parts of unions, too, which the file does not have."""
    path: Path = ()
    for part in location:
        if (*path, part) in found.lines:
            path = (*path, part)
        elif (*path, str(part)) in found.lines:
            path = (*path, str(part))
    return path


def sentence_of(error: ErrorDetails) -> str:
    """What is wrong with a field."""
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    texts = {
        "extra_forbidden": "this key is unknown. Is it misspelt, or in the wrong place?",
        "missing": "it is missing.",
        "string_type": "it must be text, or one text for each language.",
        "dict_type": "it must be text, or one text for each language.",
        "list_type": "it must be a list.",
        "model_type": "it must be a group of fields.",
        "model_attributes_type": "it must be a group of fields.",
        "int_parsing": "it must be a whole number.",
        "int_type": "it must be a whole number.",
        "string_pattern_mismatch": f"{str(given)[:60]!r} is not of the form that is needed here.",
        "value_error": f"{context.get('error', '')}.",
    }
    return texts.get(kind, f"{error['msg'].rstrip('.').lower()}.")
