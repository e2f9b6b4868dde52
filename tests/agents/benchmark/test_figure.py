"""The figures show what was measured."""

from __future__ import annotations

import pytest
from matplotlib.axes import Axes

from agents.benchmark.figure import MET, MISSED, REPORTED, benchmark_figure, scaling_figure
from agents.benchmark.scaling.curve import ScalingCurve
from tests.agents.benchmark.synthetic import result

ROWS = (
    result("a", (3, 4, 6)),
    result("b", (1, 2, 3)),
    result("c", (0.5,), target=None, group="Whole job"),
    result("d", (90,), bound=">=", group="Whole job"),
)


def marks(axes: Axes, marker: str) -> list[tuple[float, str]]:
    lines = [line for line in axes.lines if line.get_marker() == marker]
    return [(float(line.get_xdata()[0]), str(line.get_color())) for line in lines]


def test_each_row_has_a_dot_at_its_median_in_the_colour_of_its_verdict() -> None:
    axes = benchmark_figure(ROWS).axes[0]
    assert marks(axes, "o") == [(4, MET), (2, MISSED), (0.5, REPORTED)]
    assert marks(axes, ">") == [(90, MET)], "a lower bound points to where the truth lies"
    assert [x for x, _ in marks(axes, "|")] == [4, 4, 4]


def test_each_row_has_its_range_its_names_and_its_number() -> None:
    axes = benchmark_figure(ROWS).axes[0]
    bars = [line.get_xdata() for line in axes.lines if line.get_linewidth() == 5]
    assert [list(map(float, bar)) for bar in bars] == [[3, 6], [1, 3], [0.5, 0.5], [90, 90]]
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("8 envs in one batch") == 4
    assert {"against one torch call an env", "4x", "≥ 90x", "Whole job"} <= set(texts)
    low, high = axes.get_xlim()
    assert low < 0.5
    assert high > 90


def test_a_curve_has_its_points_its_line_and_its_slope() -> None:
    square = ScalingCurve(
        stage="encoding", quantity="side", cost="s", expected=2, x=(1, 10), y=(5, 500)
    )
    flat = ScalingCurve(
        stage="collection", quantity="n", cost="s", expected=0, x=(1, 10, 100), y=(2,) * 3
    )
    figure = scaling_figure([flat, square, square])
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == 3
    assert panels[1].texts[0].get_text() == "slope 2.00\nexpected: at most 2"
    guide, fit, points = panels[1].lines
    for line in (guide, fit, points):
        assert list(line.get_ydata()) == pytest.approx([5, 500])
    assert panels[0].texts[0].get_text().startswith("slope ")
    assert panels[0].get_ylim()[1] / panels[0].get_ylim()[0] > 4, "a flat line stays flat"
