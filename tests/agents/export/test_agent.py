"""An exported agent acts as the agent that it was made from, whatever its arm and algorithm."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from agents.arms.observers import OBSERVERS
from agents.arms.registry import ARMS
from agents.config.experiment import Experiment
from agents.export.acting import ExportedAgent
from agents.export.agent import export_agent
from agents.export.check import ExportCheck, check, difference_of, same
from agents.export.policy import policy_graph
from agents.policy import evaluate
from agents.policy.agent import Agent
from agents.prepare import prepare
from agents.run.agent_card import read_card
from tests.agents.export.folders import make_agent
from tests.agents.policy.test_algorithms import SETTINGS
from tests.tiny import load
from worldvae.envs import make_env
from worldvae.envs.actions import EnvActions
from worldvae.envs.frames import preprocess_batch
from worldvae.errors import ConfigError, WorldvaeError
from worldvae.torch_seeding import seeded_torch

DRAWN = [arm.name for arm in ARMS.values() if OBSERVERS[arm.observes].is_drawn]
STEERED = {
    "env.kwargs": {"continuous": True, "size": 56},
    "env.frame": {"height": 40, "width": 36, "color": "gray", "crop": {"top": 6}},
    "name": "steered",
}
"""Dots that is steered: frames are cut, shrunk and gray."""

CASES = [
    *(("PPO", "choices", arm) for arm in DRAWN),
    *(("PPO", "numbers", arm) for arm in ("pixels", "latent", "memory", "finetune")),
    *(("SAC", "numbers", arm) for arm in DRAWN),
    *((name, "choices", arm) for name in ("DQN", "RecurrentPPO") for arm in ("pixels", "memory")),
    *(("DQN", "choices", arm) for arm in ("latent", "finetune")),
    *(("TQC", "numbers", arm) for arm in ("pixels", "latent", "memory", "finetune")),
    *(("CrossQ", "numbers", arm) for arm in ("pixels", "latent")),
    ("A2C", "choices", "latent"),
    ("RecurrentPPO", "choices", "finetune"),
]
NEEDED = ("latent", "untrained", "memory", "untrained_memory")
DECISIONS, ENVS = 25, 40

Load = Callable[..., Experiment]


@pytest.fixture(scope="module")
def experiments(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Experiments of both kinds of actions, whose encoders and dynamics are made once."""
    runs = shutil.copytree(prepared, tmp_path_factory.mktemp("both") / "runs")
    kinds: dict[str, dict[str, Any]] = {"choices": {}, "numbers": STEERED}
    for overrides in kinds.values():
        prepare(load(runs, **overrides), NEEDED)

    def experiment(algorithm: str, kind: str, **more: Any) -> Experiment:
        settings = {"agent.algorithm": algorithm, "agent.settings": SETTINGS[algorithm]}
        return load(runs, **kinds[kind], **settings, **more)

    return experiment


def source_frames(folder: Path, count: int) -> NDArray[np.uint8]:
    """Frames as the environment itself shows them, of random play: (count, H0, W0, 3)."""
    env = make_env(read_card(folder).env).unwrapped
    env.reset(seed=3)
    env.action_space.seed(3)
    return np.stack([env.step(env.action_space.sample())[0] for _ in range(count)])


def both(folder: Path, deterministic: bool = True) -> tuple[Agent, ExportedAgent]:
    export_agent(folder, folder / "agent.onnx")
    exported = ExportedAgent(folder / "agent.onnx", ENVS)
    return Agent.load(folder, deterministic=deterministic), exported


@pytest.mark.parametrize(("algorithm", "kind", "arm"), CASES)
def test_a_thousand_decisions_are_the_agents(
    experiments: Load, algorithm: str, kind: str, arm: str
) -> None:
    """25 of each of 40 environments, whose episodes begin at random."""
    folder = make_agent(experiments(algorithm, kind), arm, [*SETTINGS].index(algorithm))
    agent, exported = both(folder)
    card, space = read_card(folder), agent.model.action_space
    frames, draw = source_frames(folder, 120), np.random.default_rng(5)
    worst, chosen = 0.0, set[Any]()
    for decision in range(DECISIONS):
        shown = frames[draw.integers(len(frames), size=ENVS)]
        starts = draw.random(ENVS) < (1.0 if decision == 0 else 0.1)
        expected = agent(preprocess_batch(shown, card.env.frame), starts)
        actions = exported(shown, starts)
        each = zip(expected, actions, strict=True)
        worst = max(worst, *(difference_of(*pair, space) for pair in each))
        chosen |= set(map(str, actions))
    assert worst < (1e-4 if kind == "numbers" else 1e-9)
    assert len(chosen) > 1, "an agent that always does the same would prove nothing"


def test_played_alone_it_achieves_the_same(experiments: Load) -> None:
    """In the environment itself, from its own frames, with its own action repeat."""
    for arm in ("latent", "memory"):
        folder = make_agent(experiments("PPO", "choices"), arm, 9)
        export_agent(folder, folder / "agent.onnx")
        found = check(folder, folder / "agent.onnx", 3)
        assert max(found.differences) == 0
        assert found.exported_returns == pytest.approx(found.returns, abs=1e-6)
        assert len(set(found.returns)) == 3
        assert "3 of 3 episodes have the same return" in found.text


@pytest.fixture(scope="module")
def chaotic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an agent of a chaotic world, with its file."""
    env = {"id": "tests/Chaos-v0", "import": "tests.agents.export.worlds", "workers": "sync"}
    folder = make_agent(load(tmp_path_factory.mktemp("chaos"), env=env), "pixels")
    export_agent(folder, folder / "agent.onnx")
    return folder


def test_where_a_millionth_makes_another_episode_it_is_said(chaotic: Path) -> None:
    """The returns cannot be the same, but the agent's own would not be either."""
    found = check(chaotic, chaotic / "agent.onnx", 3)
    assert 0 < max(found.differences) < 1e-5
    assert same(found.returns, found.exported_returns) == 0
    assert len(set(found.disturbed_returns)) == 3
    assert "0 of 3 episodes have the same return" in found.text
    assert "disturbed by as little leave 0 the same" in found.text


def test_only_the_last_bits_of_numbers_are_an_excuse(
    chaotic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Episodes of the evaluation are played again where an action differs by that little."""
    for most, disturbed in ((0.0, ()), (1e-5, (1e-5, 1e-5)), (2e-4, ())):
        played = [0.0, most]
        monkeypatch.setattr(
            "agents.export.check.play_both", lambda *given, played=played: (played, given[-1])
        )
        monkeypatch.setattr("agents.export.check.play_alone", lambda *given: 2.0 * given[-1])
        monkeypatch.setattr("agents.export.check.play_disturbed", lambda *given: given[-1])
        assert check(chaotic, chaotic / "agent.onnx", 2) == ExportCheck(
            differences=(0.0, most) * 2,
            returns=(1_000_000, 1_000_001),
            exported_returns=(2_000_000, 2_000_002),
            disturbed_returns=disturbed,
        )


def test_the_line_counts_decisions_and_episodes() -> None:
    found = ExportCheck((0.0, 0.0, 1e-5, 1e-3, 0.5), (1.0, 2.0, 3.0), (1.0, 2.00001, 4.0))
    assert found.text == (
        "5 decisions: 2 differ by more than 0.0001, the largest difference is 0.5; 2 of 3 episodes "
        "have the same return, mean 2.3333 exported, 2 before"
    )
    assert replace(found, disturbed_returns=(1.0, 5.0, 6.0)).text == (
        f"{found.text}; the agent's own actions disturbed by as little leave 1 the same, mean 4"
    )


def test_a_state_begins_anew_where_an_episode_does(experiments: Load) -> None:
    """What was before cannot be told from the actions after."""
    folder = make_agent(experiments("PPO", "numbers"), "memory", 11)
    _, exported = both(folder)
    frames, never = (
        source_frames(folder, 4 * ENVS).reshape(4, ENVS, 56, 56, 3),
        np.zeros(ENVS, bool),
    )
    fresh = [exported(frames[2], ~never), exported(frames[3], never)]
    for shown in frames[:2]:
        exported(shown, never)
    half = np.arange(ENVS) % 2 == 0
    later = [exported(frames[2], half), exported(frames[3], never)]
    for before, after in zip(fresh, later, strict=True):
        np.testing.assert_array_equal(after[half], before[half])
        assert not np.isclose(after[~half], before[~half]).all()


def test_the_action_that_was_taken_may_be_another(experiments: Load) -> None:
    folder = make_agent(experiments("PPO", "choices"), "memory", 12)
    agent, exported = both(folder)
    frames, card = source_frames(folder, 2 * ENVS).reshape(2, ENVS, 40, 40, 3), read_card(folder)
    taken = np.arange(ENVS) % 5
    for shown, first in zip(frames, (True, False), strict=True):
        starts = np.full(ENVS, first)
        expected = agent(preprocess_batch(shown, card.env.frame), starts)
        np.testing.assert_array_equal(exported(shown, starts), expected)
        agent.took(taken)
        exported.inputs["state_action"] = taken


@pytest.mark.parametrize("algorithm", ["PPO", "SAC", "TQC", "CrossQ"])
def test_normal_noise_samples_as_the_policy_does(experiments: Load, algorithm: str) -> None:
    folder = make_agent(experiments(algorithm, "numbers"), "latent", 13)
    agent, exported = both(folder, deterministic=False)
    frames, starts = source_frames(folder, ENVS), np.ones(ENVS, bool)
    with seeded_torch(1):
        expected = agent(preprocess_batch(frames, read_card(folder).env.frame), starts)
    with seeded_torch(1):
        noise = torch.normal(torch.zeros(ENVS, 2), torch.ones(ENVS, 2)).numpy()
    np.testing.assert_allclose(exported(frames, starts, noise=noise), expected, atol=1e-5)
    assert np.abs(exported(frames, starts) - expected).max() > 0.1
    assert expected.max() <= 1
    assert expected.min() >= -1


def test_gumbel_noise_samples_choices_at_their_probabilities(experiments: Load) -> None:
    folder = make_agent(experiments("PPO", "choices"), "latent", 14)
    agent, exported = both(folder)
    frame = source_frames(folder, 1)
    agent(preprocess_batch(frame, read_card(folder).env.frame), np.array([True]))
    policy: Any = agent.model.policy
    seen, _ = policy.obs_to_tensor(agent.seen)
    probabilities = policy.get_distribution(seen).distribution.probs[0].detach().numpy()
    count = 20_000
    noise = np.random.default_rng(0).gumbel(size=(count, 5))
    exported = ExportedAgent(folder / "agent.onnx", count)
    actions = exported(np.repeat(frame, count, 0), np.ones(count, bool), noise=noise)
    np.testing.assert_allclose(np.bincount(actions, minlength=5) / count, probabilities, atol=0.015)
    assert 0.02 < probabilities.max() < 0.98


def test_dqn_explores_as_often_as_it_did(experiments: Load) -> None:
    """With a rate of 1/4: where the first number is above 3/4, the second one chooses."""
    folder = make_agent(experiments("DQN", "choices"), "latent", 15)
    model: Any = Agent.load(folder).model
    model.exploration_rate = 0.25
    policy, seen = policy_graph(model, "DQN"), torch.randn(ENVS, 8)
    starts, second = torch.ones(ENVS, dtype=torch.bool), torch.arange(ENVS) / ENVS
    choices = [
        policy(seen, starts, {"noise": torch.stack([torch.full((ENVS,), first), second], -1)})[0]
        for first in (0.0, 0.74, 0.76)
    ]
    assert choices[0].tolist() == model.predict(seen.numpy(), deterministic=True)[0].tolist()
    assert choices[1].tolist() == choices[0].tolist()
    assert choices[2].tolist() == [place * 5 // ENVS for place in range(ENVS)]


@pytest.mark.parametrize(
    ("world", "key", "arms"),
    [("Dashboard", "view", ("pixels", "memory", "finetune")), ("Levers", None, ("latent",))],
)
def test_other_keys_and_odd_actions(
    tmp_path: Path, world: str, key: str | None, arms: tuple[str, ...]
) -> None:
    """Floats with channels first, cameras, choices from 1, switches; a matrix of whole numbers."""
    env = {"id": f"tests/{world}-v0", "import": "tests.agents.export.worlds", "image_key": key}
    env |= {"workers": "sync", "frame": {"height": 40, "width": 44}}
    experiment = load(tmp_path, env=env, **{"agent.symlog_keys": True, "dynamics.steps": 1})
    prepare(experiment, [arm for arm in arms if arm != "pixels"])
    for arm in arms:
        folder = make_agent(experiment, arm)
        card = export_agent(folder, folder / "agent.onnx")
        found = check(folder, folder / "agent.onnx", 2)
        assert len(found.differences) == 20
        assert max(found.differences) < 1e-4
        assert found.exported_returns == pytest.approx(found.returns)
        assert card.actions is not None
        assert card.actions.names == (("BRAKE", "NONE", "GAS") if key else ())


def test_keys_that_the_agent_does_not_observe_are_no_inputs(tmp_path: Path) -> None:
    env = {"id": "tests/Dashboard-v0", "import": "tests.agents.export.worlds", "image_key": "view"}
    env |= {"workers": "sync", "frame": {"height": 40, "width": 44}, "other_keys": ["gear"]}
    folder = make_agent(load(tmp_path, env=env), "pixels")
    card = export_agent(folder, folder / "agent.onnx")
    keys = [spec.name for spec in card.inputs if spec.name.startswith("key_")]
    assert keys == ["key_gear"]
    found = check(folder, folder / "agent.onnx", 2)
    assert found.exported_returns == pytest.approx(found.returns)


def test_the_units_of_another_action_are_told(tmp_path: Path) -> None:
    """Choices of the environment begin at -1, those of the policy at 0."""
    env = {"id": "tests/Dashboard-v0", "import": "tests.agents.export.worlds", "image_key": "view"}
    env |= {"workers": "sync", "frame": {"height": 40, "width": 44}, "other_keys": []}
    experiment = load(tmp_path, env=env, **{"dynamics.steps": 1})
    prepare(experiment, ["memory"])
    folder = make_agent(experiment, "memory")
    card = export_agent(folder, folder / "agent.onnx")
    (taken,) = (spec for spec in card.inputs if spec.name == "state_action")
    assert taken.meaning.endswith("as policies choose it: a choice from 0")
    exported = ExportedAgent(folder / "agent.onnx")
    frame = np.zeros((1, 3, 44, 48), np.float32)
    action = exported(frame, np.array([True]))
    np.testing.assert_array_equal(exported.inputs["state_action"], action + 1)


def test_arrays_of_other_types_than_the_spaces_declare(tmp_path: Path) -> None:
    """The agent takes them, as environments are seldom exact, and so does its file."""
    env = {"id": "tests/Loose-v0", "import": "tests.agents.export.worlds", "image_key": "view"}
    env |= {"workers": "sync", "frame": {"height": 40, "width": 44}}
    folder = make_agent(load(tmp_path, env=env), "pixels")
    export_agent(folder, folder / "agent.onnx")
    found = check(folder, folder / "agent.onnx", 2)
    assert found.differences == (0,) * 20
    assert found.exported_returns == found.returns


def test_an_environment_that_observes_no_image_is_rendered(tmp_path: Path) -> None:
    env = {"id": "CartPole-v1", "pixels": "render", "workers": "sync"}
    frame = {"height": 40, "width": 48}
    folder = make_agent(load(tmp_path, env={**env, "frame": frame}), "pixels")
    card = export_agent(folder, folder / "agent.onnx")
    assert card.inputs[0].shape == (400, 600, 3)
    assert "as render() shows, (H, W, C), 0 to 255" in card.inputs[0].meaning
    found = check(folder, folder / "agent.onnx", 2)
    assert max(found.differences) == 0
    assert found.exported_returns == found.returns


def test_an_episode_without_end_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {"id": "tests/Endless-v0", "import": "tests.agents.export.worlds", "workers": "sync"}
    folder = make_agent(load(tmp_path, env=env), "pixels")
    export_agent(folder, folder / "agent.onnx")
    monkeypatch.setattr(evaluate, "MAX_DECISIONS", 20)
    with pytest.raises(ConfigError, match=r"has not ended after 20 .*: set env.max_episode_steps"):
        check(folder, folder / "agent.onnx", 1)


def test_the_car_is_steered_with_its_own_three_numbers(tmp_path: Path) -> None:
    env = {"id": "CarRacing-v3", "workers": "sync", "action_repeat": 4, "max_episode_steps": 80}
    experiment = load(tmp_path, env=env)
    folder = make_agent(experiment, "pixels")
    card = export_agent(folder, folder / "agent.onnx")
    assert card.actions is not None
    assert card.actions.names == ("steer", "gas", "brake")
    assert card.actions.low == (-1, 0, 0)
    assert card.decisions_per_second == 12.5
    exported, own = ExportedAgent(folder / "agent.onnx"), make_env(experiment.env)
    convert = EnvActions(own.get_wrapper_attr("env_action_space"))
    own.close()
    assert convert(exported(np.zeros((1, 96, 96, 3), np.uint8), np.array([True]))[0]).shape == (3,)
    found = check(folder, folder / "agent.onnx", 1)
    assert len(found.differences) == 20
    assert max(found.differences) < 1e-4
    assert found.exported_returns == pytest.approx(found.returns)


def test_the_metadata_say_what_the_file_is(experiments: Load) -> None:
    import onnx

    folder = make_agent(experiments("PPO", "numbers"), "memory", 16)
    card = export_agent(folder, folder / "agent.onnx")
    model, agent = onnx.load(folder / "agent.onnx"), read_card(folder)
    (written,) = [one.value for one in model.metadata_props if one.key == "worldvae"]
    assert json.loads(written) == json.loads(card.model_dump_json())
    assert card.made_from == {
        "model": agent.model_sha256,
        "encoder": agent.encoder_sha256,
        "dynamics": agent.dynamics_sha256,
    }
    assert card.preprocessing == "40x36 gray, crop top 6"
    assert (card.action_repeat, card.decisions_per_second, card.samples) == (2, 7.5, True)
    names = [spec.name for spec in card.inputs]
    states = ["state_memory", "state_code", "state_action"]
    assert names == ["frame", "episode_start", "noise", *states]
    assert [value.name for value in model.graph.input] == names
    assert [value.doc_string for value in model.graph.input] == [s.meaning for s in card.inputs]
    assert card.inputs[0].shape == (56, 56, 3)
    assert [spec.name for spec in card.outputs][1:] == [f"next_{name[6:]}" for name in states]
    assert [spec.meaning for spec in card.outputs][1:] == [f"the next {name}" for name in states]


@pytest.mark.parametrize("arm", ["state", "blind"])
def test_what_sees_no_frames_is_one_line(experiments: Load, arm: str) -> None:
    folder = make_agent(experiments("PPO", "choices"), arm, 17)
    with pytest.raises(WorldvaeError, match=f"of the arm {arm} observes no frame .*pixels, latent"):
        export_agent(folder, folder / "agent.onnx")
    assert not (folder / "agent.onnx").exists()


def test_the_space_of_a_difference_is_told() -> None:
    assert difference_of(1, 2, spaces.Discrete(3)) == 1
    assert difference_of([0.0, 1.0], [0.5, 1.0], spaces.Box(0, 1, (2,))) == 0.5
