"""The command explain: which task vectors a rater has more or less of, and of whom nothing is said."""

import io
import json
from uuid import uuid4

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from personalize.files import banks
from ratings.exports.selectors import fit_to_export
from ratings.models import ExactRefit, Fit

MORE = {"coefficient": 0.4, "sd": 0.1, "share": 0.41, "low": 0.2, "high": 0.58}
LESS = {"coefficient": -0.2, "sd": 0.05, "share": 0.07, "low": 0.01, "high": 0.2}


def explain(rater, **options) -> str:
    out = io.StringIO()
    call_command("explain", rater=rater, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def with_exact_fit(raters, projection):
    """Make the first rater's exact fit the active one, with what task vectors say."""

    def activate(shares):
        Fit.objects.filter(rater=raters[0]).update(exact_order={"photos": [1], "scores": [0.5]})
        own = {"bank_id": banks.read_metadata().hash, "projection_id": projection, "ratings_seq": 12}
        coefficients = np.zeros(6, dtype="<f4").tobytes()
        ExactRefit.objects.create(rater=raters[0], coefficients=coefficients, task_shares=shares, **own)
        return raters[0].id

    return activate


def test_each_task_vector_that_the_posterior_supports_is_said_with_its_interval(with_exact_fit):
    rater = with_exact_fit({"oasis-valence": LESS, "savoias-complexity": MORE})
    more, less, nothing = explain(rater).splitlines()[2:]
    assert more == "more of savoias-complexity (+0.40 +- 0.20), which explains 41% (20% to 58%) of the change in the ranking"
    assert less.startswith("less of oasis-valence (-0.20 +- 0.10), which explains 7%")
    others = "oasis-beauty, oasis-arousal, streetpsych-preference, technical-quality"
    assert nothing == f"Nothing can be said of {others}."
    assert json.loads(explain(rater, json=True))["task_shares"]["oasis-valence"] == LESS
    assert fit_to_export(rater).facts["task_shares"]["oasis-valence"] == LESS  # in the model card, too


def test_where_the_posterior_supports_none_nothing_is_said(with_exact_fit):
    assert "Nothing can be said: the ratings do not show" in explain(with_exact_fit({}))


def test_a_rater_without_a_fit_is_refused(db):
    with pytest.raises(CommandError, match="There is no rater"):
        explain(uuid4())
