"""The look of figures, their form in a page, and that they leave nothing behind."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from agents.arms.registry import ARMS, colours
from worldvae.plots import style as plots
from worldvae.plots.learning import ArmCurves, CurvePanel, SeedCurve, learning_curves
from worldvae.stats import Array, Resampling


def draw(arm: str = "latent") -> Figure:
    x = np.arange(1.0, 5.0)
    curves = [SeedCurve(x, x * (seed + 1)) for seed in range(3)]
    return learning_curves(
        CurvePanel("Return", "steps", [ArmCurves(arm, curves)]), Resampling.seeded(0)
    )


def test_spread_moves_only_what_touches() -> None:
    np.testing.assert_allclose(plots.spread([0.0, 5.0, 9.0], gap=2.0), [0.0, 5.0, 9.0])
    np.testing.assert_allclose(plots.spread([1.0, 1.0], gap=2.0), [0.0, 2.0])
    uneven = plots.spread([0.0, 0.0, 9.0], gap=np.array([2.0, 4.0]))
    np.testing.assert_allclose(uneven, [-1.0, 1.0, 9.0])
    assert plots.spread([], gap=1.0) == []


def test_names_of_arms_stay_apart_where_they_are_shortened() -> None:
    names = {arm: plots.shortened(arm) for arm in (*ARMS, "an_unusually_long_name", "x" * 20)}
    assert len({*names.values()}) == len(names)
    assert max(map(len, names.values())) <= 12
    assert names["untrained_memory"] == "untr. memory"
    assert names["latent"] == "latent"


def test_latents_are_ordered_by_what_they_carry() -> None:
    bars = plots.latent_kl(np.array([0.001, 3.0, 1.0])).axes[0].patches
    assert [bar.get_height() for bar in bars] == [3.0, 1.0, 0.001]


def test_an_arm_keeps_its_colour_and_the_known_ones_differ() -> None:
    known = {plots.colour(arm, colours()) for arm in ARMS}
    assert known == set(colours().values())
    assert len(known) == len(ARMS)
    assert plots.colour("mine", colours()) == plots.colour("mine", {}) in plots.SPARE


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
    seen = [lab(np.array(SIGHT[sight]) @ linear(colour)) for colour in colours().values()]
    distances = [np.linalg.norm(a - b) for a, b in combinations(seen, 2)]
    assert min(distances) > 16


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_arm_is_legible_on_both_papers(scheme: str) -> None:
    """WCAG 2's contrast of 3 to 1, for large letters and for graphics."""
    css = (Path(plots.__file__).parents[1] / "page.css").read_text()
    papers = dict(zip(("light", "dark"), re.findall(r"--paper: (#\w{6})", css), strict=True))
    paper = float(linear(papers[scheme]) @ LUMINANCE) + 0.05
    for arm, colour in colours().items():
        ink = float(linear(colour) @ LUMINANCE) + 0.05
        assert max(ink, paper) / min(ink, paper) >= 3, arm


def test_svg_is_an_element_that_takes_the_colour_of_its_page() -> None:
    svg = plots.to_svg(draw(), 'a "quoted" <alt>')
    assert svg.startswith('<svg role="img" aria-label="a &quot;quoted&quot; &lt;alt>"')
    assert "currentColor" in svg
    assert plots.INK not in svg
    assert "<metadata" not in svg
    assert 'viewBox="' in svg


def test_svg_is_reproducible() -> None:
    first, second = (plots.to_svg(draw(), "a") for _ in range(2))
    assert first == second


def test_hostile_names_are_text() -> None:
    svg = plots.to_svg(draw("<script>$\\x"), "x")
    assert "<script" not in svg


def test_no_global_state_changes() -> None:
    before = dict(mpl.rcParams)
    plots.to_svg(draw(), "x")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (250, "250"), (250_000, "250k"), (1_500_000, "1.5M")]
)
def test_steps_are_short(value: float, text: str) -> None:
    assert plots.short(value) == text
