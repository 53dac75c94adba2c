"""Plots of an evaluation, as PNG and SVG."""

from pathlib import Path

from matplotlib.figure import Figure

from personalize.research.evaluate import Evaluation

DPI = 150


def learning_curve(result: Evaluation, stem: Path) -> list[Path]:
    """Mean SROCC over the number of shots, one line per method, with 95 % intervals over raters."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    shots = [int(count) for count in result["srocc"]]
    for method in result["srocc"][str(shots[0])]:
        cells = [result["srocc"][str(count)][method] for count in shots]
        axes.plot(shots, [cell["mean"] for cell in cells], marker="o", label=method)
        axes.fill_between(shots, [cell["low"] for cell in cells], [cell["high"] for cell in cells], alpha=0.12)
    axes.set_xlabel("ratings seen by the method (shots)")
    axes.set_ylabel("SROCC with the rater's other ratings")
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)
    return _saved(figure, stem)


def per_rater(result: Evaluation, stem: Path) -> list[Path]:
    """Each rater's SROCC at the largest number of shots: the leading method against each other one. It is better above the line."""
    shots = list(result["srocc"])[-1]
    lead, by_method = result["lead"], result["by_rater"][shots]
    others = [method for method in by_method if method != lead]
    known = [value for values in by_method.values() for value in values if value == value]
    low, high = min(known) - 0.05, max(known) + 0.05
    figure = Figure(figsize=(2.8 * max(len(others), 1), 3.1), layout="constrained")
    for place, method in enumerate(others, start=1):
        axes = figure.add_subplot(1, len(others), place, aspect="equal")
        axes.scatter(by_method[method], by_method[lead], s=9, alpha=0.6)
        axes.axline((0, 0), slope=1, color="grey", linewidth=0.8)
        axes.set(xlabel=method, xlim=(low, high), ylim=(low, high))
        axes.set_ylabel(lead if place == 1 else "")
    figure.suptitle(f"SROCC of each rater, {shots} shots", fontsize="medium")
    return _saved(figure, stem)


def _saved(figure: Figure, stem: Path) -> list[Path]:
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = [stem.with_suffix(ending) for ending in (".png", ".svg")]
    for path in paths:
        figure.savefig(path, dpi=DPI, metadata={"Date": None} if path.suffix == ".svg" else None)
    return paths
