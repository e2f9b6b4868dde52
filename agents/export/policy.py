"""Policies of Stable-Baselines3 inside of an exported file, and what `predict` does around them.

Noise is an input, so that a file is a function: with zeros it returns the mode of the policy, with
noise of the kind that its description names a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BaseModel
from torch import Tensor, nn
from torch.nn import functional

from agents.config.agent import ALGORITHMS, AlgorithmName
from worldvae.export.signature import NOISE, STATE, Tensors, TensorSpec, floats, next_name

HIDDEN, CELL = f"{STATE}lstm_hidden", f"{STATE}lstm_cell"

NORMAL = "numbers of N(0, 1) sample an action; zeros: the mode"
GUMBEL = "Gumbel noise, -log(-log(u)) of uniform u, samples an action; zeros: the likeliest"
GREEDY = (
    "two uniform numbers from 0 to 1: explores where the first is above {threshold}, with the "
    "second as the choice; zeros: the best action"
)

PROBABILITIES, MEAN, DEVIATION = "probabilities", "mean", "deviation"
"""What a policy says of its choices, or of its numbers."""

NoiseKind = Literal["normal", "gumbel", "uniform"]

Observation = Tensor | Tensors


@dataclass(frozen=True)
class PolicyDecision:
    """What a policy does in N environments."""

    actions: Tensor
    """(N,) int64 or (N, A)."""
    states: Tensors
    """The next states of a recurrent policy."""
    says: Tensors
    """The distribution that the actions are of, by the names that the policy's `says` has."""


class PolicyGraph(nn.Module):
    """Chooses actions in the space that policies act in."""

    noise: TensorSpec | None = None
    """The input that samples; None if only the mode can be computed."""
    noise_kind: NoiseKind | None = None
    """How the numbers of that input are distributed."""
    states: tuple[TensorSpec, ...] = ()
    """The inputs that hold the past of a recurrent policy."""
    says: tuple[TensorSpec, ...] = ()
    """What it can say of the distribution of its actions."""

    def decide(
        self, observation: Observation, episode_start: Tensor, tensors: Tensors
    ) -> PolicyDecision:
        """Return what is done in N environments.

        `observation` is what the policy's `predict` gets, images channels last.
        """
        raise NotImplementedError

    def forward(
        self, observation: Observation, episode_start: Tensor, tensors: Tensors
    ) -> tuple[Tensor, Tensors]:
        """Return the actions of N environments, (N,) int64 or (N, A), and the next states."""
        decision = self.decide(observation, episode_start, tensors)
        return decision.actions, decision.states


class ActorCriticGraph(PolicyGraph):
    """The policy of PPO, RecurrentPPO and A2C: logits of choices, or a Gaussian that is clipped."""

    def __init__(self, policy: Any, recurrent: bool) -> None:
        super().__init__()
        self.policy, self._recurrent = policy, recurrent
        self._bounds = Bounds(policy.action_space)
        if isinstance(policy.action_space, spaces.Discrete):
            shape: tuple[int, ...] = (int(policy.action_space.n),)
            self.noise, self.noise_kind = floats(NOISE, GUMBEL, *shape), "gumbel"
            self.says = _probabilities(*shape)
        else:
            shape = policy.action_space.shape
            self.says = _gaussian(shape, has_deviation=not policy.use_sde)
            if not policy.use_sde:  # which draws its noise from the state
                self.noise, self.noise_kind = floats(NOISE, NORMAL, *shape), "normal"
        if recurrent:
            shape = (policy.lstm_actor.num_layers, policy.lstm_actor.hidden_size)
            self.states = tuple(
                floats(name, "of the policy's LSTM", *shape) for name in (HIDDEN, CELL)
            )

    def decide(
        self, observation: Observation, episode_start: Tensor, tensors: Tensors
    ) -> PolicyDecision:
        policy, shown = self.policy, channels_first(observation, self.policy.observation_space)
        features = BaseModel.extract_features(policy, shown, policy.pi_features_extractor)
        after: Tensors = {}
        if self._recurrent:
            features, after = self._remembered(features, episode_start, tensors)
        output = policy.action_net(policy.mlp_extractor.forward_actor(features))
        if isinstance(policy.action_space, spaces.Discrete):
            chosen = (output + tensors[NOISE]).argmax(-1)
            return PolicyDecision(chosen, after, {PROBABILITIES: output.softmax(-1)})
        says = {MEAN: self._bounded(output)}
        if self.noise is not None:
            says[DEVIATION] = policy.log_std.exp() + 0 * output
            output = output + says[DEVIATION] * tensors[NOISE]
        return PolicyDecision(self._bounded(output), after, says)

    def _bounded(self, numbers: Tensor) -> Tensor:
        squashes = self.policy.squash_output
        bounded: Tensor = (
            self._bounds.unscaled(numbers.tanh()) if squashes else self._bounds(numbers)
        )
        return bounded

    def _remembered(
        self, features: Tensor, episode_start: Tensor, tensors: Tensors
    ) -> tuple[Tensor, Tensors]:
        """Return the output of the LSTM (N, F), and its next states (N, layers, F)."""
        before = [
            tensors[name].masked_fill(episode_start[:, None, None], 0.0).transpose(0, 1)
            for name in (HIDDEN, CELL)
        ]
        output, after = self.policy.lstm_actor(features[None], tuple(before))
        names = next_name(HIDDEN), next_name(CELL)
        return output[0], {
            name: state.transpose(0, 1) for name, state in zip(names, after, strict=True)
        }


class SquashedGraph(PolicyGraph):
    """The policy of SAC, TQC and CrossQ: a Gaussian squashed by tanh, and scaled to the bounds."""

    def __init__(self, actor: Any) -> None:
        super().__init__()
        self.actor = actor
        self._bounds = Bounds(actor.action_space)
        self.says = _gaussian(actor.action_space.shape, has_deviation=not actor.use_sde)
        if not actor.use_sde:
            self.noise, self.noise_kind = floats(NOISE, NORMAL, *actor.action_space.shape), "normal"

    def decide(
        self, observation: Observation, episode_start: Tensor, tensors: Tensors
    ) -> PolicyDecision:
        shown = channels_first(observation, self.actor.observation_space)
        mean, log_std, _ = self.actor.get_action_dist_params(shown)
        says = {MEAN: self._bounds.unscaled(mean.tanh())}
        if self.noise is not None:
            # To first order: tanh' = 1 - tanh^2.
            slope = self._bounds.half_width * (1 - mean.tanh().square())
            says[DEVIATION] = slope * log_std.exp()
            mean = mean + log_std.exp() * tensors[NOISE]
        return PolicyDecision(self._bounds.unscaled(mean.tanh()), {}, says)


class GreedyGraph(PolicyGraph):
    """The policy of DQN: the best action, or with a small probability any."""

    def __init__(self, network: Any, exploration: float) -> None:
        super().__init__()
        self.network, self._threshold = network, 1 - exploration
        self._choices = int(network.action_space.n)
        self.noise = floats(NOISE, GREEDY.format(threshold=f"{self._threshold:g}"), 2)
        self.noise_kind, self.says = "uniform", _probabilities(self._choices)

    def decide(
        self, observation: Observation, episode_start: Tensor, tensors: Tensors
    ) -> PolicyDecision:
        shown = channels_first(observation, self.network.observation_space)
        best = self.network(shown).argmax(-1)
        explores, choice = tensors[NOISE].unbind(-1)
        other = (choice * self._choices).floor().clamp(0, self._choices - 1).to(torch.int64)
        chosen = torch.where(explores > self._threshold, other, best)
        greedy = functional.one_hot(best, self._choices).to(torch.float32)
        shares = (1 - self._threshold) / self._choices + self._threshold * greedy
        return PolicyDecision(chosen, {}, {PROBABILITIES: shares})


class Bounds(nn.Module):
    """Brings numbers into the bounds of a Box; a Discrete space has none."""

    low: Tensor
    high: Tensor

    def __init__(self, space: spaces.Space[Any]) -> None:
        super().__init__()
        bounds = (space.low, space.high) if isinstance(space, spaces.Box) else ((), ())
        for name, bound in zip(("low", "high"), bounds, strict=True):
            self.register_buffer(name, torch.as_tensor(bound, dtype=torch.float32))

    def forward(self, actions: Tensor) -> Tensor:
        """Return actions (N, A), clipped."""
        return torch.minimum(torch.maximum(actions, self.low), self.high)

    def unscaled(self, actions: Tensor) -> Tensor:
        """Return actions (N, A) in [-1, 1], scaled to the bounds."""
        return self.low + 0.5 * (actions + 1.0) * (self.high - self.low)

    @property
    def half_width(self) -> Tensor:
        """Half of the way from the lower to the upper bound of each axis, (A,)."""
        return 0.5 * (self.high - self.low)


def policy_graph(model: BaseAlgorithm, algorithm: AlgorithmName) -> PolicyGraph:
    """Return the policy of `model`, which `algorithm` has trained."""
    policy: Any = model.policy
    if hasattr(policy, "q_net"):
        return GreedyGraph(policy.q_net, float(getattr(model, "exploration_rate", 0.0)))
    if hasattr(policy, "actor"):
        return SquashedGraph(policy.actor)
    return ActorCriticGraph(policy, ALGORITHMS[algorithm].recurrent)


def channels_first(observation: Observation, space: spaces.Space[Any]) -> Observation:
    """Return what `space` has of `observation`, images as it has them, as `predict` does."""
    if isinstance(observation, dict):
        assert isinstance(space, spaces.Dict)
        return {key: _as_shown(observation[key], part) for key, part in space.items()}
    return _as_shown(observation, space)


def _as_shown(part: Tensor, space: spaces.Space[Any]) -> Tensor:
    is_image = part.ndim == 4 and tuple(part.shape[1:]) != space.shape
    return part.permute(0, 3, 1, 2) if is_image else part


def _probabilities(choices: int) -> tuple[TensorSpec, ...]:
    return (floats(PROBABILITIES, "of each choice", choices),)


def _gaussian(shape: tuple[int, ...], has_deviation: bool) -> tuple[TensorSpec, ...]:
    names = (MEAN, DEVIATION) if has_deviation else (MEAN,)
    return tuple(floats(name, f"{name} of each axis", *shape) for name in names)
