"""Who plays in both worlds: scripted policies, and agents of the run that can see a dream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gymnasium import spaces

from agents.config.gap import GapConfig, Script
from agents.gap.gap_file import Whose, WorldName
from agents.gap.scripted import make_scripted
from agents.gap.scripts import check_script, collected_as, name_of_script, usual_scripts
from worldvae.envs.actions import agent_space
from worldvae.rollouts.config import RolloutConfig
from worldvae.rollouts.policies import Policy
from worldvae.seeding import numpy_stream


@dataclass(frozen=True)
class Competitor:
    """A policy that plays in reality and in the dream."""

    name: str
    whose: Whose
    identity: dict[str, Any]
    """All that decides how it acts, in values of JSON."""
    make: Callable[[WorldName], Policy]
    """Returns it at the start of its play in a world."""
    collected_as: str | None = None
    """The policy of the rollouts that plays like it."""
    dreamer: bool = False
    """Whether it was trained in the dream."""
    needs_frames: bool = False
    """Whether it looks at what reality shows."""


def scripted_competitors(
    config: GapConfig,
    space: spaces.Space[Any],
    rollouts: RolloutConfig,
    collected: Collection[str],
    seed: int,
) -> list[Competitor]:
    """Return the usual scripted policies and those that `config` names, none of them twice.

    Args:
        config: Which of them play.
        space: The environment's own action space.
        rollouts: How the rollouts' policies play.
        collected: The names of the policies that the rollouts hold episodes of.
        seed: Decides the random actions.

    Raises ConfigError for a script whose actions are not in the space.
    """
    acting = agent_space(space)
    for script in config.policies:
        check_script(script, acting)
    usual = usual_scripts(space, rollouts) if config.usual else ()
    scripts: Sequence[Script] = tuple(dict.fromkeys((*usual, *config.policies)))
    return [
        _scripted(script, name_of_script(script, acting), space, rollouts, collected, seed)
        for script in scripts
    ]


def _scripted(
    script: Script,
    name: str,
    space: spaces.Space[Any],
    rollouts: RolloutConfig,
    collected: Collection[str],
    seed: int,
) -> Competitor:
    kind = collected_as(script, rollouts)
    return Competitor(
        name=name,
        whose="scripted",
        identity={
            "script": script.model_dump(mode="json"),
            "actions": str(space),
            "seed": seed,
        },
        make=partial(_make_scripted, script, space, seed, name),
        collected_as=kind if kind in collected else None,
    )


def _make_scripted(
    script: Script, space: spaces.Space[Any], seed: int, name: str, world: WorldName
) -> Policy:
    return make_scripted(script, space, numpy_stream(seed, "gap", name, world))
