"""Every backend gives the numbers of the model itself, for every code, stack, unit and size."""

from __future__ import annotations

import copy
import importlib.util
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import ORIGIN, Frames, squares, tiny
from worldvae.autoencoders.backends import choose_backend
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.config import NetworkConfig
from worldvae.autoencoders.cuda_graphs import GraphForward, room_for
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs.frames import FrameConfig
from worldvae.errors import WorldvaeError

has_onnxruntime = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))
ONNX = pytest.param(
    "onnxruntime", marks=pytest.mark.skipif(not has_onnxruntime, reason="needs worldvae[fast]")
)
BACKENDS = ["torch", ONNX]
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
CPU = torch.device("cpu")
WORLD_MODELS = NetworkConfig().model_dump()


def encoder_of(
    network: dict[str, Any], shape: tuple[int, int, int] = (32, 36, 3), **objective: Any
) -> Encoder:
    """Untrained, in units of its frames; its weights are drawn until its latents are of size 1."""
    config = tiny({"latents": 8, "channels": (8, 8, 8, 8), **network}, **objective)
    stack = config.network.stack
    train, held_out = (
        Frames(np.concatenate([squares(6, seed + time, shape) for time in range(stack)], axis=-1))
        for seed in (0, 50)
    )
    color = "gray" if shape[2] == 1 else "rgb"
    frame = FrameConfig(height=shape[0], width=shape[1], color=color)
    origin = ORIGIN.model_copy(update={"frame": frame})
    encoder = Encoder.untrained(config, origin, train, held_out, seed=0)
    with torch.no_grad():  # untrained layers shrink what they read
        spread = encoder.model.encode(torch.from_numpy(train.frames)).mean.std(0).mean()
        [*encoder.model.encoder.parameters()][-2].div_(spread.clamp(min=0.05))
    return encoder


def noise(encoder: Encoder, count: int) -> Any:
    """Frames of every grey level, as no environment shows them: (count, H, W, stack C) uint8."""
    generator = np.random.default_rng(count)
    return generator.integers(0, 256, (count, *encoder.model.input_shape), np.uint8)


def with_backend(encoder: Encoder, backend: Any, **how: Any) -> Encoder:
    return Encoder(encoder.model, encoder.card, "cpu", backend, **how)


def means(encoder: Encoder, frames: Any) -> Any:
    """What the model says, batch by batch."""
    with torch.inference_mode():
        parts = [encoder.model.encode(part).mean for part in torch.from_numpy(frames).split(64)]
    return torch.cat(parts).numpy()


def assert_equal(backend: Any, encoder: Encoder, count: int) -> None:
    frames = noise(encoder, count)
    codes = with_backend(encoder, backend).encode(frames)
    assert codes.dtype == np.float32
    assert codes.shape == (count, encoder.latents)
    expected = means(encoder, frames)
    assert expected.std() > 0.05, "nothing to compare"
    assert np.abs(codes - expected).max() < 1e-5 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("stack", [1, 3])
@pytest.mark.parametrize("code", ["vector", "grid", "keypoints"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_code_of_every_stack(backend: Any, code: str, stack: int, standardise: bool) -> None:
    encoder = encoder_of({"code": code, "stack": stack}, standardise=standardise)
    assert_equal(backend, encoder, count=5)


@pytest.mark.parametrize("shape", [(33, 47, 1), (127, 65, 3), (84, 84, 1)])
@pytest.mark.parametrize("first_stride", [2, 4])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_size(backend: Any, first_stride: int, shape: tuple[int, int, int]) -> None:
    network = {"channels": (4, 8, 8), "first_stride": first_stride}
    assert_equal(backend, encoder_of(network, shape, standardise=True), count=3)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 16, 255, 256, 257, 300])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_batch(backend: Any, count: int) -> None:
    encoder = encoder_of({})
    frames = noise(encoder, count)
    codes = with_backend(encoder, backend).encode(frames)
    np.testing.assert_allclose(codes, means(encoder, frames), atol=1e-5, rtol=1e-5)
    assert codes.shape == (count, 8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_default_network(backend: Any) -> None:
    assert_equal(backend, encoder_of(WORLD_MODELS, (64, 64, 3)), count=9)


@pytest.mark.parametrize("objective", [{"name": "ae"}, {"name": "dae", "standardise": True}])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_point_code_has_no_variance_to_leave_out(backend: Any, objective: dict[str, Any]) -> None:
    assert_equal(backend, encoder_of({}, **objective), count=4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_peaks_of_keypoints_do_not_overflow(backend: Any) -> None:
    encoder = encoder_of({"code": "keypoints"})
    with torch.no_grad():
        [*encoder.model.encoder.parameters()][-4].mul_(1e5)  # the last convolution's weights
    codes = with_backend(encoder, backend).encode(noise(encoder, 4))
    assert np.isfinite(codes).all()
    np.testing.assert_allclose(codes, means(encoder, noise(encoder, 4)), rtol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_frames_are_read_and_never_written(backend: Any) -> None:
    encoder = with_backend(encoder_of({}), backend)
    frames = noise(encoder, 6)
    before, codes = frames.copy(), encoder.encode(frames)
    kept = codes.copy()
    encoder.encode(noise(encoder, 6)[::-1])
    np.testing.assert_array_equal(codes, kept)  # a later call does not write into earlier codes
    np.testing.assert_array_equal(frames, before)
    strided = np.repeat(frames, 2, axis=0)[::2]
    np.testing.assert_array_equal(encoder.encode(strided), codes)
    frames.flags.writeable = False
    np.testing.assert_array_equal(encoder.encode(frames), codes)


@pytest.mark.parametrize("remake", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_copy_for_another_process_encodes_as_well(backend: Any, remake: Any) -> None:
    encoder = with_backend(encoder_of({}), backend)
    frames = noise(encoder, 3)
    codes = encoder.encode(frames)
    np.testing.assert_array_equal(remake(encoder).encode(frames), codes)


@pytest.mark.parametrize("standardise", [False, True])
def test_bfloat16_keeps_to_its_bound(standardise: bool) -> None:
    """8 bits of mantissa: within 2% of the largest latent; the card's statistics stay float32."""
    encoder = encoder_of(WORLD_MODELS, (64, 64, 3), standardise=standardise)
    frames = noise(encoder, 16)
    half = with_backend(encoder, "auto", precision="bfloat16")
    assert half.backend == "torch"
    codes, expected = half.encode(frames), means(encoder, frames)
    assert codes.dtype == np.float32
    assert 0 < np.abs(codes - expected).max() < 0.02 * np.abs(expected).max()


def test_what_is_saved_does_not_depend_on_the_backend(tmp_path: Any) -> None:
    encoder = encoder_of({})
    hashes = set()
    for backend in ("auto", "torch"):
        one = with_backend(encoder, backend)
        one.encode(noise(one, 2))
        one.save(tmp_path / backend)
        loaded = Encoder.load(tmp_path / backend, backend=backend)
        assert loaded.card == encoder.card
        hashes.add(hash_encoder(tmp_path / backend))
    assert len(hashes) == 1


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find(name)
    )


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_onnxruntime_auto_is_torch_and_asking_for_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    without(monkeypatch, package)
    assert choose_backend("auto", CPU, "float32") == "torch"
    with pytest.raises(WorldvaeError, match=r"not installed: pip install 'worldvae\[fast\]'"):
        choose_backend("onnxruntime", CPU, "float32")


@pytest.mark.skipif(not has_onnxruntime, reason="needs worldvae[fast]")
def test_auto_takes_onnxruntime_for_float32_on_the_cpu_alone() -> None:
    assert choose_backend("auto", CPU, "float32") == "onnxruntime"
    assert choose_backend("torch", CPU, "float32") == "torch"
    assert choose_backend("auto", CPU, "bfloat16") == "torch"
    assert choose_backend("auto", torch.device("cuda"), "float32") == "torch"


@pytest.mark.parametrize(
    ("device", "precision", "reason"),
    [("cuda:1", "float32", "on the CPU, not on cuda:1"), ("cpu", "bfloat16", "not in bfloat16")],
)
def test_what_onnxruntime_cannot_do_is_refused(device: str, precision: Any, reason: str) -> None:
    with pytest.raises(WorldvaeError, match=f"backend onnxruntime: .*{reason}"):
        choose_backend("onnxruntime", torch.device(device), precision)


def test_an_unknown_backend_names_the_known_ones() -> None:
    unknown: Any = "tensorrt"
    with pytest.raises(WorldvaeError, match="'tensorrt': expected auto, torch or onnxruntime"):
        choose_backend(unknown, CPU, "float32")


@pytest.mark.parametrize(
    ("count", "room"), [(0, 1), (1, 1), (2, 2), (3, 4), (8, 8), (9, 16), (256, 256)]
)
def test_room_is_the_next_power_of_two(count: int, room: int) -> None:
    assert room_for(count) == room


@GPU
@pytest.mark.parametrize(("precision", "bound"), [("float32", 1e-3), ("bfloat16", 0.02)])
@pytest.mark.parametrize("standardise", [False, True])
def test_a_gpu_gives_the_codes_of_the_cpu(precision: Any, bound: float, standardise: bool) -> None:
    """float32: within 0.1% of the largest latent, since convolutions may use TF32."""
    encoder = encoder_of(WORLD_MODELS, (64, 64, 3), standardise=standardise)
    model = copy.deepcopy(encoder.model)
    on_gpu = Encoder(model, encoder.card, "cuda", precision=precision)
    for count in (5, 8, 3, 300):  # graphs are filled, filled up and used again
        frames = noise(encoder, count)
        expected = means(encoder, frames)
        error = np.abs(on_gpu.encode(frames) - expected).max()
        assert error < bound * np.abs(expected).max()


def test_threads_that_share_an_encoder_take_turns_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorded graph has one memory for its frames: two at once would read each other's."""

    class Recorded:
        def __init__(self, forward: Any, shape: tuple[int, ...]) -> None:
            self._memory = np.zeros(shape, np.uint8)

        def __call__(self, frames: Any) -> Any:
            np.copyto(self._memory, frames)
            time.sleep(0.002)  # as one waits for the GPU
            return self._memory[:, 0, 0].astype(np.float32)

    monkeypatch.setattr("worldvae.autoencoders.cuda_graphs._Graph", Recorded)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    encode = GraphForward(lambda frames: frames, (1, 1, 1), CPU)
    frames = [np.full((1, 1, 1, 1), value, np.uint8) for value in range(50)]
    with ThreadPoolExecutor(4) as pool:
        codes = np.concatenate(list(pool.map(encode, frames)))
    assert codes.ravel().tolist() == list(range(50))
