"""A linear world whose true dynamics are known, and dynamics that are wrong in one way.

A point in the plane turns around the origin, is pushed by actions that are held for a while, and is
knocked about. It pays its place; the farther to the right it is, the sooner an episode ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from worldvae.diagnostics.clock import PartClock
from worldvae.diagnostics.fidelity.check import judge_dynamics
from worldvae.diagnostics.fidelity.cut import EpisodeSegment, cut_windows, lay_starts
from worldvae.diagnostics.fidelity.metrics.pixels import PixelSource
from worldvae.diagnostics.fidelity.rules.evidence import Fidelity
from worldvae.diagnostics.fidelity.subject import ExaminedDynamics
from worldvae.diagnostics.fidelity.windows import Windows
from worldvae.diagnostics.splits import Splits
from worldvae.dynamics.config import DynamicsObjective
from worldvae.dynamics.state import DynamicsState, Step
from worldvae.envs import StateVariable

TURN = 0.1
SHRINK = 0.97
NOISE = 0.15
MOVES = np.array([(0.0, 0.0), (0.25, 0.0), (-0.25, 0.0), (0.0, 0.25), (0.0, -0.25)], np.float32)
ROTATION = np.array([[np.cos(TURN), -np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]], np.float32)
MATRIX = SHRINK * ROTATION.T  # rows are codes
REWARD = np.array([0.5, 0.3], np.float32)
HAZARD, STEEPNESS = -6.0, 2.5
RATE = -3.9  # the logit of the share of decisions that end an episode
HELD = 0.85
LONGEST = 120
SIDE = 16


@dataclass(frozen=True)
class LinearDynamics:
    """The true dynamics, or such as are wrong where a field says so."""

    push: float = 1.0
    """Times what actions do; 0: they do nothing."""
    reward_scale: float = 1.0
    reward_shift: float = 0.0
    end_shift: float = 0.0
    """Added to the logit of an end."""
    foresees_ends: bool = True
    """False: an end has always the same probability."""
    spread: float = 1.0
    """Times the noise."""
    drift: float = 0.0
    """Added to each number in each step."""
    growth: float = 1.0
    """Times what turns."""
    offset: float = 0.0
    """Added to each number of what is dreamed, always the same."""
    knows: bool = True
    """False: stands still but for the noise, pays nothing."""

    def initial(self, n: int) -> DynamicsState:
        """Carried are the decisions since the first frame, and whether the code is dreamed."""
        return DynamicsState(torch.zeros(1, n, 2), torch.zeros(n, 2))

    def observe(
        self, state: DynamicsState, code: Tensor, actions: Tensor, episode_start: Tensor
    ) -> DynamicsState:
        count = torch.where(episode_start, 0.0, state.carried[0, :, 0] + 1)
        return DynamicsState(torch.stack([count, torch.zeros_like(count)], dim=1)[None], code)

    def imagine(
        self,
        state: DynamicsState,
        actions: Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        members: Tensor | None = None,
    ) -> tuple[DynamicsState, Step]:
        x = state.code - self.offset * state.carried[0, :, 1:]
        noise = torch.randn(x.shape, generator=generator) * NOISE * self.spread * temperature**0.5
        drawn = torch.rand(len(x), generator=generator)
        pushed = actions @ torch.from_numpy(MOVES) * self.push
        turned = self.growth * x @ torch.from_numpy(MATRIX) if self.knows else x
        code = turned + pushed * self.knows + noise + self.drift + self.offset
        reward = self.reward_scale * (x @ torch.from_numpy(REWARD)) * self.knows + self.reward_shift
        danger = HAZARD + STEEPNESS * x[:, 0] if self.foresees_ends else 0 * x[:, 0] + RATE
        end = torch.sigmoid(danger + self.end_shift)
        step = Step(code, reward, end, drawn < end, torch.zeros(len(x)))
        count = state.carried[..., 0] + 1
        carried = torch.stack([count, torch.ones_like(count)], dim=-1)
        return DynamicsState(carried, code), step


TRUE = LinearDynamics()
UNTRAINED = LinearDynamics(knows=False)


def play(seed: int, wild: bool = False) -> dict[str, np.ndarray[Any, Any]]:
    """One episode, whose actions are held or, if `wild`, drawn anew each time."""
    generator = np.random.default_rng(seed)
    codes = [generator.normal(0, 1, 2).astype(np.float32)]
    actions, rewards, terminated = [], [], []
    action = int(generator.integers(5))
    while len(actions) < LONGEST and not any(terminated):
        if wild or generator.random() > HELD:
            action = int(generator.integers(5))
        x = codes[-1]
        actions.append(np.eye(5, dtype=np.float32)[action])
        rewards.append(x @ REWARD)
        hazard = 1 / (1 + np.exp(-(HAZARD + STEEPNESS * x[0])))
        terminated.append(generator.random() < hazard)
        codes.append(x @ MATRIX + MOVES[action] + generator.normal(0, NOISE, 2).astype(np.float32))
    return {
        "codes": np.array(codes, np.float32),
        "actions": np.array(actions, np.float32),
        "rewards": np.array(rewards, np.float32),
        "terminated": np.array(terminated, bool),
    }


def windows_of(episodes: list[dict[str, Any]], policies: list[str], limit: int) -> Windows:
    lengths = [len(episode["actions"]) for episode in episodes]

    def read(number: int, first: int, last: int) -> EpisodeSegment:
        episode = episodes[number]
        codes = episode["codes"][first : last + 1]
        return EpisodeSegment(
            codes=codes,
            actions=episode["actions"][first:last],
            rewards=episode["rewards"][first:last],
            terminated=episode["terminated"][first:last],
            state=1 + 2 * codes.astype(np.float64),
        )

    return cut_windows(read, lay_starts(lengths, limit), lengths, policies)


@cache
def splits() -> Splits[Windows]:
    counts = (60, 40, 60)
    parts, seed = [], 0
    for count in counts:
        policies = ["smooth" if number % 2 else "random" for number in range(count)]
        episodes = [play(seed + i, policies[i] == "random") for i in range(count)]
        parts.append(windows_of(episodes, policies, 160))
        seed += count
    return Splits(*parts)


def draw(codes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A blurred dot at each place: (B, 2) -> (B, H, W, 1) uint8."""
    rows = np.arange(SIDE)
    centre = SIDE / 2 + codes * SIDE / 10
    x = np.exp(-0.5 * np.square((rows - centre[:, :1]) / 1.5))
    y = np.exp(-0.5 * np.square((rows - centre[:, 1:]) / 1.5))
    return (255 * y[:, :, None] * x[:, None]).astype(np.uint8)[..., None]


def subject(model: Any = TRUE, **given: Any) -> ExaminedDynamics:
    windows = given.pop("windows", None) or splits()
    test, train = windows.test, windows.train

    def frames(rows: np.ndarray[Any, Any], times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return draw(test.codes[rows, test.past + times])

    pixels = PixelSource(draw, frames, draw(train.codes[train.frames_seen]).mean(0) / 255)
    usual = ExaminedDynamics(
        env_id="tests/Plane-v0",
        model=model,
        untrained=UNTRAINED,
        is_trained=True,
        objective=DynamicsObjective(),
        latents=2,
        windows=windows,
        variables=tuple(StateVariable(name=f"at.{axis}", discrete=False) for axis in "xy"),
        pixels=pixels,
        no_pixels=None,
    )
    return replace(usual, **given)


@cache
def fidelity(model: LinearDynamics = TRUE) -> Fidelity:
    return judge_dynamics(subject(model), 0, PartClock())
