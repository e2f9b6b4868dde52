"""The dreams of held-out windows: of the dynamics, and of what they are compared with.

Shapes: W windows, N dreams of each, K decisions, H horizons, D numbers of a code, A of an action,
B training frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from worldvae.diagnostics.fidelity.dreams import (
    DREAMS,
    DreamSamples,
    OneStep,
    dream,
    one_step,
)
from worldvae.diagnostics.fidelity.metrics.open_loop import BLIND, DREAM, UNTRAINED
from worldvae.diagnostics.fidelity.metrics.temperature import USUAL
from worldvae.diagnostics.fidelity.subject import ExaminedDynamics
from worldvae.diagnostics.fidelity.windows import Flags, Floats, Windows
from worldvae.indices import evenly
from worldvae.seeding import derive, numpy_stream


@dataclass(frozen=True)
class DreamRuns:
    """Dreams of `windows` at a temperature, judged at `horizons`; each is made when asked for."""

    subject: ExaminedDynamics
    windows: Windows
    horizons: tuple[int, ...]
    seed: int
    temperature: float = USUAL

    @cached_property
    def actions(self) -> Floats:
        """The recorded actions, and those of other windows where an episode ended: (W, K, A)."""
        return self.windows.endless_actions(numpy_stream(self.seed, "endless"))

    @cached_property
    def dreams(self) -> DreamSamples:
        """Dreams under the recorded actions."""
        return self._dream(self.temperature, self.actions)

    @cached_property
    def usual(self) -> DreamSamples:
        """The same at temperature 1."""
        return self.dreams if self.temperature == USUAL else self._dream(USUAL, self.actions)

    @cached_property
    def blind(self) -> DreamSamples:
        """Dreams under the actions of other windows, with the same noise.

        Each of the N dreams has those of another stranger, so that together they are what dynamics
        predict that know of actions only how they are usually chosen. Those of a single stranger
        would be a wrong prediction, which is farther off than none.
        """
        generator = numpy_stream(self.seed, "strangers")
        others = np.stack([self.windows.strangers(generator) for _ in range(DREAMS)], axis=1)
        return self._dream(self.temperature, self.actions[others])

    @cached_property
    def untrained(self) -> DreamSamples:
        """Dreams of initial weights."""
        seed = derive(self.seed, "untrained")
        return dream(self.subject.untrained, self.windows, self.actions, seed)

    @cached_property
    def ahead(self) -> OneStep:
        """Predictions one step ahead."""
        return one_step(self.subject.model, self.windows, derive(self.seed, "ahead"))

    def make(self) -> None:
        """Make all that nobody has asked for yet."""
        _ = self.ahead, self.samples, self.usual

    @property
    def everything(self) -> dict[str, Floats]:
        """All dreamed codes: name -> (W, N, K, D)."""
        runs = {DREAM: self.dreams, BLIND: self.blind, UNTRAINED: self.untrained}
        return {name: run.codes for name, run in runs.items()}

    @cached_property
    def samples(self) -> dict[str, Floats]:
        """All dreamed codes at the horizons: name -> (W, N, H, D)."""
        return {name: codes[:, :, self.places] for name, codes in self.everything.items()}

    @property
    def places(self) -> NDArray[np.int64]:
        """The index of each horizon among the decisions, (H,)."""
        return np.array(self.horizons) - 1

    @cached_property
    def mask(self) -> Flags:
        """Whether there is something to predict, (W, H)."""
        return self.windows.targets[:, self.places]

    @cached_property
    def truth(self) -> Floats:
        """What an agent really saw at each horizon, (W, H, D).

        It sees posterior means. Dynamics that learn from draws of the posterior dream of draws,
        which is a fault as far as the two differ.
        """
        return self.windows.truth[:, self.places]

    def training_codes(self, limit: int) -> Floats:
        """Return at most `limit` codes of training frames, (B, D)."""
        train = self.subject.windows.train
        codes = train.codes[train.frames_seen]
        return np.asarray(codes[evenly(len(codes), limit)])

    def _dream(self, temperature: float, actions: Floats) -> DreamSamples:
        seed = derive(self.seed, "dreams")
        return dream(self.subject.model, self.windows, actions, seed, temperature)
