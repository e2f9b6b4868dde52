"""What a vector environment knows is found through the wrappers around it."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.wrappers.vector import RecordEpisodeStatistics, TransformAction

from worldvae.envs import EnvConfig, make_vec
from worldvae.envs.vector import action_space_of

ODD = EnvConfig(**{"id": "odd/Odd-v0", "import": "tests.odd"})


def made(actions: str) -> Any:
    return make_vec(ODD.model_copy(update={"kwargs": {"actions": actions}}), 1, 0)


def test_rollouts_store_the_actions_of_the_environment_whatever_wraps_it() -> None:
    env = made("from below")
    own = action_space_of(env)
    assert own != env.single_action_space
    assert action_space_of(RecordEpisodeStatistics(env)) == own


def test_actions_that_a_wrapper_changes_are_stored_as_the_policy_chose_them() -> None:
    chosen = spaces.Discrete(2)
    env = TransformAction(made("from below"), np.negative, single_action_space=chosen)
    assert action_space_of(env) == chosen
