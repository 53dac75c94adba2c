"""Questions as fields of a page, and what was written into them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ratings.studies.design import Question, said

LONGEST_TEXT = 5000


@dataclass(frozen=True)
class Form:
    """What was sent: answers by (question, row), and what is wrong by the name of the field."""

    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)


def typed(sent: Mapping[str, str], name: str) -> str:
    """What was typed into a field, without the character that PostgreSQL cannot store."""
    return str(sent.get(name, "")).replace("\x00", "")


def fields(questions: Sequence[Question], language: str, problems: Mapping[str, str], given: Mapping[str, str]) -> list[dict[str, object]]:
    """Questions as a template draws them."""
    return [
        {
            "id": question.id,
            "kind": question.kind,
            "text": said(question.text, language),
            "required": question.required,
            "minimum": question.minimum,
            "maximum": question.maximum,
            "options": [
                {"value": str(place), "text": said(option, language), "is_given": given.get(question.id) == str(place)}
                for place, option in enumerate(question.options, start=1)
            ],
            "rows": [
                {
                    "name": f"{question.id}.{place}",
                    "text": said(row, language),
                    "given": given.get(f"{question.id}.{place}", ""),
                    "problem": problems.get(f"{question.id}.{place}", ""),
                }
                for place, row in enumerate(question.rows, start=1)
            ],
            "given": given.get(question.id, ""),
            "problem": problems.get(question.id, ""),
        }
        for question in questions
    ]


def read(questions: Sequence[Question], sent: Mapping[str, str], words: Mapping[str, str]) -> Form:
    """Read a form. What does not fit a question is a problem, not an answer."""
    form = Form()
    for question in questions:
        rows = [str(place) for place in range(1, len(question.rows) + 1)] if question.kind == "matrix" else [""]
        for row in rows:
            name = f"{question.id}.{row}" if row else question.id
            text = typed(sent, name).strip()[:LONGEST_TEXT]
            form.given[name] = text
            if not text:
                if question.required:
                    form.problems[name] = words["required"]
                continue
            problem = _problem(question, text, words)
            if problem:
                form.problems[name] = problem
            else:
                form.answers[question.id, row] = text
    return form


def _problem(question: Question, text: str, words: Mapping[str, str]) -> str:
    if question.kind in ("choice", "matrix"):
        known = {str(place) for place in range(1, len(question.options) + 1)}
        return "" if text in known else words["required"]
    if question.kind == "number":
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            return words["not_a_number"]
        low, high = question.minimum, question.maximum
        if not (float("-inf") if low is None else low) <= number <= (float("inf") if high is None else high) or number in (
            float("inf"),
            float("-inf"),
        ):
            return words["out_of_range"].replace("{low}", f"{low or 0:g}").replace("{high}", "…" if high is None else f"{high:g}")
    return ""


def is_screened_out(questions: Sequence[Question], answers: Mapping[tuple[str, str], str]) -> bool:
    """Whether an answer ends the run kindly."""
    return any(answers.get((question.id, "")) in set(map(str, question.screen_out)) for question in questions)


def all_right(questions: Sequence[Question], answers: Mapping[tuple[str, str], str]) -> bool:
    """Whether every comprehension question is answered right."""
    return all(answers.get((question.id, "")) == str(question.correct) for question in questions)


def tidy_code(text: str) -> str:
    """A personal code as it is stored, however it was typed: four groups of four."""
    letters = "".join(letter for letter in text.upper() if letter.isalnum())[:16]
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
