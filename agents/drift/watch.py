"""Measures during training how far an agent's frames drift from those of its encoder."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback

from agents.config.sections import FEWEST_FRAMES, DriftConfig
from agents.drift.outliers import Outliers
from agents.policy.callback import Pace
from agents.run.agent_card import AgentCard
from agents.run.drift_log import DRIFT, DriftLine, read_lines
from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.drift import Drift, Reference, measure, newest, read
from worldvae.errors import WorldvaeError
from worldvae.wording import percent


class EvenSample:
    """Copies of frames, spread evenly over the decisions of training and over its environments.

    Args:
        frames: How many frames are kept.
        decisions: Out of how many.
    """

    def __init__(self, frames: int, decisions: int) -> None:
        self._frames, self._decisions = min(frames, decisions), decisions
        self._offered = self._taken = 0
        self._kept: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def offer(self, inputs: NDArray[np.uint8]) -> None:
        """Offer the frames of N environments after one decision: (N, H, W, n C)."""
        self._offered += len(inputs)
        due = self._offered * self._frames // self._decisions - self._taken
        for _ in range(due):
            self._kept.append(inputs[self._taken % len(inputs)].copy())
            self._taken += 1

    def take(self) -> NDArray[np.uint8]:
        """Return the frames kept since the last call, (B, H, W, n C)."""
        kept, self._kept = self._kept, []
        return np.stack(kept)


class DriftWatch(BaseCallback):
    """Measures the drift of a training's frames; see `DriftConfig`.

    A resumed training samples the rest of its interval.

    Args:
        folder: The agent's folder, where `drift.jsonl` is written.
        card: The agent at the start, or at its last checkpoint.
        encoder: The encoder of its observations.
        reference: Returns the measurements on the encoder's held-out frames, when training begins.
        strangest: Keeps the frames that are least like the encoder's.
        may_refit: Stop training when the encoder has to be refitted.
    """

    def __init__(
        self,
        folder: Path,
        config: DriftConfig,
        card: AgentCard,
        encoder: Encoder,
        reference: Callable[[], Reference],
        strangest: Outliers,
        may_refit: bool,
    ) -> None:
        super().__init__()
        self._folder, self._config, self._strangest = folder, config, strangest
        self._encoder, self._make_reference, self._may_refit = encoder, reference, may_refit
        self._repeat, self._refreshes = card.env.action_repeat, card.refreshes
        self._pace = Pace(config.every, card.env_steps)
        self._sample = EvenSample(config.frames, max(1, config.every // self._repeat))
        self._reference: Reference | None = None
        self._has_warned = any(line.strange > config.warn_share for line in read_lines(folder))
        self._must_stop = False

    def _on_training_start(self) -> None:
        try:
            self._reference = self._make_reference()
        except WorldvaeError as error:  # an agent can train without its encoder's frames
            warnings.warn(f"drift is not measured: {error}", stacklevel=2)

    def _on_step(self) -> bool:
        if self._reference is not None:
            self._sample.offer(self.training_env.get_attr("observer", 0)[0].newest_inputs)
        return not self._must_stop

    def _on_rollout_start(self) -> None:
        # Between two updates and before a checkpoint, which then includes the logged line.
        if self._pace.is_due(self._env_steps):
            self._measure()

    def _on_training_end(self) -> None:
        if not self._must_stop:
            self._measure()

    @property
    def _env_steps(self) -> int:
        return int(self.num_timesteps * self._repeat)

    def _measure(self) -> None:
        if self._reference is None or len(self._sample) < FEWEST_FRAMES:
            return
        inputs = self._sample.take()
        readings = read(self._encoder, self._reference.spread, inputs)
        drift = measure(self._reference, readings)
        frames = newest(inputs, self._encoder.card.frame.shape[-1])
        strangeness = self._reference.strangeness(readings)
        self._strangest.add(frames, readings, strangeness, self._env_steps)
        line = DriftLine(**dict(drift), env_steps=self._env_steps, refreshes=self._refreshes)
        DRIFT.append(self._folder, line)
        for name, value in _scalars(drift).items():
            self.logger.record(f"drift/{name}", value)
        if drift.strange > self._config.warn_share:
            self._must_stop = self._may_refit
            self._warn(drift.strange)

    def _warn(self, share: float) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        advice = (
            "the encoder is refitted"
            if self._may_refit
            else "collect with this agent (rollouts.policies: {agent: 1}) and pretrain again, or "
            "set drift.refresh: true"
        )
        warnings.warn(
            f"at {self._env_steps:,} env steps {percent(share)} of the agent's frames are stranger "
            f"to its encoder than 99 % of the held-out ones: {advice}",
            stacklevel=2,
        )


def _scalars(drift: Drift) -> dict[str, Any]:
    scalars = {"strange": drift.strange, "distance_ratio": drift.distance.ratio}
    return scalars if drift.error is None else {**scalars, "error_ratio": drift.error.ratio}
