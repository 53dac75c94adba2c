"""Plots of an analysis, as SVG and PNG. Needs Matplotlib."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from personalize.agreement.analysis import SHARES, Agreement
from personalize.agreement.definitions import DEFINITIONS
from personalize.agreement.pair_analysis import PairAgreement
from personalize.agreement.paired_choices import Strengths

DPI = 150
COLOURS = {
    "photo": "#3b6ea5", "rater": "#c9c9c9", "rater_photo": "#d9822b", "block": "#8f8f8f", "block_rater": "#b3a1c9",
    "block_photo": "#8fb8a8", "residual": "#eeeeee",
}  # fmt: skip
MOST_DRAWN = 5000  # points in a scatter plot


def draw(result: Agreement | PairAgreement, folder: Path) -> list[Path]:
    """Draw every plot that the data give; the SVG files, each with a PNG beside it."""
    if isinstance(result, PairAgreement):
        figures = {"strengths": _strengths(result.strengths)} if result.strengths else {}
    else:
        figures = {"photos": _photos(result), "raters": _raters(result)}
        if result.of("share_photo").value is not None:
            figures = {"variance-shares": _shares(result)} | figures
        if np.isfinite(result.raters.times.by_place).any():
            figures["response-times"] = _times(result)
    return _saved(figures, folder)


def _shares(result: Agreement) -> Figure:
    """One bar for all ratings and one for each category, in percent of the variance."""
    bars = {"all": result} | result.by_category if result.by_category else {"": result}
    figure = Figure(figsize=(7, 1.1 + 0.5 * len(bars)), layout="constrained")
    axes = figure.add_subplot()
    seen = set()
    for place, one in enumerate(bars.values()):
        left = 0.0
        for part in SHARES:
            value = one.of(f"share_{part}").value
            if value is None:
                continue
            together = part == "residual" and one.of("share_rater_photo").value is None
            label = "private taste and noise" if together else DEFINITIONS[f"share_{part}"].name.removeprefix("Share of ")
            axes.barh(place, 100 * value, left=left, color=COLOURS[part], edgecolor="white", label=None if label in seen else label)
            if value > 0.05:
                axes.text(left + 50 * value, place, f"{100 * value:.0f}", ha="center", va="center", fontsize="small")
            seen.add(label)
            left += 100 * value
    axes.set(xlim=(0, 100), xlabel="share of the variance of ratings (%)")
    axes.set_yticks(range(len(bars)) if result.by_category else [], list(bars) if result.by_category else [])
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=2, fontsize="small", frameon=False)
    return figure


def _photos(result: Agreement) -> Figure:
    """Mean and standard deviation of opinions of each photo, and how often each score was given."""
    opinions = result.opinions
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    some = _some(len(opinions.mean))
    left.scatter(opinions.mean[some], opinions.deviation[some], s=9, alpha=0.5, color=COLOURS["photo"])
    left.set(xlabel="mean rating of the photo", ylabel="standard deviation of opinions")
    width = 0.8 * (np.diff(opinions.levels).min() if len(opinions.levels) > 1 else 1.0)
    right.bar(opinions.levels, opinions.distribution.sum(axis=0), width=width, color=COLOURS["photo"])
    right.set(xlabel="score", ylabel="ratings")
    return _with_grid(figure, left, right)


def _raters(result: Agreement) -> Figure:
    """How each rater agrees with the others and, where known, with themselves."""
    table = result.raters
    figure = Figure(figsize=(4.6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    others, again = table.mean_minus_one_pearson, table.retest
    if np.isfinite(again).any():
        axes.scatter(again, others, s=14, alpha=0.7, color=COLOURS["rater_photo"])
        axes.set(xlabel="correlation with the own ratings, repeated", ylabel="with the mean of the others")
    else:
        axes.hist(others[np.isfinite(others)], bins=30, color=COLOURS["photo"])
        axes.set(xlabel="correlation with the mean of the others", ylabel="raters")
    return _with_grid(figure, axes)


def _times(result: Agreement) -> Figure:
    """Response times over the sitting."""
    figure = Figure(figsize=(4.6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    places = result.raters.times.by_place
    axes.plot(np.arange(1, len(places) + 1) * 100 / len(places), places, marker="o", color=COLOURS["photo"])
    axes.set(xlabel="part of the sitting (%)", ylabel="median response time (s)", ylim=(0, 1.1 * np.nanmax(places)))
    return _with_grid(figure, axes)


def _strengths(found: Strengths) -> Figure:
    """Strengths in order, with 95 % intervals."""
    order = np.argsort(found.strength)[_some(len(found.strength))]
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot()
    place, middle, reach = np.arange(len(order)), found.strength[order], 1.96 * found.error[order]
    axes.fill_between(place, middle - reach, middle + reach, color=COLOURS["photo"], alpha=0.25, linewidth=0)
    axes.plot(place, middle, color=COLOURS["photo"])
    axes.set(xlabel="photos in order", ylabel="strength (logits)")
    return _with_grid(figure, axes)


def _some(count: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(count, MOST_DRAWN)).astype(int)


def _with_grid(figure: Figure, *axes: Axes) -> Figure:
    for one in axes:
        one.grid(alpha=0.3)
        one.set_axisbelow(True)
    return figure


def _saved(figures: Mapping[str, Figure], folder: Path) -> list[Path]:
    paths = []
    for name, figure in figures.items():
        for ending in (".png", ".svg"):
            figure.savefig(folder / f"{name}{ending}", dpi=DPI, metadata={"Date": None} if ending == ".svg" else None)
        paths.append(folder / f"{name}.svg")
    return paths
