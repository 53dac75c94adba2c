"""Orders of trials: limited runs of a category, repeats after a lag, Latin squares and Williams designs. Photos are numbers."""

from collections import Counter
from collections.abc import Sequence

from ratings.studies.drawing_lots import Lots

TRIES = 50


class Impossible(ValueError):
    """No order keeps the rules."""


def latin_square(items: Sequence[int], row: int) -> list[int]:
    """A row of the cyclic Latin square: over as many rows as items, each item is once at each position."""
    shift = row % len(items)
    return [*items[shift:], *items[:shift]]


def williams(items: Sequence[int], row: int) -> list[int]:
    """A row of a Williams design: over all rows, each item follows each other one equally often. n rows, or 2n where n is odd.

    The first row is 0, 1, n-1, 2, n-2, ...; the others add 1 to each place, and for odd n the second half is reversed.

    References:
        Williams, Australian Journal of Scientific Research A 2 (1949).
    """
    n = len(items)
    first = [0] + [(place + 1) // 2 if place % 2 else n - place // 2 for place in range(1, n)]
    row %= n if n % 2 == 0 else 2 * n
    order = [items[(place + row) % n] for place in first]
    return order[::-1] if row >= n else order


def rows_of_williams(count: int) -> int:
    return count if count % 2 == 0 else 2 * count


def with_short_runs(order: Sequence[int], category: Sequence[str], longest: int) -> list[int]:
    """The order, with as few photos brought forward as needed so that no category has more than `longest` in a row.

    At each place the first photo comes that does not make a run too long and leaves an order for the rest: the rest of a category c fits
    if it has at most `longest` photos for each gap between the others, less those of the run at hand.

    Raises:
        Impossible: one category has too many photos.
    """
    waiting, left = list(order), Counter(category[photo] for photo in order)
    found: list[int] = []
    run, last = 0, ""

    def fits(last: str, run: int) -> bool:
        total = sum(left.values())
        return all(count <= longest * (total - count + 1) - (run if one == last else 0) for one, count in left.items() if count)

    if not fits("", 0):
        raise Impossible(f"one category has so many photos that some must come more than {longest} in a row")
    while waiting:
        tried = set()
        for place, photo in enumerate(waiting):
            one = category[photo]
            if one in tried:
                continue
            tried.add(one)
            longer = run + 1 if found and one == last else 1
            left[one] -= 1
            if longer <= longest and fits(one, longer):
                found.append(waiting.pop(place))
                run, last = longer, one
                break
            left[one] += 1
        else:
            raise Impossible(f"no order keeps runs of one category at {longest}")
    return found


def with_repeats(order: Sequence[int], count: int, lag: int, category: Sequence[str], longest: int | None, lots: Lots) -> list[int]:
    """The order with `count` of its photos shown twice, the second time at least `lag` trials after the first.

    A repeat is put in at random; later ones only move it further away from its first.

    Raises:
        Impossible: the block is too short, or the runs of categories leave no room.
    """
    if count > max(0, len(order) - lag + 1) or count > len(order):
        raise Impossible(f"{count} repeats after {lag} trials do not fit into a block of {len(order)} photos")
    for _try in range(TRIES):
        found = list(order)
        free = set(order)
        for _repeat in range(count):
            chosen = _room(found, free, lag, category, longest, lots)
            if chosen is None:
                break
            photo, place = chosen
            found.insert(place, photo)
            free.remove(photo)
        else:
            return found
    raise Impossible(f"{count} repeats after {lag} trials leave runs of one category longer than {longest}")


def _room(
    order: Sequence[int], free: set[int], lag: int, category: Sequence[str], longest: int | None, lots: Lots
) -> tuple[int, int] | None:
    early = [(place, photo) for place, photo in enumerate(order) if photo in free and place + lag <= len(order)]
    for first, photo in lots.shuffled(early):
        for place in lots.shuffled(range(first + lag, len(order) + 1)):
            if longest is None or longest_run([*order[:place], photo, *order[place:]], category) <= longest:
                return photo, place
    return None


def longest_run(order: Sequence[int], category: Sequence[str]) -> int:
    """The most photos of one category in a row."""
    most = run = 0
    for place, photo in enumerate(order):
        run = run + 1 if place and category[photo] == category[order[place - 1]] else 1
        most = max(most, run)
    return most
