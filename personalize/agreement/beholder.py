"""Beholder indices: how much of a taste is in the eye of the beholder."""

from personalize.agreement.components import Components


def beholder_indices(components: Components) -> dict[str, float]:
    """Four indices of private taste, from variance components; empty where private taste and noise cannot be told apart.

    b1 = rater x photo / (rater x photo + photo)
    b2 = (rater x photo + rater) / (rater x photo + rater + photo)           raters' means count as taste: some like everything more
    modified, total      = (rater + rater x photo + block x rater) / sum of all components
    modified, repeatable = the same / sum of all components but the residual

    0: all taste is shared; .5: as much private as shared; 1: all private. They say nothing about the causes, and
    hold for these photos: more varied photos have more shared variance.

    References:
        Hönekopp, Once more: is beauty in the eye of the beholder?, JEP: HPP 2006; Martinez, Funk & Todorov, Behavior Research Methods 2020.
    """
    if "rater_photo" not in components:
        return {}
    own = {part: max(value, 0.0) for part, value in components.items()}
    private, rater, photo = own["rater_photo"], own["rater"], own["photo"]
    total = sum(own.values())
    modified = private + rater + own.get("block_rater", 0.0)
    found = {
        "beholder_1": (private, private + photo),
        "beholder_2": (private + rater, private + rater + photo),
        "beholder_total": (modified, total),
        "beholder_repeatable": (modified, total - own["residual"]),
    }
    return {key: part / whole if whole > 0 else float("nan") for key, (part, whole) in found.items()}
