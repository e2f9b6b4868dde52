"""What the figures draw, and that they leave nothing behind."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import get_args

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from agents.experiment import ArmName
from worldvae import plots
from worldvae.plots import ArmCurves, Curve
from worldvae.stats import Array, Estimate


def seeds(count: int, points: int = 4) -> list[Curve]:
    x = np.arange(1.0, points + 1)
    return [Curve(x, x * (seed + 1)) for seed in range(count)]


def draw(*arms: ArmCurves) -> Figure:
    return plots.learning_curves(arms, "Return", "env steps", np.random.default_rng(0))


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
    curves = [*seeds(2), Curve(np.array([1.0]), np.array([99.0]), finished=False)]
    *_, bold = draw(ArmCurves("latent", curves)).axes[0].lines
    np.testing.assert_allclose(bold.get_ydata(), [1.5, 3.0, 4.5, 6.0])


@pytest.mark.parametrize(("count", "bands"), [(1, 0), (2, 0), (3, 1)])
def test_a_band_needs_three_seeds(count: int, bands: int) -> None:
    assert len(draw(ArmCurves("latent", seeds(count))).axes[0].collections) == bands


def test_curves_of_unequal_length_are_averaged_where_all_of_them_are() -> None:
    short = Curve(np.array([0.0, 10.0]), np.array([0.0, 10.0]))
    long = Curve(np.array([5.0, 40.0]), np.array([2.0, 2.0]))
    x, scores = plots.common_grid([short, long])
    assert (x[0], x[-1]) == (5.0, 10.0)
    np.testing.assert_allclose(scores[:, -1], [10.0, 2.0])


@pytest.mark.parametrize("curves", [[], [Curve(np.array([]), np.array([]))]])
def test_arms_without_a_point_are_drawn_as_nothing(curves: list[Curve]) -> None:
    assert not draw(ArmCurves("latent", curves)).axes[0].texts


def test_every_arm_is_named_beside_its_line_and_names_do_not_touch() -> None:
    arms = [ArmCurves(name, seeds(1)) for name in ("pixels", "latent", "random")]
    axes = draw(*arms).axes[0]
    low, high = axes.get_ylim()
    heights = sorted(text.get_position()[1] for text in axes.texts)
    assert {text.get_text() for text in axes.texts} == {"pixels", "latent", "random"}
    assert min(np.diff(heights)) >= 0.07 * (high - low)


def test_spread_moves_only_what_touches() -> None:
    np.testing.assert_allclose(plots.spread([0.0, 5.0, 9.0], gap=2.0), [0.0, 5.0, 9.0])
    np.testing.assert_allclose(plots.spread([1.0, 1.0], gap=2.0), [0.0, 2.0])


def test_final_scores_show_each_seed_the_summary_and_its_interval() -> None:
    found = Estimate(2.0, 1.0, 3.0, 3)
    figure = plots.final_scores({"latent": np.array([1.0, 2.0, 3.0])}, {"latent": found})
    dots, interval, diamond = figure.axes[0].lines
    np.testing.assert_array_equal(dots.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(interval.get_xdata(), [1, 3])
    np.testing.assert_array_equal(diamond.get_xdata(), [2])


def test_episode_returns_have_a_line_for_each_seed() -> None:
    returns = {"pixels": [np.array([1.0, 3.0])], "latent": [np.array([2.0]), np.array([4.0])]}
    figure = plots.episode_returns(returns)
    strokes, mean, *rest = figure.axes[0].lines
    np.testing.assert_array_equal(strokes.get_xdata(), [1, 3])
    np.testing.assert_array_equal(mean.get_xdata(), [2])
    assert len(rest) == 4


def test_latents_are_ordered_by_what_they_carry() -> None:
    bars = plots.latent_kl(np.array([0.001, 3.0, 1.0])).axes[0].patches
    assert [bar.get_height() for bar in bars] == [3.0, 1.0, 0.001]


def test_an_arm_keeps_its_colour_and_the_known_ones_differ() -> None:
    known = {plots.colour(arm) for arm in get_args(ArmName)}
    assert known == set(plots.PALETTE.values())
    assert len(known) == len(get_args(ArmName))
    assert plots.colour("mine") == plots.colour("mine")


# Machado, Oliveira & Fernandes (2009), severity 1, of linear RGB.
SIGHT = {
    "common": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def linear(colour: str) -> Array:
    """sRGB as IEC 61966-2-1 has it -> linear (3,)."""
    value = np.array(to_rgb(colour))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: Array) -> Array:
    """Linear RGB (3,) -> CIE L*a*b* (3,) under D65."""
    to_xyz = [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]
    ratio = np.array(to_xyz) @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.0888]
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_no_two_arms_look_alike_to_anybody(sight: str) -> None:
    """CIE76 distances; 2.3 is the smallest that an eye notices (Mahy et al. 1994)."""
    seen = [lab(np.array(SIGHT[sight]) @ linear(colour)) for colour in plots.PALETTE.values()]
    distances = [np.linalg.norm(a - b) for a, b in combinations(seen, 2)]
    assert min(distances) > 18


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_arm_is_legible_on_both_papers(scheme: str) -> None:
    """WCAG 2's contrast of 3 to 1, for large letters and for graphics."""
    css = (Path(plots.__file__).parent / "page.css").read_text()
    papers = dict(zip(("light", "dark"), re.findall(r"--paper: (#\w{6})", css), strict=True))
    paper = float(linear(papers[scheme]) @ LUMINANCE) + 0.05
    for arm, colour in plots.PALETTE.items():
        ink = float(linear(colour) @ LUMINANCE) + 0.05
        assert max(ink, paper) / min(ink, paper) >= 3, arm


def test_svg_is_an_element_that_takes_the_colour_of_its_page() -> None:
    svg = plots.to_svg(draw(ArmCurves("latent", seeds(1))), 'a "quoted" <alt>')
    assert svg.startswith('<svg role="img" aria-label="a &quot;quoted&quot; &lt;alt>"')
    assert "currentColor" in svg
    assert plots.INK not in svg
    assert "<metadata" not in svg
    assert 'viewBox="' in svg


def test_svg_is_reproducible() -> None:
    first, second = (plots.to_svg(draw(ArmCurves("latent", seeds(3))), "a") for _ in range(2))
    assert first == second


def test_hostile_names_are_text() -> None:
    svg = plots.to_svg(draw(ArmCurves("<script>$\\x", seeds(1))), "x")
    assert "<script" not in svg


def test_no_global_state_changes() -> None:
    before = dict(mpl.rcParams)
    plots.to_svg(draw(ArmCurves("latent", seeds(3))), "x")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (250, "250"), (250_000, "250k"), (1_500_000, "1.5M")]
)
def test_steps_are_short(value: float, text: str) -> None:
    assert plots._short(value) == text
