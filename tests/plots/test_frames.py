import io

import numpy as np
import pytest

from worldvae.plots.frames import (
    grouped_figure,
    reconstruction_figure,
    sample_figure,
    training_figure,
    traversal_figure,
)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def sheet(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def flat(value, count=1, channels=3):
    return np.full((count, 32, 40, channels), value, np.uint8)


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_difference_does_not_wrap_around(channels):
    figure = reconstruction_figure(flat(20, 2, channels), flat(250, 2, channels))
    assert texts(figure) == ["original", "reconstruction", "|difference|"]
    rows = sheet(figure).reshape(3, -1, 2, 43, 3)
    assert [row[0, 0, 0, 0] for row in rows] == [20, 250, 230]
    assert "230.0 grey levels" in figure.axes[0].get_title(loc="left")


def test_latents_are_ordered_by_kl_and_labelled_in_nats():
    images = np.stack([np.stack([flat(10 * latent)[0]] * 5) for latent in range(3)])
    figure = traversal_figure(images, [0.5, 1.834, 0.0], [-2, -1, 0, 1, 2])
    assert texts(figure)[:3] == [
        "latent 1: 1.83 nats",
        "latent 0: 0.50 nats",
        "latent 2: 0.00 nats",
    ]
    assert texts(figure)[3:] == ["-2", "-1", "+0", "+1", "+2"]
    assert sheet(figure).reshape(3, -1, 5, 43, 3)[:, 0, 0, 0, 0].tolist() == [10, 0, 20]


def test_only_the_largest_rows_are_drawn_and_the_title_says_so():
    images = np.zeros((20, 3, 32, 32, 1), np.uint8)
    figure = traversal_figure(images, range(20), [-1, 0, 1], rows=4)
    assert texts(figure)[:4] == [f"latent {k}: {k:.2f} nats" for k in (19, 18, 17, 16)]
    assert figure.axes[0].get_title(loc="left").startswith("4 of 20 latents")


@pytest.mark.parametrize("count", [1, 8, 21])
def test_samples_fill_whole_rows(count):
    figure = sample_figure(flat(7, count))
    assert sheet(figure).shape[0] == 35 * max(1, count // 8)
    assert png(figure).startswith(b"\x89PNG")


def test_groups_lie_side_by_side_with_half_a_frame_between():
    left, right = np.stack([flat(10, 2), flat(20, 2)]), np.stack([flat(30), flat(40)])
    figure = grouped_figure({"left": left, "right": right}, ["up", "down"], "title")
    assert texts(figure) == ["up", "down", "left", "right"]
    assert sheet(figure).shape == (2 * 35, 2 * 43 + 20 + 43, 3)
    assert sheet(figure)[[0, 0, 35, 35], [0, 106, 0, 106], 0].tolist() == [10, 30, 20, 40]
    assert (sheet(figure)[:, 86:106] == 255).all()
    start = figure.axes[0].texts[3].get_position()[0]
    assert start == pytest.approx(106 / 149)


def test_training_and_held_out_curves_are_apart():
    curves = {
        split: {"step": [10, 20], "rate": [10 + offset, 20 + offset], "distortion": [-10, -20]}
        for split, offset in (("train", 0), ("validation", 1))
    }
    figure = training_figure(curves)
    train, held_out = figure.axes[0].lines
    assert train.get_xydata().tolist() == [[10, 10], [20, 20]]
    assert held_out.get_xydata().tolist() == [[10, 11], [20, 21]]
    assert png(figure) == png(training_figure(curves))
