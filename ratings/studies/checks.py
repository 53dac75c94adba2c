"""Checks of a design: every problem with its line and field, before anybody takes part."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import ValidationError

from ratings.studies import dealing, field_errors, orders, yaml_reading
from ratings.studies.design import Question, QuestionRow, Scale, StudyFile, Trials
from ratings.studies.orders import Impossible
from ratings.studies.question_sets import questions_of
from ratings.studies.yaml_reading import BadYaml, Path, Yaml

MOST_SHOWN = 30
TRIED = 12  # participants whose trials a check deals
# Of `./pav agreement`; the name is frozen with the design, and stands in `study.json` and `agreement.json`.
STATISTICS = (
    *("alpha_interval", "alpha_ordinal", "icc_a1", "icc_ak", "icc_c1", "icc_ck", "split_half_raters", "split_half_ratings"),
    *("mean_minus_one_pearson", "mean_minus_one_spearman", "pairwise_pearson", "pairwise_spearman", "retest"),
    *("share_photo", "share_rater_photo", "beholder_1", "beholder_2", "beholder_total", "beholder_repeatable"),
    *("ceiling_generic", "ceiling_personal"),
)
NEED_BLOCKS = ("retest", "share_photo", "share_rater_photo", "beholder_1", "beholder_2", "beholder_total", "beholder_repeatable")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or (`is_advice`) that could be better."""

    line: int
    field: str
    sentence: str
    is_advice: bool = False

    def __str__(self) -> str:
        return f"line {self.line}{f', {self.field}' if self.field else ''}: {self.sentence}"


class BadDesign(ValueError):
    """The text is not a study; `problems` says why, by line."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def read_design(text: str) -> tuple[StudyFile, Yaml]:
    """Read a study's file.

    Raises:
        BadDesign: it is not YAML, or a field is unknown, missing or not what it must be.
    """
    try:
        found = yaml_reading.read(text)
    except BadYaml as error:
        raise BadDesign([Problem(error.line, "", error.sentence)]) from None
    if not isinstance(found.data, dict):
        raise BadDesign([Problem(1, "", "a study is a list of `field: value`; this is something else.")])
    try:
        return StudyFile.model_validate(found.data), found
    except ValidationError as error:
        raise BadDesign(_problems(error, found)) from None


def parse(text: str) -> StudyFile:
    """The design of a text that has been checked before."""
    return read_design(text)[0]


def _problems(error: ValidationError, found: Yaml) -> list[Problem]:
    seen: dict[tuple[int, str], Problem] = {}
    for one in error.errors()[:MOST_SHOWN]:
        path = field_errors.path_of(one["loc"], found)
        missing = one["type"] == "missing"
        field = ".".join(map(str, (*path, one["loc"][-1]) if missing else path))
        problem = Problem(found.line(path), field, field_errors.sentence_of(one))
        seen.setdefault((problem.line, field), problem)
    return sorted(seen.values(), key=lambda problem: problem.line)


def check(
    file: StudyFile, found: Yaml, *, known: Collection[str], today: date, builtin_languages: Collection[str], words: Collection[str]
) -> list[Problem]:
    """Every problem and every advice, by line. `known` are the SHA-256 of the photos that this PAV has."""
    problems = [
        *_scale(file.scale, ("scale",), found),
        *_photos(file, found, known),
        *_texts(file, found, builtin_languages, words),
        *_questions(file, found),
        *_trials(file.trials, ("trials",), found),
        *_repetitions(file, file.trials, ("trials",), found),
        *_instructed(file.trials, file.scale, ("trials",), found),
        *_conditions(file, found),
        *_statistic(file, found),
        *_participants(file, found),
        *_entry(file, found),
        *_balance(file, found),
        *_dates(file, found, today),
    ]
    if not any(not problem.is_advice for problem in problems):
        problems += _dealing(file, found)
    return sorted(problems, key=lambda problem: (problem.is_advice, problem.line))


def _problem(found: Yaml, path: Path, sentence: str, *, advice: bool = False) -> Problem:
    return Problem(found.line(path), ".".join(map(str, path)), sentence, advice)


def _scale(scale: Scale, path: Path, found: Yaml) -> Iterator[Problem]:
    row, points = scale.row, scale.point_count
    if points < row.least_points:
        yield _problem(found, (*path, "points"), f"a scale of {points} cannot tell photos apart; {row.least_points} points are the least.")
    if points > row.most_points:
        yield _problem(found, (*path, "points"), f"the scale {row.name} has at most {row.most_points} points.")
    for value in scale.labels:
        if not 1 <= value <= points:
            yield _problem(found, (*path, "labels", str(value)), f"{value} is not on the scale, which goes from 1 to {points}.")
    if scale.kind == "likert" and not {1, points} <= set(scale.labels):
        yield _problem(found, (*path, "labels"), f"the ends need labels: 1 and {points}.")


def _photos(file: StudyFile, found: Yaml, known: Collection[str]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for place, photo in enumerate(file.photos):
        path: Path = ("photos", place, "sha256")
        if photo.sha256 in first:
            yield _problem(found, path, f"it is the same photo as number {first[photo.sha256] + 1} of the list.")
        elif photo.sha256 not in known:
            name = f" ({photo.name})" if photo.name else ""
            yield _problem(found, path, f"this PAV has no photo {photo.sha256[:12]}{name}: it was never imported, or has changed since.")
        first.setdefault(photo.sha256, place)
    for place, sha256 in enumerate(file.practice):
        if sha256 not in first:
            yield _problem(found, ("practice", place), "it is not in the list of photos.")
    for place, example in enumerate(file.instructions.examples):
        if example.photo not in first:
            yield _problem(found, ("instructions", "examples", place, "photo"), "it is not in the list of photos.")
    categories = {photo.category for photo in file.photos}
    named: list[tuple[Path, list[str]]] = [(("conditions", place), row.categories) for place, row in enumerate(file.conditions)]
    for start, trials in _all_trials(file):
        named += [((*start, "blocks", place), row.categories) for place, row in enumerate(trials.blocks)]
    for path, own in named:
        for category in sorted(set(own) - categories):
            yield _problem(found, (*path, "categories"), f"no photo has the category {category!r}.")


def _texts(file: StudyFile, found: Yaml, builtin: Collection[str], words: Collection[str]) -> Iterator[Problem]:
    """Texts that are written for each language must have all of them."""
    languages = set(file.languages)
    if len(languages) < len(file.languages):
        yield _problem(found, ("languages",), "a language is there twice.")
    needed = {path: value for path, value in _language_maps(found.data, ()) if path[:1] != ("interface",)}
    for path, value in needed.items():
        if missing := sorted(languages - set(value)):
            yield _problem(found, path, f"the text in {', '.join(missing)} is missing.")
    for language, own in file.interface.items():
        for key in set(own) - set(words):
            yield _problem(found, ("interface", language, key), "PAV has no such word.")
    for language in sorted(languages - set(builtin) - set(file.interface)):
        yield _problem(
            found,
            ("languages",),
            f"PAV's words (buttons, notices) are not there in {language}; they stay English unless `interface: {language}:` has them.",
            advice=True,
        )


LANGUAGE_TEXTS = {"text", "title", "question", "pay", "warning", "debriefing", "instructions", "labels", "options", "rows"}


def _language_maps(data: object, path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Every group in the file that has one text for each language: its keys look like languages, its values are text."""
    if isinstance(data, dict):
        is_map = bool(data) and all(isinstance(value, str) and _is_language(key) for key, value in data.items())
        if is_map and any(part in LANGUAGE_TEXTS for part in path if isinstance(part, str)):
            yield path, data
            return
        for key, value in data.items():
            yield from _language_maps(value, (*path, key))
    elif isinstance(data, list):
        for place, value in enumerate(data):
            yield from _language_maps(value, (*path, place))


def _is_language(key: str) -> bool:
    return key.split("-")[0].isalpha() and key.split("-")[0].islower() and 2 <= len(key.split("-")[0]) <= 3


def _questions(file: StudyFile, found: Yaml) -> Iterator[Problem]:
    groups: list[tuple[Path, Sequence[QuestionRow]]] = [
        (("questions_before",), file.questions_before),
        (("questions_after",), file.questions_after),
    ]
    if file.comprehension:
        groups.append((("comprehension", "questions"), file.comprehension.questions))
    for start, rows in groups:
        counts = Counter(question.id for question in questions_of(rows))
        for name in sorted(name for name, count in counts.items() if count > 1):
            yield _problem(found, start, f"two questions have the id {name!r}.")
        for place, row in enumerate(rows):
            if isinstance(row, Question):
                yield from _question(row, (*start, place), found, is_comprehension=start[0] == "comprehension")


def _question(row: Question, path: Path, found: Yaml, *, is_comprehension: bool) -> Iterator[Problem]:
    if row.kind in ("choice", "matrix") and len(row.options) < 2:
        yield _problem(found, (*path, "options"), "it needs two options or more.")
    if row.kind == "matrix" and not row.rows:
        yield _problem(found, (*path, "rows"), "a matrix needs rows.")
    if row.minimum is not None and row.maximum is not None and row.minimum > row.maximum:
        yield _problem(found, (*path, "minimum"), "it is above the maximum.")
    if is_comprehension and (row.kind != "choice" or row.correct is None):
        yield _problem(found, (*path, "correct"), "a comprehension question is a choice; `correct` says which option is right (from 1).")
    for place in [*row.screen_out, *([row.correct] if row.correct is not None else [])]:
        if not 1 <= place <= len(row.options):
            yield _problem(found, path, f"there is no option {place}.")


def _all_trials(file: StudyFile) -> list[tuple[Path, Trials]]:
    """The trials of the design and of conditions that have their own, with their places in the file."""
    own: list[tuple[Path, Trials]] = [
        (("conditions", place, "trials"), row.trials) for place, row in enumerate(file.conditions) if row.trials is not None
    ]
    return [(("trials",), file.trials), *own]


def _trials(trials: Trials, start: Path, found: Yaml) -> Iterator[Problem]:
    earlier: set[str] = set()
    for place, block in enumerate(trials.blocks):
        path: Path = (*start, "blocks", place)
        if block.name in earlier:
            yield _problem(found, (*path, "name"), "another block has this name.")
        if block.again and block.again not in earlier:
            yield _problem(found, (*path, "again"), f"there is no earlier block {block.again!r}.")
        if block.order != "random" and trials.longest_run is not None:
            yield _problem(found, (*path, "order"), f"the order {block.order} leaves no choice, so `longest_run` cannot hold.")
        earlier.add(block.name)
    if len({one.after for one in trials.checks}) < len(trials.checks):
        yield _problem(found, (*start, "checks"), "two checks come after the same trial.")
    if trials.limit_seconds is not None and trials.limit_seconds <= trials.minimum_seconds:
        yield _problem(found, (*start, "limit_seconds"), "nobody can answer: the limit is not above `minimum_seconds`.")


def _instructed(trials: Trials, scale: Scale, start: Path, found: Yaml) -> Iterator[Problem]:
    values = {value.value for value in scale.values}
    for place, one in enumerate(trials.checks):
        if one.value not in values:
            yield _problem(found, (*start, "checks", place, "value"), f"{one.value} is not on the scale.")


def _conditions(file: StudyFile, found: Yaml) -> Iterator[Problem]:
    for place, condition in enumerate(file.conditions):
        path: Path = ("conditions", place)
        if condition.scale is not None:
            yield from _scale(condition.scale, (*path, "scale"), found)
        if condition.trials is not None:
            yield from _trials(condition.trials, (*path, "trials"), found)
            yield from _repetitions(file, condition.trials, (*path, "trials"), found)
        if condition.scale is not None or condition.trials is not None:
            start: Path = (*path, "trials") if condition.trials is not None else ("trials",)
            yield from _instructed(condition.trials or file.trials, condition.scale or file.scale, start, found)
    if len(file.conditions_by_scale()) > 1:
        sentence = "conditions have different scales, whose answers cannot be compared: each scale gets an analysis of its own."
        yield _problem(found, ("conditions",), sentence, advice=True)


def _repetitions(file: StudyFile, trials: Trials, start: Path, found: Yaml) -> Iterator[Problem]:
    rounds = 1 + sum(bool(block.again) for block in trials.blocks)
    if rounds < 2:
        sentence = "one block is enough for agreement, but shares of variance (shared and private taste) need two, and three are advised."
        if file.primary_statistic in NEED_BLOCKS and not trials.repeats:
            yield _problem(found, (*start, "blocks"), f"{file.primary_statistic} needs repetitions: {sentence}")
        else:
            yield _problem(found, (*start, "blocks"), sentence, advice=True)
    elif rounds == 2:
        yield _problem(found, (*start, "blocks"), "two blocks are the least for shares of variance; three are advised.", advice=True)


def _statistic(file: StudyFile, found: Yaml) -> Iterator[Problem]:
    if file.primary_statistic not in STATISTICS:
        yield _problem(found, ("primary_statistic",), f"it must be one of {', '.join(STATISTICS)}.")


def _participants(file: StudyFile, found: Yaml) -> Iterator[Problem]:
    wanted = file.participants
    names = Counter(condition.name for condition in file.conditions)
    for name in sorted(name for name, count in names.items() if count > 1):
        yield _problem(found, ("conditions",), f"two conditions have the name {name!r}.")
    for condition in [row.name for row in file.conditions] or [""]:
        pool = dealing.pool_of(file, condition)
        if not pool:
            yield _problem(found, ("photos",), "no photo is left for the trials" + (f" of {condition!r}." if condition else "."))
        if wanted.photos_each is not None and wanted.photos_each > len(pool):
            yield _problem(found, ("participants", "photos_each"), f"there are only {len(pool)} photos to choose from.")
    if wanted.ratings_per_photo is not None:
        yield from _target(file, wanted.ratings_per_photo, found)


def _target(file: StudyFile, target: int, found: Yaml) -> Iterator[Problem]:
    """Whether each photo can have its ratings: conditions are filled evenly, and each deals its own photos alone."""
    names = [row.name for row in file.conditions] or [""]
    pools = {name: set(dealing.pool_of(file, name)) for name in names}
    places = file.participants.places
    dealt_by: dict[frozenset[str], set[int]] = {}  # photos by the conditions that deal them
    for photo in set().union(*pools.values()):
        dealt_by.setdefault(frozenset(name for name in names if photo in pools[name]), set()).add(photo)
    for photos in (set().union(*pools.values()), *dealt_by.values()):
        each = [min(file.participants.photos_each or len(pool), len(pool & photos)) for pool in pools.values()]
        if photos and (most := places * sum(each) // (len(names) * len(photos))) < target:
            category = file.photos[min(photos)].category
            some = f" of the category {category!r}" if category and len(photos) < len(file.photos) else ""
            sentence = f"{places} participants with {max(each)} photos each give {most} ratings per photo{some}, not {target}."
            yield _problem(found, ("participants", "ratings_per_photo"), sentence)
            return


def _entry(file: StudyFile, found: Yaml) -> Iterator[Problem]:
    if not (file.entry.link or file.entry.invitations or file.entry.prolific):
        yield _problem(found, ("entry",), "nobody can come in: allow link, invitations or prolific.")
    if file.entry.prolific and file.entry.link:
        yield _problem(found, ("entry", "link"), "whoever has the plain link comes in beside those from Prolific.", advice=True)
    if file.entry.prolific:
        codes = file.entry.prolific.codes.model_dump()
        if empty := [name for name, code in codes.items() if not code]:
            sentence = f"there is no code for {', '.join(empty)}: whoever ends that way gets no link back to Prolific."
            yield _problem(found, ("entry", "prolific", "codes"), sentence, advice=True)


def _balance(file: StudyFile, found: Yaml) -> Iterator[Problem]:
    """Whether Latin squares and Williams designs can balance what they are there for."""
    conditions = [row.name for row in file.conditions] or [""]
    for name in conditions:
        own = next((place for place, row in enumerate(file.conditions) if row.name == name and row.trials), None)
        trials, start = file.of_condition(name).trials, ("trials",) if own is None else ("conditions", own, "trials")
        pool = dealing.pool_of(file, name)
        for place, block in enumerate(trials.blocks):
            if block.order not in ("latin_square", "williams"):
                continue
            path: Path = (*start, "blocks", place, "order")
            if file.participants.photos_each is not None and file.participants.photos_each < len(pool):
                yield _problem(found, path, f"the order {block.order} needs the same photos for everybody, and `photos_each` deals shares.")
                continue
            if trials.repeats and not block.again:
                sentence = f"the order {block.order} balances the first showings alone: `repeats` are put in by lot."
                yield _problem(found, path, sentence, advice=True)
            count = sum(not block.categories or file.photos[photo].category in block.categories for photo in pool)
            rows = orders.rows_of_williams(count) if block.order == "williams" else count
            if count and file.participants.places % (rows * len(conditions)):
                sentence = f"the order {block.order} of {count} photos is balanced over {rows} participants"
                sentence += " of each condition" if len(conditions) > 1 else ""
                yield _problem(found, path, f"{sentence}, and {file.participants.places} places are no multiple of that.", advice=True)


def _dates(file: StudyFile, found: Yaml, today: date) -> Iterator[Problem]:
    if file.consent.withdraw_until < today:
        yield _problem(found, ("consent", "withdraw_until"), "this day is over, so nobody could withdraw.")
    if file.ends_at and file.ends_at < today:
        yield _problem(found, ("ends_at",), "this day is over.")


def _dealing(file: StudyFile, found: Yaml) -> Iterator[Problem]:
    """Deals trials to some participants: what no rule above finds shows here."""
    dealt: list[dealing.Dealt] = []
    for number in range(1, min(max(TRIED, 2 * len(file.conditions)), file.participants.places) + 1):
        assignment = dealing.assign(file, number, dealt)
        dealt.append(dealing.Dealt(assignment, counts=True))
        own = next((place for place, row in enumerate(file.conditions) if row.name == assignment.condition and row.trials), None)
        start: Path = ("trials",) if own is None else ("conditions", own, "trials")
        try:
            trials = dealing.deal(file, assignment)
        except Impossible as error:
            path: Path = ("repeats", "lag") if "repeat" in str(error) else ("longest_run",)
            yield _problem(found, (*start, *path), f"{error}.")
            return
        shown = sum(trial.phase == "main" for trial in trials)
        for place, one in enumerate(file.of_condition(assignment.condition).trials.checks):
            if one.after > shown:
                yield _problem(found, (*start, "checks", place, "after"), f"there are only {shown} trials.")
                return
    if len(file.photos) == 1:
        yield _problem(found, ("photos",), "one photo is too few to compare anything.", advice=True)
