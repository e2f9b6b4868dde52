"""What the figures of the gap between reality and a dream draw."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from worldvae.plots import gap
from worldvae.plots.style import to_svg

POLICIES = [
    gap.ScoredPolicy("random", "collected", 10, (8, 12), 20, (15, 25)),
    gap.ScoredPolicy("a name that is far too long for a figure", "new", 30, (30, 30), 21, (1, 41)),
    gap.ScoredPolicy("dream seed 0", "agent", 50, (40, 60), 22, (20, 24)),
]


def labels(figure: Figure) -> dict[str, float]:
    """Name -> height of its text."""
    return {text.get_text(): text.xyann[1] for text in figure.axes[0].texts}  # type: ignore[attr-defined]


def test_policies_stand_where_both_worlds_have_them_with_their_intervals() -> None:
    figure = gap.scatter(POLICIES, [], "return")
    places = {
        tuple(np.column_stack(container[0].get_data()).ravel().tolist())  # type: ignore[attr-defined]
        for container in figure.axes[0].containers
    }
    assert places == {(10, 20), (30, 21), (50, 22)}
    bars = [bar for container in figure.axes[0].containers for bar in container[2]]
    ends = {tuple(np.ravel(path).tolist()) for bar in bars for path in bar.get_segments()}
    assert {(8, 20, 12, 20), (10, 15, 10, 25), (30, 1, 30, 41), (50, 20, 50, 24)} <= ends
    assert figure.axes[0].get_xlim() == figure.axes[0].get_ylim(), "the diagonal is at 45 degrees"


def test_names_do_not_lie_over_each_other() -> None:
    figure = gap.scatter(POLICIES, [0, 1, 2], "return")
    found = labels(figure)
    assert [*found] == ["random", "a name that is far too long…", "dream seed 0"]
    low, high = figure.axes[0].get_ylim()
    heights = sorted(found.values())
    assert min(np.diff(heights)) >= 0.07 * (high - low) - 1e-9
    assert heights[0] >= low
    assert heights[-1] <= high


def test_equal_policies_have_a_figure_too() -> None:
    flat = gap.ScoredPolicy("still", "new", 5, (5, 5), 5, (5, 5))
    assert "still" in to_svg(gap.scatter([flat, flat], [0], "return"), "alt")


def test_the_chosen_temperature_is_ringed() -> None:
    errors = np.array([[3.0, 2, 4], [1, 0.5, 2], [2, 1, 3]])
    figure = gap.error_over_temperature(np.array([1.0, 0.6, 0.3]), errors, 0.6)
    curve, ring = figure.axes[0].lines
    assert list(curve.get_xdata()) == [0.3, 0.6, 1.0]
    assert list(curve.get_ydata()) == [2, 1, 3]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (0.6, 1)


def test_promise_and_reality_are_two_curves_with_their_intervals() -> None:
    steps = np.array([0.0, 100, 200])
    real = np.array([[1.0, 0.5, 1.5], [2, 1, 3], [3, 2, 5]])
    dream = np.array([[1.0, 0, 2], [4, 3, 5], [9, 6, 11]])
    figure = gap.return_over_training(steps, real, dream)
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert lines == {"dream": [1, 4, 9], "reality": [1, 2, 3]}
    drawn = [one for one in figure.axes[0].collections if isinstance(one, LineCollection)]
    ends = [[tuple(bar[:, 1].tolist()) for bar in bars.get_segments()] for bars in drawn]
    assert ends == [[(0, 2), (3, 5), (6, 11)], [(0.5, 1.5), (1, 3), (2, 5)]]
