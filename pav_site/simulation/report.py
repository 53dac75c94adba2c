"""Checks of a simulated study: no trial lost or doubled, targets met, the planted taste found again."""

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from uuid import UUID

from pav_site.simulation.participants import Outcome
from pav_site.simulation.planted import SHARES, Planted, planted_shares
from personalize.agreement import reading
from personalize.agreement.analysis import analyse
from personalize.agreement.resampling import BootstrapPlan
from personalize.agreement.statistic import Statistic
from personalize.errors import PersonalizeError
from ratings.studies import dealing, exports, selectors
from ratings.studies.models import Participant, Study, Trial

ENOUGH = 30  # participants and photos; intervals of fewer are too narrow to blame the analysis for a miss


@dataclass(frozen=True)
class Finding:
    """One line of the report. `is_fault`: something that must never happen did."""

    sentence: str
    is_fault: bool = False


def report(study: Study, mode: str, outcomes: Sequence[Outcome], planted: Planted, *, draws: int) -> Iterator[Finding]:
    """Everything that is checked, in order. `draws`: of the bootstrap behind the intervals; 0: no analysis."""
    yield from _endings(outcomes)
    yield from _trials(outcomes)
    yield from _dealing(study, mode)
    yield from _targets(study, mode)
    if draws:
        for values in sorted({one.values for one in outcomes if one.ended == "completed"}):
            yield from _agreement(study, mode, [one for one in outcomes if one.values == values], planted, values, draws)


def _endings(outcomes: Sequence[Outcome]) -> Iterator[Finding]:
    ended = Counter(outcome.ended for outcome in outcomes)
    yield Finding(f"Participants: {', '.join(f'{count} {name}' for name, count in sorted(ended.items()))}.")
    for sentence, count in Counter(one.problem for one in outcomes if one.problem).most_common(5):
        yield Finding(f"{count} failed: {sentence}", is_fault=True)
    seconds = [one for outcome in outcomes for one in outcome.seconds]
    if len(seconds) > 1:
        cuts = quantiles(seconds, n=20)
        yield Finding(f"Answers: {len(seconds)}; stored within {1000 * cuts[9]:.0f} ms (median), {1000 * cuts[18]:.0f} ms (p95).")


def _trials(outcomes: Sequence[Outcome]) -> Iterator[Finding]:
    """Compare every answer with its row."""
    known = {UUID(outcome.participant): outcome for outcome in outcomes if outcome.participant}
    rows = Trial.objects.filter(participant__in=list(known)).values_list("participant", "place", "value")
    stored: dict[UUID, dict[int, list[int | None]]] = {participant: {} for participant in known}
    for participant, place, value in rows.iterator():
        stored[participant].setdefault(place, []).append(value)
    lost = doubled = other = unasked = 0
    for participant, outcome in known.items():
        own = stored[participant]
        lost += len(outcome.sent.keys() - own.keys())
        doubled += sum(len(values) > 1 for values in own.values())
        other += sum(place in own and own[place] != [value] for place, value in outcome.sent.items())
        unasked += len(own.keys() - outcome.sent.keys()) if outcome.ended != "failed" else 0
    sent = sum(len(outcome.sent) for outcome in outcomes)
    yield Finding(
        f"Trials: {sent} sent; {lost} lost, {doubled} doubled, {other} with another value, {unasked} that nobody sent.",
        is_fault=bool(lost or doubled or other or unasked),
    )


def _dealing(study: Study, mode: str) -> Iterator[Finding]:
    """Whether the log leads to what everybody was dealt, and how evenly conditions were filled."""
    file = selectors.design_file(study.design_id or 0)
    people = list(
        Participant.objects.filter(design=study.design_id, mode=mode).exclude(state=Participant.State.WITHDRAWN).order_by("number")
    )
    replayed = {one.number: one for one in dealing.replay(file, selectors.dealing_log(study, mode))}
    wrong = [row.number for row in people if replayed.get(row.number) != selectors.assignment_of(row)]
    if wrong:
        yield Finding(f"The log does not replay what these numbers were dealt: {', '.join(map(str, wrong[:10]))}.", is_fault=True)
    else:
        yield Finding(f"The log replays what all {len(people)} were dealt.")
    if file.conditions:
        counts = Counter(row.condition for row in people if not row.released)
        yield Finding(f"Conditions: {', '.join(f'{name} {counts[name]}' for name in (one.name for one in file.conditions))}.")


def _targets(study: Study, mode: str) -> Iterator[Finding]:
    """Whether each photo has its ratings, where enough participants came to the end."""
    file = selectors.design_file(study.design_id or 0)
    wanted = file.participants.ratings_per_photo
    if wanted is None:
        return
    people = list(Participant.objects.filter(design=study.design_id, mode=mode, released=False))
    pools = {row.condition: dealing.pool_of(file, row.condition) for row in people}
    held, complete = Counter[int](), Counter[int]()
    for row in people:
        photos = row.photos or pools[row.condition]
        held.update(photos)
        complete.update(photos if row.state == Participant.State.COMPLETED else ())
    pool = {photo for photos in pools.values() for photo in photos}
    short = [photo for photo in pool if complete[photo] < wanted]
    least, most = min((held[photo] for photo in pool), default=0), max((held[photo] for photo in pool), default=0)
    missing = sum(wanted - complete[photo] for photo in short)
    about = f"Target of {wanted} ratings of each photo: dealt {least} to {most} times"
    some = f"{len(short)} of {len(pool)} photos"
    if not short:
        yield Finding(f"{about}; met for all {len(pool)} photos.")
    elif sum(complete.values()) < wanted * len(pool):
        yield Finding(f"{about}; too few came to the end, so {some} have fewer.")
    elif sum(held.values()) - sum(complete.values()) >= missing:
        yield Finding(f"{about}; {some} wait for those who left last, whose places are free when their lease ends.")
    else:
        yield Finding(f"{about}; {some} have fewer, though participants sufficed.", is_fault=True)


def _agreement(
    study: Study, mode: str, outcomes: Sequence[Outcome], planted: Planted, values: Sequence[int], draws: int
) -> Iterator[Finding]:
    """Whether the intervals of ./pav agreement hold the shares that were planted."""
    scale = f"the scale from {values[0]} to {values[-1]}"
    participants = Participant.objects.filter(pk__in=[one.participant for one in outcomes if one.participant])
    try:
        ratings = _read(study, mode, set(participants.values_list("pseudonym", flat=True)))
        result = analyse(ratings.ratings, BootstrapPlan(draws))
    except PersonalizeError as error:
        yield Finding(f"There is no analysis of {scale}: {error}")
        return
    expected, held = planted_shares(planted, values), 0
    enough = min(len(ratings.ratings.raters), len(ratings.ratings.photos)) >= ENOUGH
    yield Finding(f"Shares of variance on {scale}, of {len(ratings.ratings)} ratings:")
    for name in SHARES:
        found = result.of(f"share_{name}")
        if found.value is None or found.low is None or found.high is None:
            yield Finding(f"  {name}: planted {expected[name]:.3f}; not estimable, because {found.reason}.")
            continue
        is_held = found.low <= expected[name] <= found.high
        held += is_held
        is_fault = enough and is_far(found, expected[name])
        interval = f"found {found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
        yield Finding(f"  {name}: planted {expected[name]:.3f}; {interval}{'' if is_held else ', which misses it'}.", is_fault=is_fault)
    yield Finding(f"Of {len(SHARES)} intervals, {held} hold what was planted; each does in 95 of 100 runs.")


def is_far(found: Statistic, expected: float) -> bool:
    """Whether a share is off by more than twice what its interval allows on that side: by chance about once in ten thousand times."""
    if found.value is None or found.low is None or found.high is None:
        return False
    return not 2 * found.low - found.value <= expected <= 2 * found.high - found.value


def _read(study: Study, mode: str, raters: Collection[str]) -> reading.ReadRatings:
    """The cleaned ratings of some participants, as ./pav agreement reads them."""
    lines = exports.lines_of(study, "ratings.csv", mode=mode)
    with tempfile.TemporaryDirectory(prefix="pav-simulation-") as folder:
        path = Path(folder) / "ratings.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(next(lines))
            file.writelines(line for line in lines if next(csv.reader(io.StringIO(line)))[0] in raters)
        return reading.read(path)
