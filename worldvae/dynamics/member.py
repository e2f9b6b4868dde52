"""One network of the dynamics: a memory, and what it predicts of the next step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from worldvae.dynamics.cells import make_cell
from worldvae.dynamics.config import DynamicsNetwork
from worldvae.dynamics.heads import (
    Classes,
    ClassesHead,
    Distribution,
    ExpectationHead,
    MixtureHead,
    ValuesHead,
    begin_at,
    decide,
)
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.units import BEYOND, Units

LEAST_CHANCE = 1e-9
"""Chance of what is told to have none, so that one of several is left to be drawn."""


@dataclass(frozen=True)
class Change:
    """How the code changes by a decision, as a distribution; each tensor (..., ...)."""

    latents: Distribution
    """Of the change of each latent, (..., Z)."""
    keys: Classes | None
    """Of the change of each key, (..., X); None without keys."""

    def sample(self, noise: Noise, temperature: float) -> Tensor:
        """Draw the change of the code: (..., D); keys have their true rates at any temperature.

        A hit that costs health is as rare an event as an end, which a low temperature would rule
        out.
        """
        latents = self.latents.sample(noise, temperature)
        if self.keys is None:
            return latents
        return torch.cat([latents, self.keys.sample(noise, 1.0)], -1)

    def mean(self) -> Tensor:
        """Return the expected change of the code: (..., D)."""
        latents = self.latents.mean()
        return latents if self.keys is None else torch.cat([latents, self.keys.mean()], -1)

    def std(self) -> Tensor:
        """Return the standard deviation of the change of the code: (..., D)."""
        latents = self.latents.std()
        return latents if self.keys is None else torch.cat([latents, self.keys.std()], -1)


@dataclass(frozen=True)
class Events:
    """What a decision pays and whether it ends the episode, as distributions."""

    reward: Tensor
    """Log weights of the support of rewards, (..., R)."""
    end: Tensor
    """Logit that the decision ends the episode, (...), as if ends were `end_weight` as common."""
    keys: Classes | None
    """How each key changes, (..., X); None without keys."""


class Member(nn.Module):
    """A cell that remembers codes and actions, and heads that predict from it."""

    key_range: Tensor

    def __init__(
        self, network: DynamicsNetwork, latents: int, keys: int, action_size: int, units: Units
    ) -> None:
        super().__init__()
        code, hidden = latents + keys, network.hidden
        self.code_latents = latents
        self.cell = make_cell(network, code + action_size)
        inputs = network.memory + code + action_size
        self.latents = nn.Sequential(_layer(inputs, hidden), _latents_head(network, latents, units))
        # Many latents share a layer; rare events would be heard in it only when those are learned.
        self.event_layer = _layer(inputs, hidden)
        self.keys = ClassesHead(hidden, units.key_classes) if keys else None
        self.reward = ExpectationHead(hidden, units.rewards)
        self.end = nn.Linear(hidden, 1)
        self.register_buffer("key_range", units.key_range.clone())
        self.choices: tuple[slice, ...] = ()
        """Where keys are one-hot."""

    def begin(self, end_rate: float, end_weight: float) -> None:
        """Let what untrained heads predict be as common as in training, whatever is read."""
        for head in self.modules():
            if isinstance(head, ValuesHead):
                head.begin()
        # The weight multiplies the odds, and is taken off again where they are read.
        odds = min(max(end_rate, 1e-5), 1 - 1e-5)
        odds = end_weight * odds / (1 - odds)
        begin_at(self.end, self.end.bias.new_tensor(math.log(odds)))

    def features(self, carried: Tensor, codes: Tensor, actions: Tensor) -> Tensor:
        """Return what predictions are made of, (..., F), of a decision.

        This is the memory after it (..., C), and its code (..., D) and action (..., A) once more.
        """
        return torch.cat([self.cell.output(carried), codes, actions], -1)

    def latent_changes(self, features: Tensor) -> Distribution:
        """Predict from features (..., F) how each latent changes: (..., Z)."""
        changes: Distribution = self.latents(features)
        return changes

    def events(self, features: Tensor) -> Events:
        """Predict from features (..., F) what a decision pays, whether it ends, and the keys."""
        hidden = self.event_layer(features)
        keys = None if self.keys is None else self.keys(hidden)
        return Events(self.reward(hidden), self.end(hidden).float()[..., 0], keys)

    def change(self, features: Tensor) -> Change:
        """Predict from features (..., F) how the code changes."""
        keys = None if self.keys is None else self.keys(self.event_layer(features))
        return Change(self.latent_changes(features), keys)

    def moved(self, code: Tensor, change: Tensor) -> Tensor:
        """Return the code (..., D) after a change; keys stay within what training has seen of them.

        A health below 0 would be read by the next step, which knows of none.
        """
        after = code + change
        if self.keys is None:
            return after
        low, high = self.key_range
        latents, keys = self.split(after)
        # What `clamp` does, as the exporter to ONNX knows it.
        return torch.cat([latents, keys.maximum(low).minimum(high)], -1)

    def drawn(self, code: Tensor, change: Change, noise: Noise, temperature: float) -> Tensor:
        """Draw the code (..., D) that a change leads to."""
        after = self.moved(code, change.sample(noise, temperature))
        if change.keys is None or not self.choices:
            return after
        latents, keys = self.split(after)
        on = self._chances(self.split(code)[1], change.keys)
        low, high = self.key_range
        parts, first = [latents], 0
        for part in self.choices:
            decided = low[part] + decide(on[..., part], noise) * (high - low)[part]
            parts += [keys[..., first : part.start], decided]
            first = part.stop
        return torch.cat([*parts, keys[..., first:]], -1)

    def _chances(self, keys: Tensor, change: Classes) -> Tensor:
        """Return how probable each of the `keys` (..., X) is to be on next, if it is of a choice.

        Where that is none of all, they stay.
        """
        low, high = self.key_range
        middle = torch.where(high > low, (low + high) / 2, BEYOND)
        is_on = (keys[..., None] + change.known_values() > middle[:, None]).to(keys.dtype)
        chances = (change.log_weights.exp() * is_on).sum(-1)
        return chances + LEAST_CHANCE * (keys > middle)

    def split(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return the latents (..., Z) and keys (..., X) of a code (..., D), or of its change."""
        return code[..., : self.code_latents], code[..., self.code_latents :]

    def read(self, codes: Tensor, actions: Tensor, carried: Tensor) -> Tensor:
        """Remember T steps of codes (B, T, D) and actions (B, T, A): what is carried, (B, T, C)."""
        return self.cell.scan(torch.cat([codes, actions], -1), carried)

    def run_freely(
        self, carried: Tensor, code: Tensor, actions: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """Go on with own samples under the actions (B, T, A) from a code (B, D).

        Returns the features of each step (B, T, F), and the sampled codes after it (B, T, D),
        through which no gradient flows.
        """
        features, codes = [], []
        for action in actions.unbind(1):
            carried = self.cell(torch.cat([code, action], -1), carried)
            feature = self.features(carried, code, action)
            with torch.no_grad():
                code = self.drawn(code, self.change(feature), noise, 1.0)
            features.append(feature)
            codes.append(code)
        return torch.stack(features, 1), torch.stack(codes, 1)


def _layer(inputs: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.LayerNorm(hidden), nn.SiLU())


def _latents_head(network: DynamicsNetwork, latents: int, units: Units) -> nn.Module:
    if network.head == "categorical":
        return ClassesHead(network.hidden, units.latent_classes)
    components = network.components if network.head == "mixture" else 1
    return MixtureHead(network.hidden, units.change[:latents], components)


def end_probability(logits: Tensor, weight: float) -> Tensor:
    """Return the probability of an end (...), of logits that count ends `weight` times.

    The weight multiplies the odds of an end, so log(weight) is taken off.
    """
    return torch.sigmoid(logits - math.log(weight))
