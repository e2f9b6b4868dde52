"""The part of the page on agents: those of the run that can see a dream, one for each arm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymnasium import spaces

from agents.arms.registry import ARMS, rank
from agents.config.experiment import Experiment
from agents.explore.actions import ActionNames, action_facts
from agents.explore.agent_graph import SEEN, DreamingAgentGraph
from agents.explore.assets import Asset
from agents.explore.contents import AgentFacts
from agents.explore.dream_part import DreamPart
from agents.export.agent import check_arm_shows_frames
from agents.export.policy import policy_graph
from agents.policy.agent import Agent
from agents.run.agent_card import AGENT_CARD, AgentCard, own_dynamics, own_encoder, read_card
from agents.run.agent_files import agent_folders, is_finished
from agents.video.play import evaluation_settings
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.checkpoint import hash_dynamics, load_dynamics
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.envs import EnvConfig
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.export.dream_observing import (
    GivenLatentsGraph,
    GivenMemoryGraph,
    OtherMemoryGraph,
)
from worldvae.export.observing import FramesGraph, LatentsGraph, ObserverGraph
from worldvae.export.onnx_file import model_bytes
from worldvae.export.remembering import action_spec
from worldvae.export.signature import ACTION, TensorSpec, floats
from worldvae.wording import decisions_later


@dataclass(frozen=True)
class AgentPart:
    """An agent that the page can let play."""

    facts: AgentFacts
    asset: Asset


@dataclass(frozen=True)
class DreamedBy:
    """The artefacts of the codes and dreams that agents are to see."""

    encoder: Encoder
    dream: DreamPart | None
    """None: the run has no dynamics, and agents see codes alone."""
    encoder_sha256: str
    dynamics_sha256: str | None
    names: tuple[str, ...]
    """The environment's own names of choices or axes."""
    env: EnvConfig
    """The task of the codes and dreams."""
    actions: PolicyActions
    """What policies do in it; agents themselves do not know whether it takes whole numbers."""

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        dream: DreamPart | None,
        experiment: Experiment,
        space: spaces.Space[Any],
    ) -> DreamedBy:
        """Return those of the experiment, with the hashes of their folders.

        `space` is that of the actions which rollouts record.
        """
        dynamics = None if dream is None else hash_dynamics(experiment.dynamics_folder)
        names = dream.facts.actions.names if dream else ActionNames.of(experiment.env).names
        sha256, actions = hash_encoder(experiment.encoder_folder), PolicyActions.of(space)
        return cls(encoder, dream, sha256, dynamics, names, experiment.env, actions)

    @property
    def keys(self) -> tuple[KeyUnits, ...]:
        """The vectors that dreams have beside the frame."""
        return () if self.dream is None else self.dream.card.keys


def first_agents(run: Path) -> list[Path]:
    """Return the folder of one agent of each arm: the first seed that is finished, or the first."""
    chosen: dict[str, Path] = {}
    for folder in agent_folders(run):
        if not AGENT_CARD.exists(folder):
            continue
        before = chosen.get(folder.parent.name)
        if before is None or (is_finished(folder) and not is_finished(before)):
            chosen[folder.parent.name] = folder
    return [chosen[arm] for arm in sorted(chosen, key=rank)]


def agent_parts(
    folders: Sequence[Path], seen: DreamedBy, skipped: list[str] | None = None
) -> Iterator[AgentPart]:
    """Yield the agents that can see the dream.

    Why others cannot is appended to `skipped`; without it, it is an ArtifactError.
    """
    for number, folder in enumerate(folders):
        try:
            yield _agent_part(folder, f"agent-{number}", seen)
        except WorldvaeError as error:
            if skipped is None:
                raise
            skipped.append(str(error))


def _agent_part(folder: Path, asset: str, seen: DreamedBy) -> AgentPart:
    card = read_card(folder)
    check_arm_shows_frames(folder, card)
    agent = Agent.load(folder, seen.env)
    _check_keys(folder, agent.model.observation_space, card, seen)
    observer = _observer(folder, card, agent, seen)
    sees_latents = not isinstance(observer, FramesGraph | LatentsGraph)
    if not sees_latents:
        _check_frames(folder, seen.encoder.window.ahead)
    policy = policy_graph(agent.model, card.algorithm)
    graph = DreamingAgentGraph(
        seen=_seen_spec(seen.encoder, sees_latents),
        action=action_spec(seen.actions, ACTION, "what it does"),
        keys=seen.keys,
        image_key=card.env.image_key,
        observer=observer,
        policy=policy,
    )
    facts = AgentFacts(
        asset=asset,
        name=f"{card.arm} {card.seed}",
        sees="latents" if sees_latents else "frame",
        observation=ARMS[card.arm].observation,
        noise=policy.noise_kind,
        noise_size=0 if policy.noise is None else policy.noise.shape[0],
        samples=not evaluation_settings(folder).deterministic,
        trained_steps=card.trained_steps,
        actions=action_facts(seen.actions, seen.names),
    )
    return AgentPart(facts, Asset.weights(asset, model_bytes(graph, f"the agent {facts.name}", {})))


def _observer(folder: Path, card: AgentCard, agent: Agent, seen: DreamedBy) -> ObserverGraph:
    """Return what computes the agent's observation of latents if it can, else of frames."""
    if agent.encode is None:
        return FramesGraph(card.env.frame.shape, card.stack)
    is_same_encoder = hash_encoder(own_encoder(folder, card)) == seen.encoder_sha256
    if not ARMS[card.arm].has_memory:
        if not is_same_encoder:
            return LatentsGraph(agent.encode, card.stack)
        return GivenLatentsGraph(seen.encoder, card.stack, agent.encode.whitens)
    if not is_same_encoder:
        raise ArtifactError(
            f"{folder}: remembers latents of another encoder than the dream's, so it cannot play it"
        )
    if seen.dream is not None and card.dynamics_sha256 == seen.dynamics_sha256:
        return GivenMemoryGraph(seen.dream.dynamics)
    return OtherMemoryGraph(*load_dynamics(own_dynamics(folder, card)))


def _seen_spec(encoder: Encoder, latents: bool) -> TensorSpec:
    if latents:
        return floats(SEEN, "whitened latents", encoder.latents)
    shape = encoder.card.frame.shape
    return TensorSpec(name=SEEN, dtype="uint8", shape=shape, meaning="the decoded frame")


def _check_frames(folder: Path, ahead: int) -> None:
    """Raise ArtifactError if pictures of dreams are not of the moments that they are decoded at."""
    if ahead:
        raise ArtifactError(
            f"{folder}: sees frames, but this run's encoder draws those {decisions_later(ahead)} "
            "(pixels.predict); it cannot play the dream"
        )


def _check_keys(folder: Path, space: spaces.Space[Any], card: AgentCard, seen: DreamedBy) -> None:
    """Raise ArtifactError if the policy observes a key that dreams do not have."""
    if not isinstance(space, spaces.Dict):
        return
    known = {key.name for key in seen.keys} | {card.env.image_key}
    if missing := sorted(set(space.spaces) - known):
        raise ArtifactError(
            f"{folder}: observes {', '.join(missing)}, which the dream lacks; it cannot play"
        )
