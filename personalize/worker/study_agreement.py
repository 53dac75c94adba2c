"""Analysis of a study's cleaned ratings: agreement.json and report.md, of each scale where conditions have different ones."""

import csv
import json
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from threadpoolctl import threadpool_limits

from personalize.agreement import markdown_report, reading, summary
from personalize.agreement.analysis import analyse
from personalize.agreement.resampling import BootstrapPlan
from personalize.errors import BadDataset, TooFewRatings
from personalize.progress import ProgressCallback, no_progress
from ratings.studies import analysis_services, exports, selectors
from ratings.studies.models import Participant, Study

FACTS = ("mode", "design_sha256", "frozen_at", "versions", "primary_statistic")  # of `exports.facts`, for agreement.json


@dataclass(frozen=True)
class StudyAgreement:
    """The files of an analysis, by name; what a terminal shows; and why a part is missing, if so."""

    files: dict[str, str]
    pages: list[str]
    problems: list[str]


def make(analysis_id: UUID) -> None:
    """Make one analysis, unless another worker has begun it."""
    study = analysis_services.start(analysis_id)
    if study is None:
        return
    made = analyse_study(study, Participant.Mode.MAIN, BootstrapPlan())
    analysis_services.finish(analysis_id, files=made.files, problem="\n".join(made.problems))


def analyse_study(study: Study, mode: str, plan: BootstrapPlan, progress: ProgressCallback = no_progress) -> StudyAgreement:
    """What ./pav agreement says of ratings.csv. Answers on different scales are never mixed."""
    design, known = selectors.design_file(selectors.design_of(study, mode).pk), exports.facts(study, mode)
    groups = design.conditions_by_scale()
    made = StudyAgreement({}, [], [])
    for conditions in groups if len(groups) > 1 else [[]]:
        ending = "".join(f"-{name}" for name in conditions).replace("/", "_")
        title = " ".join([study.slug, *conditions])
        try:
            with tempfile.TemporaryDirectory(prefix="pav-study-") as folder, threadpool_limits(1, user_api="blas"):
                path = Path(folder) / "ratings.csv"
                with path.open("w", encoding="utf-8", newline="") as file:
                    file.writelines(_lines(study, mode, conditions))
                found = reading.read(path, progress)
                result = analyse(found.ratings, plan, found.notes, progress)
        except (BadDataset, TooFewRatings) as error:
            made.problems.append(f"There is no analysis of agreement of {title}: {error}")
            continue
        facts = {"table": title} | {name: known[name] for name in FACTS}
        made.files[f"agreement{ending}.json"] = json.dumps(result.as_json() | facts, indent=1) + "\n"
        made.files[f"report{ending}.md"] = markdown_report.report(result, title, []) + f"\n{_origin(known)}\n"
        made.pages.append(summary.page(result))
    return made


def _origin(known: dict[str, Any]) -> str:
    """Which design the data come from, in a sentence."""
    versions = ", ".join(f"{name} {version}" for name, version in known["versions"].items() if version)
    return f"Data: {known['mode']}; design SHA-256 {known['design_sha256']}, frozen {known['frozen_at']} with {versions}."


def _lines(study: Study, mode: str, conditions: Collection[str]) -> Iterator[str]:
    """The lines of ratings.csv of some conditions; of all, where there are none."""
    lines = exports.lines_of(study, "ratings.csv", mode=mode)
    header = next(lines)
    yield header
    if not conditions:
        yield from lines
        return
    place = next(csv.reader([header])).index("condition")
    yield from (line for line in lines if next(csv.reader([line]))[place] in conditions)
