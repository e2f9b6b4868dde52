"""Agents of a run that play in both worlds: those that observe latents and memory.

In reality they observe them through encoder and dynamics; a dream shows both already. An agent
whose memory is that of other dynamics cannot see this dream, nor one that observes frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from agents.arms.registry import ARMS
from agents.gap.compare import promise_of
from agents.gap.competitors import Competitor
from agents.gap.gap_file import Promise, WorldName
from agents.policy.agent import Agent
from agents.run.agent_card import AGENT_CARD, AgentCard, read_card
from agents.run.agent_files import agent_folders, is_finished
from agents.run.agent_result import EVALUATIONS
from worldvae.errors import WorldvaeError
from worldvae.rollouts.policies import Policy

FEWEST_EPISODES = 2
"""With fewer an evaluation has no interval."""


def find_dreamers(
    run: Path, dynamics_sha256: str, deterministic: bool
) -> tuple[list[Competitor], list[str]]:
    """Return the finished agents of a run that can play in a dream of these dynamics.

    Also returns a line for each agent with memory that cannot, and for each that is damaged, which
    says why. `deterministic` agents take the mode of their policy.
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


def read_promises(run: Path, dynamics_sha256: str, seed: int) -> Iterator[Promise]:
    """Yield what a dream of these dynamics promised agents, and what reality gave.

    They are the evaluations during training of the agents that train in a dream of these very
    dynamics; other dynamics promise other things. `seed` decides the resamples.
    """
    for folder in _folders(run):
        with suppress(WorldvaeError):  # `find_dreamers` tells of damage
            card = read_card(folder)
            if ARMS[card.arm].trains_in_dream and card.dynamics_sha256 == dynamics_sha256:
                yield from _promises(folder, card, seed)


def _promises(folder: Path, card: AgentCard, seed: int) -> Iterator[Promise]:
    for line in EVALUATIONS.read(folder):
        # Each round collects before it refits: after as much as now, the dynamics were these.
        of_this_round = line.refresh_env_steps == card.refresh_env_steps
        fewest = min(len(line.promised), len(line.returns))
        if of_this_round and fewest >= FEWEST_EPISODES:
            yield promise_of(_name(card), line, seed)


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
        return agent if world == "reality" else agent.in_dreams()

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
