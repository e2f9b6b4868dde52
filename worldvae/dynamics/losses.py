"""What dynamics learn by: the cost of decisions in nats, of each network alone."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from worldvae.dynamics.config import DynamicsObjective
from worldvae.dynamics.masks import masked_mean
from worldvae.dynamics.member import Member
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.sequences import SequenceBatch


def member_losses(
    network: Member, objective: DynamicsObjective, batch: SequenceBatch, noise: Noise
) -> dict[str, Tensor]:
    """Return the mean cost of a decision as `loss`, and its parts, each a scalar."""
    given = _blurred(network, objective, batch, noise)
    start = given.new_zeros(len(batch), network.cell.carried)
    carried = network.read(given, batch.actions, start)
    features = network.features(carried, given, batch.actions)
    # From what was read to what is true, so that noise is taken off again.
    true, _ = network.split(batch.mean[:, 1:] - given)
    nll = -network.latent_changes(features).log_prob(true).sum(-1)
    parts = {"nll": masked_mean(nll, batch.targets)}
    parts |= _events(network, objective, features, batch)
    total = parts["nll"] + _weighted(objective, parts)
    rest = batch.after(objective.observed)
    if objective.own_samples and len(rest.rewards[0]):
        # Of what was carried (B, W, C) after the observed steps, and of the code that was read.
        late = carried[:, objective.observed - 1], given[:, objective.observed]
        features, _ = network.run_freely(*late, rest.actions, noise)
        own = _events(network, objective, features, rest)
        parts |= {f"own_{name}": value for name, value in own.items()}
        total = total + objective.own_samples * _weighted(objective, own)
    return {"loss": total, **parts}


def _weighted(objective: DynamicsObjective, parts: dict[str, Tensor]) -> Tensor:
    total = objective.reward_weight * parts["reward"] + parts["end"]
    return total + objective.key_weight * parts["keys"] if "keys" in parts else total


def _events(
    network: Member, objective: DynamicsObjective, features: Tensor, batch: SequenceBatch
) -> dict[str, Tensor]:
    """Return the costs of rewards, ends and keys, in nats a decision; the labels are true."""
    events = network.events(features)
    reward = network.reward.cross_entropy(events.reward, batch.rewards)
    end = end_costs(events.end, batch.terminated.float(), objective.end_weight)
    parts = {"reward": masked_mean(reward, batch.valid), "end": masked_mean(end, batch.valid)}
    if events.keys is not None:
        _, change = network.split(batch.mean[:, 1:] - batch.mean[:, :-1])
        cost = -events.keys.log_prob(change).sum(-1)
        parts["keys"] = masked_mean(cost, batch.targets)
    return parts


def end_costs(logits: Tensor, ends: Tensor, weight: float) -> Tensor:
    """Return the weighted cross-entropy of ends (...) in nats: each end counts `weight` times."""
    return functional.binary_cross_entropy_with_logits(
        logits, ends, pos_weight=logits.new_full((), weight), reduction="none"
    )


def _blurred(
    network: Member, objective: DynamicsObjective, batch: SequenceBatch, noise: Noise
) -> Tensor:
    """Return the codes (B, W, D) that are read: in training, with noise."""
    codes = batch.mean[:, :-1]
    if not network.training:
        return codes
    if objective.sample_codes:
        # A latent of no information is whitened to deviations of ten, and would drown the rest.
        deviation = batch.deviation[:, :-1].clamp(max=1.0)
        codes = codes + deviation * noise.normal(*codes.shape)
    if objective.input_noise:
        codes = codes + objective.input_noise * noise.normal(*codes.shape)
    return codes
