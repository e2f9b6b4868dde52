"""N dreams that run side by side, each step of which is one call of the dynamics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worldvae.dynamics.config import DreamSettings
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.state import DynamicsState
from worldvae.errors import ConfigError
from worldvae.seeding import derive, numpy_stream

START = "start"
TOLD = "end_probability", "disagreement", START
"""The infos of a step: of its decision the first two, and from which real frame a dream began."""


@dataclass(frozen=True)
class Outcome:
    """What N decisions led to; each array (N,)."""

    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    """True where the horizon was reached or members disagreed, and the dream did not end."""
    end_probability: NDArray[np.float32]
    disagreement: NDArray[np.float32]

    @classmethod
    def none(cls, count: int) -> Outcome:
        """Return what N dreams have led to before their first decision."""
        zeros, never = np.zeros(count, np.float32), np.zeros(count, bool)
        return cls(zeros.astype(np.float64), never, never, zeros, zeros.copy())

    @property
    def ended(self) -> NDArray[np.bool_]:
        """Where a dream is over, (N,)."""
        ended: NDArray[np.bool_] = self.terminated | self.truncated
        return ended


class DreamBatch:
    """N dreams without the interface of Gymnasium.

    Args:
        dynamics: What imagines.
        starts: The states (K, S, C), (S, D) of S real frames, from which dreams begin.
        count: N.
        settings: How dreams go on and end.
    """

    def __init__(
        self, dynamics: Dynamics, starts: DynamicsState, count: int, settings: DreamSettings
    ) -> None:
        self._dynamics, self._starts, self._settings = dynamics, starts, settings
        self._device = starts.code.device
        self._generator = torch.Generator(self._device)
        self._members = torch.zeros(count, dtype=torch.int64, device=self._device)
        self._ages = np.zeros(count, np.int64)
        self.state = DynamicsState(
            starts.carried[:, :1].repeat(1, count, 1), starts.code[:1].repeat(count, 1)
        )
        """The newest state of each dream."""
        self._is_begun = False
        self.places = np.zeros(count, np.int64)
        """(N,): from which start each dream began."""
        self.seed([None] * count)

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Restart the random streams: seeds (N,); None draws one from the operating system."""
        if negative := [seed for seed in seeds if seed is not None and seed < 0]:
            raise ConfigError(f"seed = {negative[0]}: a seed is a whole number from 0 on")
        known = [fresh_seed() if seed is None else int(seed) for seed in seeds]
        self._choosers = [numpy_stream(seed, "dream") for seed in known]
        self._generator.manual_seed(derive(known[0], "dream", *known[1:]))

    @torch.inference_mode()
    def begin(self, begins: NDArray[np.intp], places: NDArray[np.intp] | None = None) -> None:
        """Begin the dreams `begins` (E,) anew, from the starts `places` (E,) or from drawn ones.

        Each dream follows one member of an ensemble, drawn with it.
        """
        if not len(begins):
            return
        self._is_begun = True
        count, members = len(self._starts.code), len(self._starts.carried)
        choosers = [self._choosers[index] for index in begins]
        drawn = np.array([(one.integers(count), one.integers(members)) for one in choosers])
        self.places[begins] = drawn[:, 0] if places is None else places
        rows = torch.from_numpy(begins).to(self._device)
        chosen = torch.from_numpy(self.places[begins]).to(self._device)
        self.state.carried[:, rows] = self._starts.carried[:, chosen]
        self.state.code[rows] = self._starts.code[chosen]
        self._members[rows] = torch.from_numpy(drawn[:, 1]).to(self._device)
        self._ages[begins] = 0

    def states_of(self, dreams: NDArray[np.intp]) -> DynamicsState:
        """Return the states of the dreams with the numbers `dreams` (E,) alone."""
        return self.state.rows(torch.from_numpy(dreams).to(self._device))

    @torch.inference_mode()
    def step(self, actions: NDArray[np.float32]) -> Outcome:
        """Take the encoded actions (N, A); ended dreams go on until `begin`.

        Raises ConfigError before the first `begin`.
        """
        if not self._is_begun:
            raise ConfigError("no dream has begun: call reset before the first step")
        self.state, step = self._dynamics.imagine(
            self.state,
            torch.from_numpy(actions).to(self._device),
            self._generator,
            self._settings.temperature,
            self._members,
        )
        self._ages += 1
        # One copy from the device for all.
        numbers = torch.stack(
            [step.reward, step.end_probability, step.terminated.float(), step.disagreement]
        )
        rewards, end_probability, ends, disagreement = numbers.cpu().numpy()
        terminated = ends > 0
        return Outcome(
            rewards.astype(np.float64),
            terminated,
            self._is_late(disagreement) & ~terminated,
            end_probability,
            disagreement,
        )

    def told(self, outcome: Outcome) -> dict[str, NDArray[Any]]:
        """Return the infos of a step by their names, those of `TOLD`: (N,) each."""
        values = outcome.end_probability, outcome.disagreement, self.places.copy()
        return dict(zip(TOLD, values, strict=True))

    def _is_late(self, disagreement: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return where a dream is truncated, unless it has ended: (N,)."""
        late = self._ages >= self._settings.horizon
        most = self._settings.max_disagreement
        result: NDArray[np.bool_] = late if most is None else late | (disagreement > most)
        return result


def fresh_seed() -> int:
    """Return a seed that the operating system draws."""
    entropy = np.random.SeedSequence().entropy
    assert isinstance(entropy, int)
    return entropy % 2**31
