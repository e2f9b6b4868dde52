"""The section on the code: its numbers are those of Python, and its sliders draw."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from agents.config.experiment import Experiment
from agents.explore.segments import ShownEpisodes
from agents.explore.subjects import explained
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.codes import stacked
from worldvae.rollouts import RolloutStore

PIXELS = """
const canvas = document.getElementById(arguments[0]);
return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data];
"""


def pixels(page: Any, name: str) -> Any:
    """The grey levels on a canvas: (H, W, 3)."""
    levels = np.array(page.wait(PIXELS, name), np.uint8)
    return levels.reshape(40, 40, 4)[..., :3]


@pytest.fixture(scope="module")
def encoder(explored: Experiment) -> Encoder:
    return Encoder.load(explored.encoder_folder)


@pytest.fixture(scope="module")
def inputs(explored: Experiment) -> Any:
    """The frames that the page offers: (16, 40, 40, 3)."""
    shown = ShownEpisodes.of(RolloutStore(explored.rollouts_folder))
    assert shown.split == "test"
    return np.concatenate([shown.inputs(moment, 1) for moment in shown.moments(16)])


def test_frames_are_encoded_as_in_python(page: Any, encoder: Encoder, inputs: Any) -> None:
    codes = page.wait(
        "const found = [];"
        "for (let i = 0; i < 16; i++)"
        "  found.push([...await worldvae.encoder.encode(worldvae.moments.row(i))]);"
        "return found"
    )
    np.testing.assert_allclose(codes, encoder.encode(inputs), atol=1e-4)
    whitened = page.wait("return [...worldvae.encoder.whiten(arguments[0])]", codes[3])
    np.testing.assert_allclose(whitened, encoder.whiten(np.array(codes[3])), atol=1e-4)
    back = page.wait("return [...worldvae.encoder.unwhiten(arguments[0])]", whitened)
    np.testing.assert_allclose(back, codes[3], atol=1e-4)


def test_latents_are_decoded_as_in_python(page: Any, encoder: Encoder) -> None:
    latents = np.random.default_rng(0).normal(0, 2, (3, 4)).astype(np.float32)
    drawn = page.wait(
        "return (await worldvae.encoder.decode(...arguments[0])).map(one => [...one])",
        latents.tolist(),
    )
    levels = np.round(np.reshape(drawn, (3, 40, 40, 3)) * 255)
    assert np.abs(levels - encoder.decode(latents)).max() <= 1


def test_a_chosen_frame_is_shown_beside_what_its_latents_keep(
    page: Any, encoder: Encoder, inputs: Any
) -> None:
    page.wait("document.querySelectorAll('#code-strip button')[5].click()")
    page.wait("await new Promise(done => setTimeout(done, 300))")
    np.testing.assert_array_equal(pixels(page, "code-frame"), inputs[5])
    kept = encoder.reconstruct(inputs[5:6])[0]
    assert np.abs(pixels(page, "code-picture").astype(int) - kept).max() <= 1
    error = np.square(kept / 255.0 - inputs[5] / 255.0).mean()
    shown = page.run("return document.getElementById('code-error').textContent")
    assert float(shown.split()[1]) == pytest.approx(-10 * np.log10(error), abs=0.11)


def test_a_slider_moves_one_latent(page: Any, encoder: Encoder) -> None:
    first = "document.querySelector('#code-latents input')"
    page.wait(f"{first}.value = -2; {first}.dispatchEvent(new Event('input'))")
    page.wait("await new Promise(done => setTimeout(done, 300))")
    order = np.argsort(-np.array(encoder.card.kl), kind="stable")
    label = page.run(f"return {first}.getAttribute('aria-label')")
    assert re.fullmatch(rf"latent {order[0]}(, goal\.[xy], R² 0\.\d\d)?", label)
    code = np.array(page.run("return [...worldvae.code.code]"), np.float32)
    moved = encoder.card.latent_mean[order[0]] - 2 * encoder.card.latent_std[order[0]]
    assert code[order[0]] == pytest.approx(moved, abs=1e-4)
    drawn = pixels(page, "code-picture").astype(int)
    assert np.abs(drawn - encoder.decode(code[None])[0]).max() <= 1
    assert page.run("return document.getElementById('code-error').textContent").startswith(
        "no frame"
    )


def test_half_a_blend_is_the_mean_of_two_codes(page: Any, encoder: Encoder, inputs: Any) -> None:
    page.wait("await worldvae.code.choose(2); await worldvae.code.mixWith(7)")
    mean = encoder.encode(inputs[[2, 7]]).mean(0)
    np.testing.assert_allclose(page.run("return [...worldvae.code.code]"), mean, atol=1e-4)


def test_a_blend_says_of_which_frame_it_is(page: Any) -> None:
    """Of two different frames, all of the second one, and of one frame with itself."""
    said = page.wait(
        "const { code } = worldvae, words = document.getElementById('code-error'), seen = [];"
        "const blend = document.getElementById('code-blend');"
        "await code.choose(2); await code.mixWith(7); seen.push(words.textContent);"
        "blend.value = 1; await code.blend(); seen.push(words.textContent);"
        "await code.mixWith(2); seen.push(words.textContent);"
        "await code.choose(2); seen.push(words.textContent);"
        "return seen"
    )
    assert said[0] == "no frame has exactly this code"
    assert re.fullmatch(r"PSNR \d+\.\d dB of frame 8", said[1])
    assert said[2] == said[3]
    assert said[2].endswith(" dB")


def test_samples_of_the_prior_are_standard_normal(page: Any) -> None:
    drawn = page.wait(
        "const random = new worldvae.Random(7);"
        "return Array.from({length: 2000}, () => [...worldvae.encoder.sample(random)])"
    )
    assert np.abs(np.mean(drawn, 0)).max() < 0.1
    np.testing.assert_allclose(np.cov(np.transpose(drawn)), np.eye(4), atol=0.12)


def test_the_same_seed_draws_the_same(page: Any) -> None:
    draw = (
        "const random = new worldvae.Random(arguments[0]);"
        "return Array.from({length: 4000}, () => random.uniform())"
    )
    first = page.wait(draw, 3)
    assert first == page.wait(draw, 3)
    assert first != page.wait(draw, 4)
    counts = np.histogram(first, 10, (0, 1))[0]
    assert counts.sum() == 4000
    assert np.abs(counts - 400).max() < 90


def test_latents_and_their_subjects() -> None:
    """The second latent tells all of the first variable; the last variable is not always known."""
    draw = np.random.default_rng(0)
    codes = draw.normal(size=(400, 3))
    state = np.stack([2 - codes[:, 1], codes[:, 0] + codes[:, 2], np.ones(400), codes[:, 0]], 1)
    state[5, 3] = np.nan
    shares = explained(codes, state)
    assert shares[1, 0] == pytest.approx(1)
    assert shares[0, 1] == pytest.approx(0.5, abs=0.1)
    assert (shares[:, 2:] == 0).all()


def test_before_its_start_an_episode_repeats_its_first_frame() -> None:
    frames = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    assert stacked(frames, 0, 4, 3)[:, 0, 0].tolist() == [
        [0, 0, 0],
        [0, 0, 1],
        [0, 1, 2],
        [1, 2, 3],
    ]
