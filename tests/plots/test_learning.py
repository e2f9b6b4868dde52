"""What the figures of learning draw."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from worldvae.plots.learning import (
    ArmCurves,
    CurvePanel,
    SeedCurve,
    common_grid,
    learning_curves,
    learning_panels,
)
from worldvae.stats import Resampling


def seeds(count: int, points: int = 4) -> list[SeedCurve]:
    x = np.arange(1.0, points + 1)
    return [SeedCurve(x, x * (seed + 1)) for seed in range(count)]


def draw(*arms: ArmCurves) -> Figure:
    return learning_curves(CurvePanel("Return", "env steps", arms), Resampling.seeded(0))


def test_a_curve_starts_after_what_its_arm_was_charged() -> None:
    axes = draw(ArmCurves("pixels", seeds(1)), ArmCurves("latent", seeds(1), charged=10.0)).axes[0]
    pixels, _, latent, bold = axes.lines
    np.testing.assert_array_equal(pixels.get_xdata(), [1, 2, 3, 4])
    np.testing.assert_array_equal(latent.get_xdata(), [11, 12, 13, 14])
    np.testing.assert_array_equal(bold.get_xdata(), [11, 12, 13, 14])
    assert axes.get_xlim()[0] == 0


def test_only_the_charged_stretch_is_shaded() -> None:
    axes = draw(ArmCurves("pixels", seeds(1)), ArmCurves("latent", seeds(1), charged=10.0)).axes[0]
    (shaded,) = axes.patches
    assert shaded.get_extents().transformed(axes.transData.inverted()).x1 == pytest.approx(10.0)


def test_the_bold_line_is_the_mean_of_the_finished_seeds() -> None:
    curves = [*seeds(2), SeedCurve(np.array([1.0]), np.array([99.0]), finished=False)]
    *_, bold = draw(ArmCurves("latent", curves)).axes[0].lines
    np.testing.assert_allclose(bold.get_ydata(), [1.5, 3.0, 4.5, 6.0])


@pytest.mark.parametrize(("count", "bands"), [(1, 0), (2, 0), (3, 1)])
def test_a_band_needs_three_seeds(count: int, bands: int) -> None:
    assert len(draw(ArmCurves("latent", seeds(count))).axes[0].collections) == bands


def test_a_seed_that_is_done_counts_until_the_last_one_is() -> None:
    short = SeedCurve(np.array([0.0, 10.0]), np.array([0.0, 10.0]))
    long = SeedCurve(np.array([5.0, 40.0]), np.array([2.0, 2.0]))
    x, scores = common_grid([short, long])
    assert (x[0], x[-1]) == (5.0, 40.0)
    np.testing.assert_allclose(scores[:, -1], [10.0, 2.0])
    np.testing.assert_allclose(scores[0, x >= 10], 10.0)


def test_curves_that_share_no_stretch_are_one_point_with_its_interval() -> None:
    """As of agents that were scored once, each after its own CPU time."""
    points = (1.0, 2.0), (3.0, 4.0), (2.0, 6.0)
    curves = [SeedCurve(np.array([x]), np.array([y])) for x, y in points]
    *_, dot, interval = draw(ArmCurves("latent", curves)).axes[0].lines
    assert (dot.get_xdata(), dot.get_ydata(), dot.get_marker()) == ([3.0], [4.0], "o")
    np.testing.assert_array_equal(interval.get_xdata(), [3.0, 3.0])
    low, high = interval.get_ydata()
    assert 2.0 <= low < 4.0 < high <= 6.0


@pytest.mark.parametrize("curves", [[], [SeedCurve(np.array([]), np.array([]))]])
def test_arms_without_a_point_are_drawn_as_nothing(curves: list[SeedCurve]) -> None:
    assert not draw(ArmCurves("latent", curves)).axes[0].texts


def test_every_arm_is_named_beside_its_line_and_names_do_not_touch() -> None:
    arms = [ArmCurves(name, seeds(1)) for name in ("pixels", "latent", "untrained")]
    axes = draw(*arms).axes[0]
    low, high = axes.get_ylim()
    heights = sorted(text.get_position()[1] for text in axes.texts)
    assert {text.get_text() for text in axes.texts} == {"pixels", "latent", "untrained"}
    assert min(np.diff(heights)) >= 0.07 * (high - low)


def test_panels_name_each_arm_once_and_each_cost_below() -> None:
    def row(x_label: str) -> list[CurvePanel]:
        latent, pixels = ArmCurves("latent", seeds(1)), ArmCurves("pixels", seeds(2), 7.0)
        return [CurvePanel("Dots", x_label, [latent]), CurvePanel("Car", x_label, [pixels, latent])]

    figure = learning_panels([row("steps"), row("minutes")], Resampling.seeded(0))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["latent", "pixels"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["steps"] * 2 + ["minutes"] * 2
    assert [axes.get_ylabel() for axes in figure.axes] == ["held-out return", ""] * 2
    assert [len(axes.lines) for axes in figure.axes] == [2, 5] * 2
    assert figure.axes[1].lines[0].get_xdata()[0] == 8.0


def test_columns_of_one_task_have_one_scale_of_returns() -> None:
    """Two runs of one environment are compared by eye: 800 has to be above 600 in both."""

    def panel(height: float) -> CurvePanel:
        curve = SeedCurve(np.array([1.0, 2.0]), np.array([0.0, height]))
        return CurvePanel("", "steps", [ArmCurves("latent", [curve])])

    row = [panel(600), panel(5), panel(800)]
    figure = learning_panels([row, row], Resampling.seeded(0), tasks=["Car", "Pong", "Car"])
    limits = [axes.get_ylim() for axes in figure.axes]
    assert limits[0] == limits[2] == limits[3] == limits[5]
    assert limits[0][1] > 800
    assert limits[1] == limits[4]
    assert limits[1][1] < 10
