"""How long real episodes may last, so that dreams which are compared with them last as long."""

from __future__ import annotations

from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.envs import EnvConfig
from worldvae.envs.make_raw import decision_limit


def longest_episode(env: EnvConfig, card: DynamicsCard) -> int | None:
    """Return the decisions after which reality truncates; None if no limit is known.

    It is told by the environment's registration or configuration, or shown by the rollouts.
    """
    known = (limit for limit in (decision_limit(env), card.limit) if limit is not None)
    return min(known, default=None)
