"""Encoders and dynamics alone: their files compute what they compute."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from gymnasium import spaces

from tests.dynamics_folders import make_dynamics
from tests.encoders import DOTS, NETWORK, make_encoder
from tests.odd import ACTIONS
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.checkpoint import hash_dynamics, load_dynamics
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.envs import EnvConfig
from worldvae.envs.frames import preprocess
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.export.dynamics import DynamicsGraph, export_dynamics
from worldvae.export.encoder import export_encoder
from worldvae.export.onnx_file import example, model_bytes
from worldvae.export.remembering import ActionEncoding
from worldvae.export.signature import ActionCard, ExportedGraph, Tensors, floats
from worldvae.wrappers.history import History

N = 3

WITHOUT_CHANNELS = DOTS.model_copy(
    update={"id": "odd/Odd-v0", "import_": "tests.odd", "kwargs": {"image": "gray"}}
)


def session(path: Path) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(graph: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    names = [output.name for output in graph.get_outputs()]
    return dict(zip(names, graph.run(names, inputs), strict=True))


@pytest.mark.parametrize(("env", "stack"), [(DOTS, 1), (DOTS, 3), (WITHOUT_CHANNELS, 1)])
def test_an_encoder_encodes_the_environments_own_frames(
    tmp_path: Path, env: EnvConfig, stack: int
) -> None:
    network = NETWORK.model_copy(update={"stack": stack})
    make_encoder(env, network=network).save(tmp_path)
    card = export_encoder(tmp_path, tmp_path / "encoder.onnx")
    encoder, graph = Encoder.load(tmp_path), session(tmp_path / "encoder.onnx")
    assert card.made_from == {
        "encoder": hash_encoder(tmp_path),
        "rollouts": encoder.card.data_sha256,
    }
    assert card.preprocessing == "32x32 rgb, crop none"
    names = ["frame"] + ["episode_start", "state_frames"] * (stack > 1)
    assert [one.name for one in graph.get_inputs()] == names
    draw, history = np.random.default_rng(0), History(stack)
    before = np.zeros((N, 32, 32, 3 * (stack - 1)), np.uint8)
    for starts in ([True] * N, [False, True, False], [False] * N):
        shown = draw.integers(0, 256, (N, *encoder.card.source_shape), np.uint8)
        inputs = {"frame": shown, "episode_start": np.array(starts), "state_frames": before}
        found = run(graph, {name: inputs[name] for name in names})
        frames = np.stack([preprocess(image, env.frame) for image in shown])
        stacks = history.push(frames, np.array(starts))
        latents = encoder.encode(stacks)
        np.testing.assert_allclose(found["latents"], latents, atol=1e-5)
        np.testing.assert_allclose(found["whitened"], encoder.whiten(latents), atol=1e-4)
        before = found.get("next_frames", before)


@pytest.mark.parametrize(
    ("network", "key"),
    [
        ({"core": "gru"}, "speed"),
        ({"core": "lstm", "members": 2}, "reward"),
        ({"head": "categorical"}, "latents"),
    ],
)
def test_dynamics_remember_and_predict(tmp_path: Path, network: dict[str, Any], key: str) -> None:
    """Also of a key that is called as something else which they predict."""
    make_encoder(DOTS).save(tmp_path / "encoder")
    keys = (KeyUnits(name=key, mean=(2.0,), std=(4.0,)),)
    folder = make_dynamics(DOTS, tmp_path / "encoder", tmp_path / "dynamics", keys, **network)
    card = export_dynamics(folder, folder / "dynamics.onnx")
    assert card.action_repeat == 1
    assert card.actions == ActionCard(kind="discrete", names=())
    model, origin = load_dynamics(folder)
    assert card.made_from == {
        "dynamics": hash_dynamics(folder),
        "encoder": origin.encoder_sha256,
        "rollouts": origin.data_sha256,
    }
    graph, draw, state = session(folder / "dynamics.onnx"), np.random.default_rng(0), None
    inputs = {spec.name: np.zeros((N, *spec.shape), spec.dtype) for spec in card.inputs}
    for starts in ([True] * N, [False, True, False], [False] * N):
        latents = draw.normal(size=(N, 8)).astype(np.float32)
        speed, action = draw.normal(size=(N, 1)).astype(np.float32), draw.integers(0, 5, N)
        inputs |= {"latents": latents, f"key_{key}": speed, "action": action}
        inputs |= {"episode_start": np.array(starts)}
        found = run(graph, inputs)
        code = torch.from_numpy(np.concatenate([latents, (speed - 2) / 4], 1))
        taken, chosen = (
            torch.from_numpy(origin.actions.encode(each))
            for each in (inputs["state_action"], action)
        )
        state = model.initial(N) if state is None else state
        state = model.observe(state, code, taken, torch.tensor(starts))
        expected = model.predict(state, chosen)
        after = state.code + expected.change.mean()
        for name, values in {
            "memory": model.memory(state),
            "predicted_latents": after[:, :8],
            f"predicted_key_{key}": after[:, 8:] * 4 + 2,
            "predicted_reward": expected.reward,
            "end_probability": expected.end_probability,
        }.items():
            np.testing.assert_allclose(found[name], values, atol=1e-4, err_msg=name)
        np.testing.assert_array_equal(found["next_action"], action)
        inputs |= {f"state_{name}": found[f"next_{name}"] for name in ("memory", "code", "action")}


def test_dynamics_tell_the_bounds_of_the_numbers_that_they_take(tmp_path: Path) -> None:
    make_encoder(DOTS).save(tmp_path / "encoder")
    steered = DOTS.model_copy(update={"kwargs": {"continuous": True}})
    folder = make_dynamics(steered, tmp_path / "encoder", tmp_path / "dynamics")
    card = export_dynamics(folder, folder / "dynamics.onnx")
    assert card.actions == ActionCard(kind="box", names=(), low=(-1, -1), high=(1, 1))


def test_predicted_keys_stay_within_what_training_has_seen(tmp_path: Path) -> None:
    """As in dreams: a tank of 99, which training has not seen, holds the 4 that it has."""
    make_encoder(DOTS).save(tmp_path / "encoder")
    keys = (
        KeyUnits(name="tank", mean=(2.0,), std=(4.0,)),
        KeyUnits(name="wind", mean=(0.0, 0.0), std=(1.0, 1.0)),
    )
    model, card = load_dynamics(
        make_dynamics(DOTS, tmp_path / "encoder", tmp_path / "dynamics", keys)
    )
    model.key_range.copy_(torch.tensor([[-0.5, -9.0, 7.0], [0.5, -8.0, 7.0]]))
    graph = DynamicsGraph(model, card)
    inputs = {spec.name: example(spec) for spec in graph.inputs}
    found = graph.compute({**inputs, "key_tank": torch.full((2, 1), 99.0)})
    assert found["predicted_key_tank"].tolist() == [[4.0], [4.0]]
    assert found["predicted_key_wind"].tolist() == [[-8.0, 7.0]] * 2


def test_no_two_tensors_share_a_name() -> None:
    """The second would be computed for nothing: who asks for it by its name gets the first."""

    class Twice(ExportedGraph):
        inputs = (floats("given", ""),)
        outputs = (floats("one", ""), floats("one", ""))

        def compute(self, tensors: Tensors) -> Tensors:
            return {"one": tensors["given"]}

    with pytest.raises(ValueError, match=r"more than one input or output is called one$"):
        model_bytes(Twice(), "", {})


def test_an_input_that_nothing_reads_may_be_given() -> None:
    """Torch's exporter leaves it out, and onnxruntime refuses what a file does not name."""

    class Deaf(ExportedGraph):
        inputs = (floats("heard", ""), floats("ignored", "", 2))
        outputs = (floats("one", ""),)

        def compute(self, tensors: Tensors) -> Tensors:
            return {"one": 2 * tensors["heard"]}

    graph = onnxruntime.InferenceSession(model_bytes(Deaf(), "", {}))
    given = {"heard": np.arange(N, dtype="f4"), "ignored": np.ones((N, 2), np.float32)}
    assert run(graph, given)["one"].tolist() == [0, 2, 4]


def test_what_onnx_knows_no_operator_for_is_one_line() -> None:
    class Exotic(ExportedGraph):
        inputs = (floats("given", ""),)
        outputs = (floats("one", ""),)

        def compute(self, tensors: Tensors) -> Tensors:
            return {"one": torch.special.i0(tensors["given"])}

    with pytest.raises(ArtifactError, match=r"as ONNX \(an agent\): .*operator 'aten::i0'"):
        model_bytes(Exotic(), "an agent", {})


def test_what_is_missing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorldvaeError, match="does not hold an encoder"):
        export_encoder(tmp_path, tmp_path / "encoder.onnx")
    with pytest.raises(WorldvaeError, match="does not hold dynamics"):
        export_dynamics(tmp_path, tmp_path / "dynamics.onnx")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WorldvaeError, match=r"pip install 'worldvae\[fast\]'"):
        export_encoder(tmp_path, tmp_path / "encoder.onnx")


TAKEN = ACTIONS | {"one axis is fixed": spaces.Box(np.array([-1, 2], "f4"), np.full(2, 2, "f4"))}


@pytest.mark.parametrize("kind", TAKEN)
def test_a_file_encodes_actions_as_dynamics_read_them(kind: str) -> None:
    actions = PolicyActions.of(TAKEN[kind])
    space = actions.space
    space.seed(0)
    chosen = np.stack([space.sample() for _ in range(20)])
    if isinstance(space, spaces.Box):  # a Gaussian policy's, which environments clip
        chosen = np.concatenate([chosen, 3 * space.low[None] - 7, 3 * space.high[None] + 7])
        assert np.abs(actions.encode(chosen)).max() == 1
    encoded = ActionEncoding(actions)(torch.from_numpy(chosen)).numpy()
    np.testing.assert_allclose(encoded, actions.encode(chosen), atol=1e-6)
