"""An analysis in sentences and tables, for people; the Markdown report is made of the same parts."""

from collections.abc import Sequence

from personalize.agreement.analysis import Agreement
from personalize.agreement.definitions import DEFINITIONS
from personalize.agreement.pair_analysis import PairAgreement
from personalize.agreement.statistic import Statistic

PERCENT = ("share_", "beholder_", "side", "ties", "same_choice", "intransitive_")


def number(key: str, value: float | None) -> str:
    """A value as people read it: shares in percent, correlations without the leading zero."""
    if value is None:
        return "-"
    if key.startswith(PERCENT):
        return f"{100 * value:.1f} %"
    return f"{value:.3f}"


def with_interval(one: Statistic) -> str:
    if one.value is None:
        return "not estimable"
    ends = "" if one.low is None else f" ({number(one.key, one.low).removesuffix(' %')} to {number(one.key, one.high).removesuffix(' %')})"
    return number(one.key, one.value) + ends


def counts(result: Agreement | PairAgreement) -> str:
    """One sentence: how many raters, photos and ratings."""
    if isinstance(result, PairAgreement):
        return (
            f"{len(result.choices.raters):,} raters chose between {len(result.choices.photos):,} photos in {len(result.choices):,} pairs."
        )
    ratings = result.ratings
    again = ", some of them several times" if ratings.has_repeats else ""
    return f"{len(ratings.raters):,} raters rated {len(ratings.photos):,} photos{again}: {len(ratings):,} ratings."


def sentences(result: Agreement | PairAgreement) -> list[str]:
    """What the numbers say, one sentence a finding; findings that the design does not give are left out."""
    return _of_pairs(result) if isinstance(result, PairAgreement) else _of_ratings(result)


def _of_ratings(result: Agreement) -> list[str]:
    found = []
    photo, rater, private, noise = (result.of(f"share_{part}") for part in ("photo", "rater", "rater_photo", "residual"))
    if photo.value is not None and private.value is not None:
        found.append(
            f"Of all differences between ratings, {with_interval(photo)} is shared taste, {with_interval(private)} is each rater's own "
            f"taste, {with_interval(rater)} is how raters use the scale, and {with_interval(noise)} is noise."
        )
    elif photo.value is not None:
        found.append(
            f"Of all differences between ratings, {with_interval(photo)} is shared taste and {with_interval(rater)} is how raters use the "
            f"scale. The other {with_interval(noise)} is private taste and noise, which cannot be told apart: no rater rated a photo twice."
        )
    pair, others = result.of("pairwise_pearson"), result.of("mean_minus_one_pearson")
    if others.value is not None:
        both = f"; two single raters correlate {with_interval(pair)}" if pair.value is not None else ""
        found.append(f"The mean of all others predicts a rater's ratings with a correlation of {with_interval(others)}{both}.")
    halves = result.of("split_half_raters")
    if halves.value is not None:
        found.append(f"As many other raters would give mean ratings that correlate {with_interval(halves)} with these.")
    retest = result.of("retest")
    if retest.value is not None:
        found.append(f"Raters repeat themselves with a correlation of {with_interval(retest)}.")
    generic, personal = result.of("ceiling_generic"), result.of("ceiling_personal")
    if personal.value is not None:
        found.append(
            f"A model that is the same for everyone can correlate at most {with_interval(generic)} with a rater's ratings, a model of the "
            f"rater at most {with_interval(personal)}: the difference is what personalization can add."
        )
    elif generic.value is not None:
        found.append(f"A model that is the same for everyone can correlate at most {with_interval(generic)} with a rater's ratings.")
    if result.personal and result.of("personal_gain").value is not None:
        mean, alone, both, gain = (with_interval(result.of(f"personal_{name}")) for name in ("others", "instant", "both", "gain"))
        found.append(
            f"On photos it has not seen, a model of the rater alone orders them with a rank correlation of {alone}, the mean of the others "
            f"with {mean}, both together with {both}: personalization adds {gain}."
        )
    serial = result.of("serial_rating")
    if serial.value is not None:
        found.append(f"A rating moves by {with_interval(serial)} points for each point of the rating before it.")
    return found


def _of_pairs(result: PairAgreement) -> list[str]:
    side, same = result.of("side"), result.of("same_choice")
    found = [f"The left photo is chosen in {with_interval(side)} of the pairs (50 % without a side bias)."]
    if same.value is not None:
        found.append(f"Two raters choose the same photo of a pair in {with_interval(same)} of the cases (50 % by chance).")
    reliability = result.of("strength_reliability")
    if reliability.value is not None:
        found.append(f"The order of the photos is known with a reliability of {with_interval(reliability)}.")
    return found


def rows(statistics: Sequence[Statistic]) -> list[list[str]]:
    """Name, value with interval, raters, photos, ratings of each statistic that is known."""
    return [
        [DEFINITIONS[one.key].name, with_interval(one), f"{one.raters:,}", f"{one.photos:,}", f"{one.ratings:,}"]
        for one in statistics
        if one.value is not None
    ]


def table(result: Agreement | PairAgreement) -> list[list[str]]:
    """All known statistics under a header."""
    rests_on = "pairs" if isinstance(result, PairAgreement) else "ratings"
    return [["statistic", "value (95 % interval)", "raters", "photos", rests_on], *rows(result.statistics)]


def remarks(statistics: Sequence[Statistic]) -> list[str]:
    """What a reader of single numbers must know, such as the k of a coefficient."""
    by_note: dict[str, list[str]] = {}
    for one in statistics:
        if one.value is not None and one.note:
            by_note.setdefault(one.note, []).append(DEFINITIONS[one.key].name)
    return [f"{'; '.join(names)}: {note}." for note, names in by_note.items()]


def missing(statistics: Sequence[Statistic]) -> list[str]:
    """What is not estimable, and why, one line a reason."""
    by_reason: dict[str, list[str]] = {}
    for one in statistics:
        if one.value is None:
            by_reason.setdefault(one.reason, []).append(DEFINITIONS[one.key].name)
    return [f"Not estimable, because {reason}: {'; '.join(names)}." for reason, names in by_reason.items()]


def page(result: Agreement | PairAgreement) -> str:
    """The page that the command prints."""
    parts = [counts(result), "\n".join(sentences(result)), aligned(table(result))]
    if isinstance(result, Agreement) and result.by_category:
        parts.append("By category:\n" + aligned(category_rows(result)))
    parts += ["\n".join(lines) for lines in (remarks(result.statistics), missing(result.statistics), list(result.notes)) if lines]
    return "\n\n".join(part for part in parts if part)


CATEGORY_KEYS = ("share_photo", "share_rater_photo", "share_residual", "mean_minus_one_pearson", "retest", "icc_a1")


def category_rows(result: Agreement) -> list[list[str]]:
    """The most asked statistics of each category, under a header."""
    known = [key for key in CATEGORY_KEYS if any(one.of(key).value is not None for one in result.by_category.values())]
    header = ["category", "ratings", *(DEFINITIONS[key].name.split(":")[0] for key in known)]
    return [
        header,
        *([name, f"{len(one.ratings):,}", *(with_interval(one.of(key)) for key in known)] for name, one in result.by_category.items()),
    ]


def aligned(cells: Sequence[Sequence[str]]) -> str:
    """A table in columns for a terminal."""
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
