"""The dots of a scatter figure are the scores and their means."""

import numpy as np

from worldvae.plots.scatter import COLUMNS, ScatterPanel, scatter_panels


def test_small_dots_are_scores_and_large_ones_their_means() -> None:
    scores = [np.array([1.0, 3.0]), np.array([5.0])]
    panels = [ScatterPanel(f"number {n}", np.array([0.5, n]), scores) for n in range(6)]
    figure = scatter_panels(panels, "return")
    drawn = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in drawn] == [f"number {n}" for n in range(6)]
    assert len(figure.axes) == 2 * COLUMNS
    assert [axes.get_ylabel() for axes in drawn if axes.get_ylabel()] == ["return"] * 2
    lines = drawn[4].lines
    assert [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in lines[::2]] == [
        ([0.5, 0.5], [1.0, 3.0]),
        ([4.0], [5.0]),
    ]
    means = [(line.get_xdata()[0], line.get_ydata()[0]) for line in lines[1::2]]
    assert means == [(0.5, 2.0), (4.0, 5.0)]
