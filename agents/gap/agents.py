"""Agents of a run that play in both worlds: those that observe latents and memory.

In reality they observe them through encoder and dynamics; a dream shows both already. An agent
whose memory is that of other dynamics cannot see this dream, nor one that observes frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from agents.arms.registry import ARMS
from agents.gap.competitors import Competitor
from agents.gap.gap_file import Promise, WorldName
from agents.policy.agent import Agent
from agents.run.agent_card import AGENT_CARD, AgentCard, read_card
from agents.run.agent_files import agent_folders, is_finished
from agents.run.agent_result import EVALUATIONS
from worldvae.errors import WorldvaeError
from worldvae.rollouts.policies import Policy
from worldvae.wrappers.observer import Observer


def find_dreamers(
    run: Path, dynamics_sha256: str, deterministic: bool
) -> tuple[list[Competitor], list[str]]:
    """Return the finished agents of a run that can play in a dream of these dynamics.

    Also returns a line for each agent with memory that cannot, and for each that is damaged, which
    says why. `deterministic`
    agents take the mode of their policy.
    """
    competitors, skipped = list[Competitor](), list[str]()
    for folder in _folders(run):
        try:
            card = read_card(folder)
        except WorldvaeError as error:  # one damaged agent does not keep the others from playing
            skipped.append(str(error))
            continue
        if not ARMS[card.arm].has_memory:
            continue
        reason = _refusal(folder, card, dynamics_sha256)
        if reason:
            skipped.append(f"{_name(card)} {reason}")
        else:
            competitors.append(_competitor(folder, card, deterministic))
    return competitors, skipped


def read_promises(run: Path) -> Iterator[Promise]:
    """Yield what the dream promised each agent that trained in it, and what reality gave.

    Both are means over episodes from the moments of evaluation during training.
    """
    for folder in _folders(run):
        with suppress(WorldvaeError):  # `find_dreamers` tells of damage
            card = read_card(folder)
            if ARMS[card.arm].trains_in_dream:
                yield from _promises(folder, _name(card))


def _promises(folder: Path, name: str) -> Iterator[Promise]:
    for line in EVALUATIONS.read(folder):
        if line.promised and line.returns:
            yield Promise(
                agent=name,
                env_steps=line.trained_steps,
                real=line.score,
                dream=float(np.mean(line.promised)),
                episodes=len(line.promised),
            )


def _folders(run: Path) -> list[Path]:
    """Return the folders of all agents that have a card, the smallest seed of each arm first."""
    return [path for path in agent_folders(run) if AGENT_CARD.exists(path)]


def _refusal(folder: Path, card: AgentCard, dynamics_sha256: str) -> str:
    """Return why an agent cannot play, "" if it can."""
    if card.dynamics_sha256 != dynamics_sha256:
        return "remembers by other dynamics"
    return "" if is_finished(folder) else "is not finished"


def _competitor(folder: Path, card: AgentCard, deterministic: bool) -> Competitor:
    def make(world: WorldName) -> Policy:
        agent = Agent.load(folder, deterministic=deterministic)
        if world == "reality":
            return agent
        return Agent(agent.model, agent.arm, Observer(1), card.env.image_key, deterministic)

    return Competitor(
        name=_name(card),
        whose="agent",
        identity={"model": card.model_sha256, "deterministic": deterministic},
        make=make,
        dreamer=ARMS[card.arm].trains_in_dream,
        needs_frames=True,
    )


def _name(card: AgentCard) -> str:
    return f"{card.arm} seed {card.seed}"
