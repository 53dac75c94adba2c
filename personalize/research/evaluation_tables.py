"""Markdown tables of an evaluation."""

from collections.abc import Callable
from typing import Literal

from personalize.numerics.metrics import MeanOverRaters
from personalize.research.domains import AcrossDomains
from personalize.research.evaluate import Evaluation, SwapResult


def as_table(result: Evaluation, metric: Literal["srocc", "plcc"] = "srocc") -> str:
    """Means over raters with 95 % intervals, one row per method."""
    return _table(result, lambda method, shots: _interval(result[metric][shots][method]))


def differences(result: Evaluation) -> str:
    """The leading method minus each other method, paired by rater."""

    def cell(method: str, shots: str) -> str:
        found = result["minus"][shots].get(method)
        return f"{found['mean']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})" if found else "-"

    return _table(result, cell)


def costs(result: Evaluation) -> str:
    """Costs of a fit, as medians over raters."""

    def cell(method: str, shots: str) -> str:
        took = result["took"][shots][method]
        loss = "" if took["loss"] is None else f", rank loss {took['loss']:.3f}"
        passes = f", {took['image_passes']:.0f} image passes" if took["image_passes"] else ""
        return "-" if took["seconds"] is None else f"{_time(took['seconds'])}{passes}{loss}"

    return _table(result, cell)


def in_full(result: Evaluation) -> str:
    """All tables, under headings."""
    parts = {
        "Mean SROCC (95 % interval over raters)": as_table(result),
        "Mean PLCC (95 % interval over raters)": as_table(result, "plcc"),
        f"SROCC of {result['lead']} minus that of each other method, paired by rater": differences(result),
        "A fit and the scores of the left-out photos, medians": costs(result),
    }
    tables = [f"{title}:\n\n{table}" for title, table in parts.items()]
    return "\n\n".join(filter(None, [*tables, exact_active(result)]))


def exact_active(result: Evaluation) -> str:
    """For how many raters `refined` chose the exact model, in one sentence; empty where it was not measured."""
    counts = [
        f"{took['refined']['raters_with_loss']} of {len(result['by_rater'][shots]['refined'])} raters at {shots} shots"
        for shots, took in result["took"].items()
        if "refined" in took
    ]
    return f"With refined, the exact model was active for {', '.join(counts)}." if counts else ""


def of_swap(found: SwapResult) -> str:
    """Result of the swap test, in two sentences."""
    gain = found["gain"]
    return (
        f"Swap test, {found['raters']} raters, {found['shots']} shots: raters' own models rank their left-out ratings better than other "
        f"raters' models by {gain['mean']:+.3f} SROCC ({gain['low']:+.3f} to {gain['high']:+.3f}). "
        f"They win {100 * found['pairs_won']:.1f} % of all pairs; for {100 * found['raters_better_with_their_own']:.1f} % of the raters, "
        "their own model is better than the others' models on average."
    )


def across_domains(result: AcrossDomains) -> str:
    """Mean SROCC for every pair of domains: rows by method and domain of the shots, columns by domain of the test ratings."""
    domains = list(result["domains"])
    parts = []
    for shots, by_method in result["srocc"].items():
        lines = ["| method | shots of | " + " | ".join(f"tested on {name}" for name in domains) + " |", "|---|---|" + "---|" * len(domains)]
        for method, by_source in by_method.items():
            for source, by_target in by_source.items():
                lines.append(f"| {method} | {source} | " + " | ".join(_interval(by_target[target]) for target in domains) + " |")
        parts.append(f"Mean SROCC after {shots} shots of one domain (95 % interval over raters):\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _table(result: Evaluation, cell: Callable[[str, str], str]) -> str:
    shots = list(result["srocc"])
    lines = ["| method | " + " | ".join(f"{count} shots" for count in shots) + " |", "|---|" + "---|" * len(shots)]
    lines += [f"| {method} | " + " | ".join(cell(method, count) for count in shots) + " |" for method in result["srocc"][shots[0]]]
    return "\n".join(lines)


def _interval(cell: MeanOverRaters) -> str:
    return f"{cell['mean']:.3f} ({cell['low']:.3f} to {cell['high']:.3f})"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
