"""Design files: what is refused, by line and field; YAML within limits."""

from datetime import date

import pytest

from ratings.studies import checks, yaml_reading
from ratings.studies.checks import BadDesign
from ratings.studies.yaml_reading import BadYaml
from tests.studies.designs import design, hashes, written

PHOTOS = hashes(12)
SQUARE = [{"name": "a", "order": "latin_square"}]


def problems(text: str, known=PHOTOS, *, advice: bool = False) -> list[str]:
    try:
        file, found = checks.read_design(text)
    except BadDesign as error:
        return [str(problem) for problem in error.problems]
    words = {"next"}
    rows = checks.check(file, found, known=known, today=date.today(), builtin_languages={"en", "ja"}, words=words)
    return [str(row) for row in rows if row.is_advice == advice]


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def test_a_sound_design_has_no_problems():
    assert problems(written(design(PHOTOS))) == []


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"colour": "red"}, "colour", "unknown"),
        ({"scale__points": 1, "scale__labels": {1: "ugly"}}, "scale.points", "2 points are the least"),
        ({"scale__points": "many"}, "scale.points", "whole number"),
        ({"scale__labels": {1: "ugly", 5: "fine", 9: "beautiful"}}, "scale.labels.9", "not on the scale"),
        ({"trials__repeats": {"count": 3, "lag": 40}}, "trials.repeats.lag", "do not fit"),
        ({"participants": {"places": 2, "photos_each": 3, "ratings_per_photo": 5}}, "participants.ratings_per_photo", "not 5"),
        ({"participants": {"places": 2, "photos_each": 30}}, "participants.photos_each", "only 12 photos"),
        ({"trials__checks": [{"text": "Choose 9.", "value": 9, "after": 2}]}, "trials.checks.0.value", "not on the scale"),
        ({"trials__checks": [{"text": "Choose 2.", "value": 2, "after": 90}]}, "trials.checks.0.after", "only 24 trials"),
        ({"trials__blocks": [{"name": "a", "again": "b"}]}, "trials.blocks.0.again", "no earlier block"),
        ({"trials__blocks": [{"name": "a"}], "primary_statistic": "retest"}, "trials.blocks", "needs repetitions"),
        ({"practice": [f"{99:064x}"]}, "practice.0", "not in the list"),
        ({"primary_statistic": "luck"}, "primary_statistic", "must be one of"),
        ({"consent__withdraw_until": date(2020, 1, 1)}, "consent.withdraw_until", "is over"),
        ({"languages": ["en", "ja"], "title": {"en": "Sunsets"}}, "title", "in ja is missing"),
        ({"entry": {"link": False}}, "entry", "nobody can come in"),
        ({"interface": {"de": {"nxt": "Weiter"}}, "languages": ["en"]}, "interface.de.nxt", "no such word"),
        ({"trials__limit_seconds": 2, "trials__minimum_seconds": 3}, "trials.limit_seconds", "nobody can answer"),
        ({"questions_before": [{"id": "a", "kind": "choice", "text": "?", "options": ["x"]}]}, "questions_before.0.options", "two options"),
        ({"questions_before": [{"set": "horoscope"}]}, "questions_before.0.set", "age_gender"),
        ({"participants": {"places": 5, "per_address": "lots"}}, "participants.per_address", "rate such as"),
        ({"trials__blocks": [{"name": "a", "order": "fixed"}], "trials__longest_run": 2}, "trials.blocks.0.order", "leaves no choice"),
        (
            {"trials__blocks": SQUARE, "participants": {"places": 24, "photos_each": 6}},
            "trials.blocks.0.order",
            "same photos for everybody",
        ),
    ],
)
def test_a_problem_names_field_and_line(changes, field, sentence):
    text = written(design(PHOTOS, **changes))
    (problem,) = problems(text)
    place, _, rest = problem.partition(", ")
    assert rest.startswith(f"{field}: ")
    assert sentence in rest
    key = [part for part in field.split(".") if not part.isdigit()][-1]
    assert abs(int(place.removeprefix("line ")) - line_of(text, f"{key}:")) <= 3


def test_scale_and_trials_of_a_condition_are_checked_in_their_place():
    narrow = {"kind": "likert", "points": 3, "labels": {1: "ugly", 3: "beautiful"}}
    trials = {"blocks": [{"name": "only"}], "repeats": {"count": 3, "lag": 40}}
    text = written(design(PHOTOS, conditions=[{"name": "a", "scale": narrow}, {"name": "b", "trials": trials}]))
    assert any("conditions have different scales" in sentence for sentence in problems(text, advice=True))
    assert [problem.partition(", ")[2] for problem in problems(text)] == [
        "conditions.1.trials.repeats.lag: 3 repeats after 40 trials do not fit into a block of 12 photos."
    ]
    check = {"text": "Choose 4.", "value": 4, "after": 2}
    text = written(design(PHOTOS, trials__checks=[check], conditions=[{"name": "a", "scale": narrow | {"labels": {1: "ugly"}}}]))
    assert [problem.partition(", ")[2] for problem in problems(text)] == [
        "trials.checks.0.value: 4 is not on the scale.",
        "conditions.0.scale.labels: the ends need labels: 1 and 3.",
    ]


def test_the_target_of_each_category_is_checked_by_the_conditions_that_deal_it():
    categories = ["a"] * 2 + ["b"] * 10
    conditions = [{"name": "one", "categories": ["a"]}, {"name": "other", "categories": ["a", "b"]}]

    def of(target: int) -> list[str]:
        wanted = {"places": 20, "photos_each": 2, "ratings_per_photo": target}
        return problems(written(design(PHOTOS, categories, participants=wanted, conditions=conditions)))

    assert of(2) == []  # ten participants of "other" deal two photos each to ten photos
    (problem,) = of(3)
    assert "give 2 ratings per photo of the category 'b', not 3" in problem


def test_what_a_balanced_order_cannot_balance_and_codes_that_are_missing_get_advice():
    entry = {"link": False, "prolific": {"codes": {"completed": "C", "full": "F"}}}
    advice = problems(written(design(PHOTOS, entry=entry, trials__blocks=SQUARE, trials__repeats={"count": 1, "lag": 2})), advice=True)
    assert any("20 places are no multiple" in sentence and "balanced over 12 participants" in sentence for sentence in advice)
    assert any("repeats` are put in by lot" in sentence for sentence in advice)
    assert any("no code for declined, screened_out, checks_failed, fault" in sentence for sentence in advice)
    assert not any(
        "multiple" in one for one in problems(written(design(PHOTOS, trials__blocks=SQUARE, participants__places=24)), advice=True)
    )


def test_a_missing_field_is_named():
    data = design(PHOTOS)
    del data["contact"]
    assert "line 1, contact: it is missing." in problems(written(data))


def test_a_photo_that_is_missing_or_changed_is_named_with_its_line():
    text = written(design(PHOTOS))
    (problem,) = problems(text, known=PHOTOS[:-1])
    assert problem.startswith(f"line {line_of(text, PHOTOS[-1])}, photos.11.sha256: this PAV has no photo {PHOTOS[-1][:12]}")


def test_one_block_gets_the_advice_to_have_more():
    assert "three are advised" in problems(written(design(PHOTOS, trials__blocks=[{"name": "only"}])), advice=True)[0]
    assert "two blocks are the least" in problems(written(design(PHOTOS)), advice=True)[0]


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("a: &x [1]\nb: [*x, *x]\n", 1, "aliases"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "tags"),
        ("a: " + "[" * 40 + "]" * 40, 1, "levels inside"),
        ("a: 1\nb: 2\na: 3\n", 3, "there twice"),
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("[" + "1," * 150_000 + "]", 1, "values"),
        ("x" * 5_000_000, 1, "larger than"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("", 1, "empty"),
        ("? [1, 2]\n: 3\n", 1, "one word"),
        ("a: \x00\n", 1, "not YAML"),
    ],
)
def test_yaml_that_could_harm_is_refused(text, line, sentence):
    with pytest.raises(BadYaml, match=sentence) as caught:
        yaml_reading.read(text)
    assert caught.value.line == line


def test_yaml_keys_stay_text_and_values_keep_their_lines():
    found = yaml_reading.read("no: yes\ndays:\n  - 2027-01-31\n")
    assert found.data == {"no": True, "days": [date(2027, 1, 31)]}
    assert found.lines["days", 0] == 3
