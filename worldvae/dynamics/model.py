"""Dynamics of latents: what they remember, what they imagine, and the loss they learn by.

Action a_t, taken at code x_t, leads to the reward r_t, to an end or none, and to x_{t+1}. The
memory h_t knows all codes and actions before t and nothing of x_t; h_0 is zero and
h_{t+1} = core(h_t, x_t, a_t). The heads predict r_t, the end and x_{t+1} - x_t from h_{t+1} and
x_t. So the memory that an agent observes beside x_t is the same in reality, where x_t comes from
the encoder, and in a dream, where it was sampled (Ha & Schmidhuber, 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from worldvae.dynamics.dynamics_files import DynamicsModelConfig, KeyUnits
from worldvae.dynamics.free_running import TrainingSpread, free_metrics
from worldvae.dynamics.heads import ValuesHead
from worldvae.dynamics.key_units import choices_of
from worldvae.dynamics.losses import member_losses
from worldvae.dynamics.member import Change, Member, end_probability
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.sequences import SequenceBatch
from worldvae.dynamics.state import DynamicsState, Prediction, Step
from worldvae.dynamics.units import Units
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch


class Dynamics(nn.Module):
    """Latent dynamics of an environment: a recurrent memory with probabilistic predictions.

    `members` networks see the same and predict each on its own; agents observe the memory of the
    first.
    """

    change_scale: Tensor
    code_scale: Tensor
    reward_scale: Tensor
    end_rate: Tensor

    def __init__(self, config: DynamicsModelConfig, units: Units | None = None, seed: int = 0):
        super().__init__()
        self.config = config
        network = config.network
        self.latents, self.keys = config.latents, config.keys
        self.action_size, self.memory_size = config.action_size, network.memory
        units = units or Units.neutral(config.latents, config.keys, network.bins)
        sizes = config.latents, config.keys, config.action_size
        with seeded_torch(derive(seed, "weights")):
            members = [Member(network, *sizes, units) for _ in range(network.members)]
        self.members = nn.ModuleList(members)
        self.register_buffer("change_scale", units.change.clone())
        self.register_buffer("code_scale", torch.tensor(units.code_std))
        self.register_buffer("reward_scale", torch.tensor(units.reward_std))
        self.register_buffer("end_rate", torch.tensor(units.end_rate))
        self.begin()

    def begin(self) -> None:
        """Let what untrained weights predict be as common as in training, whatever is read."""
        for index in range(len(self.members)):
            self._member(index).begin(float(self.end_rate), self.config.objective.end_weight)

    def go_on_from(self, before: Dynamics) -> None:
        """Take the weights of `before`, and the scale of changes that they know.

        A head of values that the units of this model go beyond begins anew with these. Scales that
        only judge errors, and the range of keys, are this model's, too. Both must be of the same
        layers and sizes.
        """
        state = before.state_dict()
        own = "code_scale", "reward_scale", "end_rate", "key_range"
        state |= {name: held for name, held in self.named_buffers() if name.endswith(own)}
        for name, head in self.named_modules():
            if isinstance(head, ValuesHead):
                after = head.after(before.get_submodule(name))
                state |= {f"{name}.{key}": value for key, value in after.items()}
        self.load_state_dict(state, strict=True)

    def know(self, keys: Sequence[KeyUnits]) -> None:
        """Let one number of each of the `keys` that are one-hot be on in what is imagined.

        Draws of each number by itself would let none be on, or two, where chance decides.
        """
        for index in range(len(self.members)):
            self._member(index).choices = choices_of(keys)

    @property
    def code_size(self) -> int:
        """D, the numbers of a code."""
        return self.latents + self.keys

    def initial(self, n: int) -> DynamicsState:
        """Return the state of N courses in which nothing was seen yet."""
        carried = self.change_scale.new_zeros(len(self.members), n, self._member(0).cell.carried)
        return DynamicsState(carried, self.change_scale.new_zeros(n, self.code_size))

    def observe(
        self, state: DynamicsState, code: Tensor, actions: Tensor, episode_start: Tensor
    ) -> DynamicsState:
        """Take in the codes (N, D) that the actions (N, A) led to.

        Where `episode_start` (N,) is true, a code is the first of an episode: all before it is
        forgotten, and the action means nothing.
        """
        carried = self._remember(state, actions)
        carried = carried.masked_fill(episode_start[:, None], 0.0)
        return DynamicsState(carried, code)

    def imagine(
        self,
        state: DynamicsState,
        actions: Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        members: Tensor | None = None,
    ) -> tuple[DynamicsState, Step]:
        """Imagine what the actions (N, A) lead to.

        `members` (N,) says which network each course follows, None the first. At a temperature of 0
        latents are the mode; ends and keys are drawn with their probabilities at any temperature.
        """
        noise = Noise(generator)
        carried, predictions = self.foresee(state, actions)
        drawn = [
            self._member(k).drawn(state.code, one.change, noise, temperature)
            for k, one in enumerate(predictions)
        ]
        reward = _chosen([one.reward for one in predictions], members)
        probability = _chosen([one.end_probability for one in predictions], members)
        code = _chosen(drawn, members)
        step = Step(
            code=code,
            reward=reward,
            end_probability=probability,
            terminated=noise.uniform(len(code)) < probability,
            disagreement=self.disagreement(predictions),
        )
        return DynamicsState(carried, code), step

    def predict(self, state: DynamicsState, actions: Tensor, member: int = 0) -> Prediction:
        """Return what one member predicts of the actions (N, A), from which `imagine` draws."""
        carried = self._remember(state, actions)[member]
        return self._predict(member, carried, state.code, actions)

    def foresee(self, state: DynamicsState, actions: Tensor) -> tuple[Tensor, list[Prediction]]:
        """Return what is carried after the actions (N, A), and what each of K members predicts.

        What is carried is (K, N, C).
        """
        carried = self._remember(state, actions)
        members = range(len(self.members))
        return carried, [self._predict(k, carried[k], state.code, actions) for k in members]

    def moved(self, code: Tensor, change: Tensor) -> Tensor:
        """Return the code (N, D) after a change; keys stay within what training has seen."""
        return self._member(0).moved(code, change)

    @property
    def key_range(self) -> Tensor:
        """The least and the greatest value of each key in training: (2, X)."""
        return self._member(0).key_range

    @property
    def usual_key_changes(self) -> Tensor:
        """The median size of the changes of each key in training: (X,), in its deviations.

        0: it never changes.
        """
        head = self._member(0).keys
        if head is None:
            return self.change_scale.new_zeros(0)
        return head.known.usual_sizes()

    @property
    def usual_reward(self) -> float:
        """The median size of the rewards in training that are not 0; 0: there are none."""
        return float(self._member(0).reward.known.usual_sizes())

    def memory(self, state: DynamicsState) -> Tensor:
        """Return the memory that an agent observes, normalised over its M numbers: (N, M)."""
        output = self._member(0).cell.output(state.carried[0])
        return functional.layer_norm(output, (self.memory_size,))

    def end_probability(self, logits: Tensor) -> Tensor:
        """Return the probability of an end, of logits that count ends `end_weight` times."""
        return end_probability(logits, self.config.objective.end_weight)

    def loss(
        self, batch: SequenceBatch, generator: torch.Generator, step: int | Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the mean cost of a decision in nats: of its latents, its reward, end and keys.

        Ends and the other events count by their weights of the objective, once where latents are
        read and once more, by `own_samples`, where the dynamics run on their own.

        In an evaluation (`step` None) the metric `loss` is the error of running freely, so that
        the weights that dream best are kept; it is left out where nothing runs freely.
        """
        noise, objective = Noise(generator), self.config.objective
        networks = [self._member(index) for index in range(len(self.members))]
        parts = [member_losses(one, objective, batch, noise) for one in networks]
        means = {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
        loss = means.pop("loss")
        metrics = {name: value.detach() for name, value in means.items()}
        if step is None:
            spread = TrainingSpread(self.code_scale, self.reward_scale, self.end_rate)
            return loss, metrics | free_metrics(networks, objective, batch, noise, spread)
        return loss, {"loss": loss.detach(), **metrics}

    def _remember(self, state: DynamicsState, actions: Tensor) -> Tensor:
        """Return what is carried after the actions (N, A): (K, N, C)."""
        inputs = torch.cat([state.code, actions], -1)
        cells = [self._member(k).cell for k in range(len(self.members))]
        return torch.stack([cell(inputs, state.carried[k]) for k, cell in enumerate(cells)])

    def _predict(self, member: int, carried: Tensor, code: Tensor, actions: Tensor) -> Prediction:
        network = self._member(member)
        features = network.features(carried, code, actions)
        events = network.events(features)
        return Prediction(
            change=Change(network.latent_changes(features), events.keys),
            reward=network.reward.mean(events.reward),
            end_probability=self.end_probability(events.end),
        )

    def disagreement(self, predictions: list[Prediction]) -> Tensor:
        """Return how the changes that members expect deviate, in deviations of a change: (N,)."""
        if len(predictions) == 1:
            return torch.zeros_like(predictions[0].reward)
        means = torch.stack([one.change.mean() for one in predictions]) / self.change_scale
        return means.var(0, correction=0).mean(-1).sqrt()

    def _member(self, index: int) -> Member:
        member = self.members[index]
        assert isinstance(member, Member)
        return member


def _chosen(values: list[Tensor], members: Tensor | None) -> Tensor:
    """Return what the member of each course says: K times (N, ...) -> (N, ...)."""
    if members is None or len(values) == 1:
        return values[0]
    return torch.stack(values)[members, torch.arange(len(members), device=members.device)]
