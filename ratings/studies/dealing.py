"""Dealing: which condition, photos and trials a participant gets. Pure: the same design and the same facts give the same trials anywhere.

What depends on who came when (conditions and photos that are filled evenly) is in `assign`, whose outcome is logged; `replay` makes it
again from the log. The order of trials depends on the design, the participant's number and that outcome alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ratings.studies import orders
from ratings.studies.design import StudyFile
from ratings.studies.drawing_lots import Lots
from ratings.studies.orders import Impossible


@dataclass(frozen=True)
class Assignment:
    """What a participant is dealt beside the order: `row` counts those in the condition before; no `photos` means all."""

    number: int
    condition: str
    row: int
    photos: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"number": self.number, "condition": self.condition, "row": self.row, "photos": list(self.photos)}


@dataclass(frozen=True)
class Dealt:
    """One of the participants before. One who went away, or was sent away, `counts` no longer: the places are others' to fill."""

    assignment: Assignment
    counts: bool


@dataclass(frozen=True)
class DealtTrial:
    """One thing to show, in order."""

    place: int
    phase: str  # practice, main, check
    block: str
    position: int  # within the phase, from 1; photos and checks of the study count together
    photo: int | None
    repeat_of: int | None
    dealt_by: str
    probability: float | None
    check_value: int | None = None
    check: int | None = None  # which of the design's checks
    break_before: bool = False


def assign(file: StudyFile, number: int, before: Iterable[Dealt]) -> Assignment:
    """The condition and photos of the next participant: the condition with the fewest who count, the photos with the fewest ratings to
    come; of equals, lots of the seed and the number decide."""
    dealt = list(before)
    condition = _condition(file, number, dealt)
    row = sum(one.assignment.condition == condition for one in dealt)
    pool = pool_of(file, condition)
    each = file.participants.photos_each
    if each is None or each >= len(pool):
        return Assignment(number, condition, row)
    counts = Counter(photo for one in dealt if one.counts for photo in one.assignment.photos)
    lots = Lots(file.seed, "photos", number)
    # Without a target, every photo has the same chance, whoever came before.
    wanted = lots.shuffled(pool) if file.participants.ratings_per_photo is None else sorted(lots.shuffled(pool), key=counts.__getitem__)
    return Assignment(number, condition, row, tuple(sorted(wanted[:each])))


def _condition(file: StudyFile, number: int, dealt: Sequence[Dealt]) -> str:
    if not file.conditions:
        return ""
    counts = Counter(one.assignment.condition for one in dealt if one.counts)
    names = Lots(file.seed, "condition", number).shuffled([condition.name for condition in file.conditions])
    return min(names, key=counts.__getitem__)


def chance_of(file: StudyFile, assignment: Assignment, before: Sequence[Dealt]) -> dict[int, float]:
    """The probability with which each of the participant's photos was dealt, given who was there before."""
    pool, each = pool_of(file, assignment.condition), file.participants.photos_each
    if not assignment.photos or each is None:
        return dict.fromkeys(pool, 1.0)
    if file.participants.ratings_per_photo is None:
        return dict.fromkeys(assignment.photos, each / len(pool))
    counts = Counter(photo for one in before if one.counts for photo in one.assignment.photos)
    limit = sorted(counts[photo] for photo in pool)[each - 1]
    sure = sum(counts[photo] < limit for photo in pool)
    equals = sum(counts[photo] == limit for photo in pool)
    return {photo: 1.0 if counts[photo] < limit else (each - sure) / equals for photo in assignment.photos}


def pool_of(file: StudyFile, condition: str) -> list[int]:
    """The photos that somebody in a condition may be shown, as places in the design's list. Practice photos are not among them."""
    own = file.condition(condition)
    categories = set(own.categories) if own and own.categories else None
    practice = set(file.practice)
    return [
        place
        for place, photo in enumerate(file.photos)
        if photo.sha256 not in practice and (categories is None or photo.category in categories)
    ]


def deal(file: StudyFile, assignment: Assignment, chances: tuple[tuple[int, float], ...] = ()) -> list[DealtTrial]:
    """Everything that a participant is shown, in order.

    Raises:
        Impossible: the rules of the design leave no order; `checks.check` finds that before a study opens.
    """
    file = file.of_condition(assignment.condition)
    practice = _practice(file)
    chance = dict(chances)
    found: list[DealtTrial] = []
    first_positions: dict[int, int] = {}
    checks = {check.after: number for number, check in reversed(list(enumerate(file.trials.checks)))}
    since_break, shown = 0, 0
    for block, order, dealt_by in _blocks(file, assignment):
        in_block: set[int] = set()
        for place_in_block, photo in enumerate(order):
            how = "random_repeat" if photo in in_block else dealt_by
            in_block.add(photo)
            due = file.trials.break_every is not None and since_break == file.trials.break_every
            due |= file.trials.break_between_blocks and place_in_block == 0 and shown > 0
            since_break = 0 if due else since_break
            position = len(found) + 1
            place = len(practice) + len(found)
            found.append(
                DealtTrial(place, "main", block, position, photo, first_positions.get(photo), how, chance.get(photo, 1.0), break_before=due)
            )
            first_positions.setdefault(photo, position)
            shown, since_break = shown + 1, since_break + 1
            if (number := checks.get(shown)) is not None:
                check = file.trials.checks[number]
                found.append(DealtTrial(place + 1, "check", block, position + 1, None, None, "fixed", None, check.value, number))
    return practice + found


def _practice(file: StudyFile) -> list[DealtTrial]:
    places = {photo.sha256: place for place, photo in enumerate(file.photos)}
    return [DealtTrial(n, "practice", "practice", n + 1, places[sha256], None, "fixed", None) for n, sha256 in enumerate(file.practice)]


def _blocks(file: StudyFile, assignment: Assignment) -> list[tuple[str, list[int], str]]:
    pool = set(assignment.photos or pool_of(file, assignment.condition))
    category = [photo.category for photo in file.photos]
    photos_of: dict[str, list[int]] = {}
    blocks: list[tuple[str, list[int], str]] = []
    for block in file.trials.blocks:
        photos = photos_of.get(block.again) or [
            place for place in sorted(pool) if not block.categories or category[place] in block.categories
        ]
        photos_of[block.name] = photos
        lots = Lots(file.seed, "order", assignment.number, block.name)
        order, dealt_by = _order(file, block.order, photos, assignment.row, lots, block.name), str(block.order)
        longest = file.trials.longest_run if block.order == "random" else None
        if longest is not None:
            order, dealt_by = orders.with_short_runs(order, category, longest), "random_short_runs"
        if file.trials.repeats and not block.again:
            repeats = file.trials.repeats
            order = orders.with_repeats(order, repeats.count, repeats.lag, category, longest, lots)
        blocks.append((block.name, order, dealt_by))
    return blocks


def _order(file: StudyFile, kind: str, photos: Sequence[int], row: int, lots: Lots, block: str) -> list[int]:
    if kind == "random":
        return lots.shuffled(photos)
    if kind == "fixed":
        return list(photos)
    if not photos:
        return []
    # Which photo is which letter of the square is random, and the same for everybody.
    letters = Lots(file.seed, "square", block).shuffled(photos)
    return orders.latin_square(letters, row) if kind == "latin_square" else orders.williams(letters, row)


def replay(file: StudyFile, log: Iterable[tuple[str, dict[str, Any]]]) -> list[Assignment]:
    """The assignments that a log of who came, went and came back leads to, in the order of arrival."""
    dealt: dict[int, Dealt] = {}
    for kind, data in log:
        number = data.get("number", 0)
        if kind == "dealt":
            dealt[number] = Dealt(assign(file, number, dealt.values()), counts=True)
        elif kind in ("released", "returned"):
            dealt[number] = Dealt(dealt[number].assignment, counts=kind == "returned")
    return [one.assignment for one in dealt.values()]


__all__ = ["Assignment", "Dealt", "DealtTrial", "Impossible", "assign", "chance_of", "deal", "pool_of", "replay"]
