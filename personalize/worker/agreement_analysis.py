"""Analysis of the agreement of an installation's raters, and the files of its page."""

import json
import tempfile
from importlib.util import find_spec
from pathlib import Path
from uuid import UUID

import numpy as np

from personalize.agreement import markdown_report, summary
from personalize.agreement.analysis import Agreement, analyse
from personalize.agreement.resampling import BootstrapPlan
from personalize.agreement.single_ratings import SingleRatings
from personalize.errors import PersonalizeError
from ratings.agreement import selectors, services
from ratings.agreement.selectors import SharedCatalogueRatings


def make(analysis_id: UUID) -> None:
    """Make one analysis, unless another worker has begun it."""
    if not services.start(analysis_id):
        return
    found = selectors.ratings_to_analyse()
    try:
        result = analyse(_single_ratings(found), BootstrapPlan())
    except PersonalizeError as error:
        services.fail(analysis_id, str(error), left_out_count=found.left_out_count)
        return
    services.finish(analysis_id, files=_files(result), rating_count=len(found.scores), left_out_count=found.left_out_count)


def _single_ratings(found: SharedCatalogueRatings) -> SingleRatings:
    raters, rater = np.unique(np.array(found.raters, dtype=str), return_inverse=True)
    photos, photo = np.unique(np.array(found.photos, dtype=str), return_inverse=True)
    return SingleRatings(rater, photo, np.array(found.scores), raters.tolist(), photos.tolist(), seconds=np.array(found.seconds))


def _files(result: Agreement) -> dict[str, str]:
    plots: dict[str, str] = {}
    if find_spec("matplotlib"):
        from personalize.agreement import plots as drawing

        with tempfile.TemporaryDirectory(prefix="pav-agreement-") as folder:
            plots = {path.name: path.read_text() for path in drawing.draw(result, Path(folder))}
    return {
        "page.txt": summary.page(result),
        "agreement.json": json.dumps(result.as_json()),
        "report.md": markdown_report.report(result, "PAV", sorted(plots)),
        **plots,
    }
