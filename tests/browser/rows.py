"""Step: changes rows of a model, as an administrator would."""

from typing import Any

from ratings import models


def main(model: str, chosen: dict[str, Any], changes: dict[str, Any]) -> int:
    """How many rows were changed."""
    return int(getattr(models, model).objects.filter(**chosen).update(**changes))
