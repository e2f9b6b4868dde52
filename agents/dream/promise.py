"""What the dream promises an agent that trains in it, to be held against what reality gives."""

from __future__ import annotations

import warnings

from agents.arms.build import ArmSetup
from agents.policy.agent import Agent
from agents.policy.evaluate import Promised, evaluate
from worldvae.dynamics.checkpoint import read_dynamics_card
from worldvae.dynamics.dream_batch import START
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.limit import longest_episode
from worldvae.dynamics.world import DreamWorld
from worldvae.errors import WorldvaeError

LONGEST_DREAM = 1_000
"""Decisions after which a dream is cut if no limit of the environment is known."""


def promised_returns(
    setup: ArmSetup, agent: Agent, seeds: range, num_envs: int, action_seed: int
) -> Promised:
    """Return what `agent` achieves in a dream from each of `seeds`; nothing if it does not dream.

    The dreams begin at first frames of held-out episodes and last as long as real episodes may,
    however its training dreams begin and end, so that both returns can be compared.
    """
    if not setup.arm.trains_in_dream or setup.dynamics is None:
        return Promised()
    limit = longest_episode(setup.env, read_dynamics_card(setup.dynamics))
    settings = setup.dream.settings.like_reality(limit or LONGEST_DREAM)
    try:
        source = DreamSource.load(
            setup.dynamics, split="test", device=setup.device, **dict(settings)
        )
    except WorldvaeError as error:  # rollouts without a test episode do not end a training
        warnings.warn(f"what the dream promises is not measured: {error}", stacklevel=2)
        return Promised()
    world = DreamWorld(source)
    scores = evaluate(agent.in_dreams(), world, seeds, num_envs, action_seed)
    return Promised(tuple(score.return_ for score in scores), _starts(world, seeds))


def _starts(world: DreamWorld, seeds: range) -> tuple[int, ...]:
    """Return the number of the frame that the dream of each seed begins from."""
    _, info = world.make_vec(len(seeds), seed=0).reset(seed=[*seeds])  # type: ignore[arg-type]
    return tuple(info[START].tolist())
