"""What the figures about encoders draw."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from numpy.typing import NDArray

from worldvae.plots import encoder as encoder_plots
from worldvae.plots.style import to_svg

VARIANCE = np.array([0.5, 1e-4, 0.9])


def heights(figure: Figure) -> list[float]:
    return [bar.get_height() for bar in figure.axes[0].patches]  # type: ignore[attr-defined]


def texts(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_xticklabels()]


def crosses(figure: Figure) -> list[float]:
    return [float(x) for x in figure.axes[0].lines[0].get_xdata()]


def test_variances_fall_and_what_is_below_the_threshold_is_crossed() -> None:
    figure = encoder_plots.latent_variances(VARIANCE, threshold=0.01)
    assert heights(figure) == [0.9, 0.5, 1e-4]
    assert texts(figure) == ["2", "0", "1"]
    assert crosses(figure) == [3]
    assert "crossed: dead" in figure.axes[0].get_xlabel()
    low, high = figure.axes[0].get_ylim()
    assert low < 1e-4
    assert high > 0.9


def test_without_a_dead_latent_there_is_no_word_of_crosses() -> None:
    figure = encoder_plots.latent_variances(np.ones(3), threshold=0.01)
    assert crosses(figure) == []
    assert figure.axes[0].get_xlabel() == "number of the latent"


@pytest.mark.parametrize("variance", [np.zeros(4), np.full(4, 1e-30), np.array([0.0, 1.0])])
def test_latents_that_do_not_vary_at_all_are_drawn(variance: NDArray[np.float64]) -> None:
    figure = encoder_plots.latent_variances(variance, threshold=0.01 * variance.max())
    assert "<svg" in to_svg(figure, "variances")


def test_rates_keep_the_order_that_they_are_given() -> None:
    order = np.array([2, 0, 1])
    figure = encoder_plots.latent_rates(np.array([1.0, 0.0, 4.0]), VARIANCE < 0.01, order)
    assert heights(figure) == [4.0, 1.0, 0.0]
    assert crosses(figure) == [3]


def test_a_collapsed_code_looks_empty() -> None:
    figure = encoder_plots.latent_rates(np.full(3, 1e-6), np.ones(3, bool), np.arange(3))
    assert figure.axes[0].get_ylim()[1] == encoder_plots.LEAST_NATS


def test_many_latents_are_counted_not_numbered() -> None:
    figure = encoder_plots.latent_variances(np.linspace(1, 2, 300), threshold=0.01)
    assert len(texts(figure)) < 10
    assert figure.axes[0].get_xlabel() == "latents, in order"


def test_each_score_is_a_mark_in_its_row() -> None:
    scores = {"latents": np.array([0.2, 0.8]), "pixels": np.array([0.9, 0.7])}
    axes = encoder_plots.probe_scores(scores, ["x", "y"]).axes[0]
    marks = {line.get_marker(): line for line in axes.lines if len(line.get_xdata())}
    np.testing.assert_array_equal(marks["o"].get_xdata(), [0.2, 0.8])
    np.testing.assert_array_equal(marks["s"].get_xdata(), [0.9, 0.7])
    np.testing.assert_array_equal(marks["o"].get_ydata(), [0, 1])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "y"]


def test_a_score_far_below_nothing_is_an_arrow_at_the_edge() -> None:
    scores = {"latents": np.array([0.5, -40.0]), "untrained": np.array([0.1, 0.1])}
    axes = encoder_plots.probe_scores(scores, ["x", "y"]).axes[0]
    (arrow,) = [line for line in axes.lines if line.get_marker() == "<" and len(line.get_xdata())]
    assert (arrow.get_xdata()[0], arrow.get_ydata()[0]) == (encoder_plots.LOWEST_SCORE, 1)
    assert axes.get_xlim()[0] > -0.3


def test_one_set_of_features_is_enough() -> None:
    assert encoder_plots.probe_scores({"latents": np.array([0.5])}, ["x"]).axes[0].lines


def test_the_legend_names_what_was_measured() -> None:
    scores = {name: np.array([0.5]) for name in ("latents", "supervised")}
    (legend,) = encoder_plots.probe_scores(scores, ["x"]).legends
    assert [text.get_text() for text in legend.get_texts()] == ["latents", "supervised"]


def test_importance_has_a_row_for_each_variable() -> None:
    importance = np.array([[0.9, 0.0], [0.1, 1.0], [0.0, 0.0]])
    axes = encoder_plots.importance_map(
        importance, ["ball_x", "a_very_long_name_of_a_variable"]
    ).axes
    (cells,) = [found for found in axes[0].collections if isinstance(found, QuadMesh)]
    np.testing.assert_array_equal(cells.get_array(), importance.T)
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        "ball_x",
        "…long_name_of_a_variable",
    ]


def test_only_the_latents_that_tell_most_are_mapped_in_their_order() -> None:
    importance = np.zeros((50, 1))
    importance[30:] = np.arange(20, 0, -1)[:, None] / 210
    figure = encoder_plots.importance_map(importance, ["x"])
    assert texts(figure) == [str(latent) for latent in range(30, 50)]


@pytest.mark.filterwarnings("error")
def test_figures_are_shapes_in_the_colours_of_the_page() -> None:
    for figure in (
        encoder_plots.importance_map(np.eye(3), ["x", "y", "z"]),
        encoder_plots.probe_scores({"majority": np.array([0.5])}, ["x"]),
        encoder_plots.latent_variances(VARIANCE, 0.01),
        encoder_plots.latent_variances(np.zeros(2), 0.01),
    ):
        drawing = to_svg(figure, "figure")
        assert "currentColor" in drawing
        assert "<image" not in drawing
        assert "mathdefault" not in drawing


def test_encoders_of_one_environment_are_named_at_the_axis() -> None:
    grid = {name: {"a/Env-v0": np.array([0.1, 0.3])} for name in ("plain", "kept")}
    figure = encoder_plots.dot_panels({"F1": grid, "MIG": grid})
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["plain", "kept"]
    assert figure.get_suptitle() == "a/Env-v0"
    assert not figure.legends
    means = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert means == pytest.approx([0.2, 0.2])


def test_environments_are_named_at_the_axis_and_encoders_in_the_legend() -> None:
    grid = {name: {"ALE/Pong-v5": np.ones(1), "b-v0": np.ones(1)} for name in ("plain", "kept")}
    figure = encoder_plots.dot_panels({"F1": grid})
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Pong-v5", "b-v0"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["plain", "kept"]


def test_places_that_nothing_is_known_of_stay_blank():
    lost = np.array([[0.1, np.nan], [0.94, 1.3]])
    axes = encoder_plots.lost_by_place({"Training": lost, "Held-out": lost}).axes
    assert [one.get_title(loc="left") for one in axes] == ["Training", "Held-out"]
    assert [text.get_text() for text in axes[0].texts] == ["10 %", "94 %", "130 %"]
    assert [text.get_position() for text in axes[0].texts] == [(0, 0), (0, 1), (1, 1)]
