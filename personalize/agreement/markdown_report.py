"""The Markdown report of an analysis, with a methods paragraph for a paper."""

from collections.abc import Sequence

from personalize import __version__
from personalize.agreement import summary
from personalize.agreement.analysis import Agreement
from personalize.agreement.definitions import DEFINITIONS
from personalize.agreement.pair_analysis import PairAgreement
from personalize.agreement.statistic import Statistic


def report(result: Agreement | PairAgreement, title: str, plots: Sequence[str] = ()) -> str:
    """The whole report; `plots` are names of SVG files beside it."""
    parts = [f"# Agreement: {title}", summary.counts(result), "\n".join(f"- {sentence}" for sentence in summary.sentences(result))]
    parts += [f"![{name.removesuffix('.svg').replace('-', ' ')}]({name})" for name in plots]
    parts += ["## Statistics", _table(summary.table(result))]
    if isinstance(result, Agreement) and result.by_category:
        parts += ["## By category", _table(summary.category_rows(result))]
    for heading, lines in (
        ("## Remarks", summary.remarks(result.statistics)),
        ("## Not estimable", summary.missing(result.statistics)),
        ("## Left out", list(result.notes)),
    ):
        if lines:
            parts += [heading, "\n".join(f"- {line}" for line in lines)]
    parts += ["## Methods", methods(result), "## What the statistics mean", _meanings(result.statistics)]
    return "\n\n".join(parts) + "\n"


def methods(result: Agreement | PairAgreement) -> str:
    """A paragraph for the methods section of a paper."""
    plan = result.plan
    end = f"Computed with PAV {__version__} (./pav agreement), {plan.draws} bootstrap draws, seed {plan.seed}."
    if isinstance(result, PairAgreement):
        return (
            f"{summary.counts(result)} Strengths of photos were estimated with the Bradley-Terry model, ties by Davidson (1970), with an "
            "advantage of the left side and a normal prior (mean 0, deviation 2 logits) on each strength; standard errors are from "
            f"the curvature of the posterior. Intervals are 95 % intervals from a bootstrap over raters. {end}"
        )
    parts = [summary.counts(result)]
    parts.append("Krippendorff's alpha was computed for incomplete data with the interval and the ordinal metric.")
    if result.reml:
        names = ", ".join(part.replace("_", " x ") for part in result.reml.components)
        parts.append(
            f"Variance components ({names}) were estimated by restricted maximum likelihood in a crossed random-effects model on all "
            "ratings; intraclass correlations, beholder indices and noise ceilings follow from them."
        )
    parts.append(
        "Split-half reliabilities are means over 100 random splits. Correlations with the mean of all other raters (mean-minus-one) and "
        "between pairs of raters were averaged with Fisher's z; pairs with fewer than 10 photos in common were left out."
    )
    if result.personal:
        parts.append(
            "What personalization adds was measured by five-fold cross-validation within each rater: Spearman's correlation of left-out "
            "ratings with PAV's instant fit (a Gaussian process on features of the photos), with the mean of all other raters, and with "
            "both together."
        )
    parts.append(
        "Intervals are 95 % intervals from the percentiles of a rescaling bootstrap (Rao & Wu, 1988) that resamples raters and "
        "photos independently (Owen, 2007) and never pairs a rater with a copy, expanded for small samples (Hesterberg, 2015). "
        "For variance components, the bootstrap used moment estimators (Gao & Owen, 2017) around the REML estimates."
    )
    return " ".join([*parts, end])


def _meanings(statistics: Sequence[Statistic]) -> str:
    rows = [
        [DEFINITIONS[one.key].name, DEFINITIONS[one.key].meaning, DEFINITIONS[one.key].landmarks, DEFINITIONS[one.key].reference]
        for one in statistics
    ]
    return _table([["statistic", "meaning", "landmarks", "source"], *rows])


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
