"""Replayed images are shifted as DrQ-v2 shifts them, in training and nowhere else."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from pydantic import ValidationError
from stable_baselines3.common.buffers import ReplayBuffer
from torch import Tensor
from torch.nn import functional

from agents.arms.build import open_training, set_up
from agents.config.agent import AgentConfig
from agents.config.experiment import Experiment
from agents.export.acting import ExportedAgent
from agents.export.agent import export_agent
from agents.policy.agent import Agent
from agents.policy.algorithms import make_model
from agents.policy.random_shift import ShiftedReplayBuffer, random_shift, shifting_arguments
from agents.run.agent_card import read_card
from agents.train import train
from tests.agents.policy.test_algorithms import load, train_until_killed
from tests.agents.policy.test_zip import STOCK
from tests.agents.policy.zips import packages_in
from worldvae.errors import WorldvaeError

PAD = 4
IMAGES = spaces.Box(0, 255, (2, 9, 7), np.uint8)
NUMBERS = spaces.Box(-1, 1, (1,), np.float32)
REPLAY = {"buffer_size": 100, "learning_starts": 20, "batch_size": 8}
SHIFTS = {"agent.random_shift": PAD, "agent.settings": REPLAY}


def as_drq_v2(images: Tensor, offsets: Tensor, pad: int) -> Tensor:
    """Its RandomShiftsAug: a replicating pad, then a grid of the image's own size, moved."""
    count, _, size, _ = images.shape
    padded = functional.pad(images, (pad,) * 4, "replicate")
    step = 2.0 / (size + 2 * pad)
    line = torch.linspace(-1 + step / 2, 1 - step / 2, size + 2 * pad)[:size]
    square = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)
    moved = square[None] + offsets.flip(1).view(count, 1, 1, 2) * step
    return functional.grid_sample(padded, moved, padding_mode="zeros", align_corners=False)


def test_a_shift_is_that_of_drq_v2() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(12, 3, 10, 10, generator=generator)
    offsets = torch.randint(2 * PAD + 1, (12, 2), generator=generator)
    found = random_shift(images, offsets, PAD)
    torch.testing.assert_close(found, as_drq_v2(images, offsets, PAD), atol=1e-5, rtol=0)


def test_an_image_is_cut_out_where_it_was_drawn() -> None:
    images = torch.arange(9 * 7, dtype=torch.uint8).reshape(1, 1, 9, 7).repeat(3, 2, 1, 1)
    offsets = torch.tensor([(PAD, PAD), (0, PAD), (PAD + 1, 2 * PAD)])
    stays, down, up_left = random_shift(images, offsets, PAD)
    assert stays.dtype == torch.uint8
    assert torch.equal(stays, images[0])
    assert torch.equal(down[:, PAD:], images[0][:, :-PAD])
    assert (down[:, :PAD] == images[0][:, :1]).all(), "the edge is repeated"
    assert torch.equal(up_left[:, :-1, :-PAD], images[0][:, 1:, PAD:])


def filled(kind: type[ReplayBuffer], **given: Any) -> ReplayBuffer:
    buffer = kind(20, IMAGES, NUMBERS, device="cpu", **given)
    images = np.random.default_rng(0).integers(0, 256, (21, 1, *IMAGES.shape), np.uint8)
    for before, after in pairwise(images):
        buffer.add(before, after, np.zeros((1, 1)), np.zeros(1), np.zeros(1), [{}])
    return buffer


def test_a_buffer_shifts_what_a_plain_one_would_have_given_by_what_is_drawn_next() -> None:
    plain, shifts = filled(ReplayBuffer), filled(ShiftedReplayBuffer, pad=PAD)
    np.random.seed(3)
    expected = plain.sample(16)
    drawn = [torch.as_tensor(np.random.randint(2 * PAD + 1, size=(16, 2))) for _ in range(2)]
    np.random.seed(3)
    found = shifts.sample(16)
    assert torch.equal(found.actions, expected.actions)
    images = expected.observations, expected.next_observations
    wanted = [random_shift(*pair, PAD) for pair in zip(images, drawn, strict=True)]
    assert torch.equal(found.observations, wanted[0])
    assert torch.equal(found.next_observations, wanted[1])
    assert not torch.equal(found.observations, expected.observations)


def pixels(runs: Path, algorithm: str = "DQN", **given: Any) -> Experiment:
    amounts = {"agent.env_steps": 200, "agent.checkpoint_every": 80, "evaluation.every": 120}
    return load(runs, algorithm, **{**amounts, **SHIFTS, **given})


def weights(folder: Path) -> dict[str, Tensor]:
    return Agent.load(folder).model.policy.state_dict()


def test_a_killed_training_goes_on_shifting_and_to_the_same_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = pixels(tmp_path / "a")
    folder = experiment.agent_folder("pixels", 0)
    train_until_killed(monkeypatch, experiment, "pixels")
    assert 80 <= read_card(folder).env_steps < 120
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    pads: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(
            "agents.policy.callback.TrainingCallback._on_training_start",
            lambda self: pads.append(self.model.replay_buffer.pad),
        )
        first = weights(train(experiment, "pixels", 0))
        second = weights(train(pixels(tmp_path / "b"), "pixels", 0))
    assert pads == [PAD, PAD]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_agent_acts_alone_and_exported_as_if_nothing_had_been_shifted(tmp_path: Path) -> None:
    folder = train(pixels(tmp_path), "pixels", 0)
    assert packages_in(folder / read_card(folder).model) <= STOCK
    agent = Agent.load(folder)
    assert type(agent.model.replay_buffer) is ReplayBuffer  # type: ignore[attr-defined]
    export_agent(folder, folder / "agent.onnx")
    exported = ExportedAgent(folder / "agent.onnx", 30)
    frames = np.random.default_rng(0).integers(0, 256, (30, 40, 40, 3), np.uint8)
    starts = np.ones(30, bool)
    acted = agent(frames, starts)
    assert np.array_equal(agent.begin()(frames, starts), acted), "no chance in it"
    assert np.array_equal(exported(frames, starts), acted)


def test_an_arm_without_images_has_nothing_to_shift(tmp_path: Path) -> None:
    experiment = pixels(tmp_path)
    for arm, kind in (("state", ReplayBuffer), ("pixels", ShiftedReplayBuffer)):
        setup = set_up(experiment, arm)
        training = open_training(setup, 0)
        model: Any = make_model(setup.agent, training.env, 0, "cpu", setup.policy_arguments())
        training.env.close()
        assert type(model.replay_buffer) is kind


def test_returns_over_several_steps_are_kept() -> None:
    config = AgentConfig(
        algorithm="DQN", random_shift=2, gamma=0.5, settings={"n_steps": 3, "buffer_size": 20}
    )
    given = shifting_arguments(config, IMAGES)
    assert given.pop("n_steps") == 1, "the buffer knows them"
    buffer = filled(given["replay_buffer_class"], **given["replay_buffer_kwargs"])
    buffer.rewards[:] = 1.0
    buffer.dones[19] = 1.0
    samples = buffer.sample(64)
    assert set(samples.rewards.flatten().tolist()) <= {1.0, 1.5, 1.75}
    assert samples.rewards.max() == 1.75


def test_several_steps_of_a_dict_are_refused_and_not_ignored() -> None:
    config = AgentConfig(algorithm="DQN", random_shift=2, settings={"n_steps": 3})
    with pytest.raises(WorldvaeError, match=r"agent\.settings\.n_steps = 3: .*set it to 1"):
        shifting_arguments(config, spaces.Dict({"image": IMAGES, "speed": NUMBERS}))


def test_what_replays_nothing_shifts_nothing() -> None:
    with pytest.raises(ValidationError, match="PPO replays no images; use SAC, TQC, CrossQ or DQN"):
        AgentConfig(random_shift=4)
