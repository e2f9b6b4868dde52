"""The scripted policies: what they are in each action space, how they act, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from pydantic import ValidationError

from agents.config.gap import GapConfig, Script
from agents.gap.scripted import make_scripted
from agents.gap.scripts import check_script, collected_as, name_of_script, usual_scripts
from tests.agents.gap.synthetic import ROLLOUTS
from worldvae.envs.actions import agent_space
from worldvae.errors import ConfigError

SPACES = [
    spaces.Discrete(2),
    spaces.Discrete(3, start=5),
    spaces.Discrete(18),
    spaces.Discrete(5_000),
    spaces.Box(-1, 1, (1,), np.float32),
    spaces.Box(np.array([0, -2], np.float32), np.array([1, 7], np.float32)),
    spaces.Box(-1, 1, (17,), np.float32),
    spaces.Box(0, 9, (2, 2), np.int64),
]


def played(script: Script, space: Any, decisions: int, starts: dict[int, list[int]]) -> Any:
    """The actions of two environments, in which episodes start at decision 0 and at `starts`."""
    policy = make_scripted(script, space, np.random.default_rng(0))
    taken = []
    for decision in range(decisions):
        start = [decision == 0 or env in starts.get(decision, []) for env in range(2)]
        taken.append(policy(None, np.array(start)))
    return np.stack(taken, 1)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_every_space_has_at_least_twenty_usual_policies_that_act_in_it(space: Any) -> None:
    scripts, acting = usual_scripts(space, ROLLOUTS), agent_space(space)
    assert 20 <= len(scripts) <= 40
    names = [name_of_script(script, acting) for script in scripts]
    assert len(set(scripts)) == len(set(names)) == len(scripts)
    new = sum(collected_as(script, ROLLOUTS) is None for script in scripts)
    assert new >= 8, "kinds that no rollouts hold"
    for script in scripts:
        for action in played(script, space, 3, {})[0]:
            assert acting.contains(np.asarray(action, acting.dtype)[()])


def test_one_action_has_few_policies_and_no_pairs() -> None:
    scripts = usual_scripts(spaces.Discrete(1), ROLLOUTS)
    assert len(scripts) == 6
    assert not [script for script in scripts if len(script.cycle or ()) > 1]


def test_a_cycle_begins_anew_with_each_episode() -> None:
    script = Script(cycle=(2, 0, 1), every=(2, 1, 3))
    actions = played(script, spaces.Discrete(3), 8, {4: [1]})
    assert actions[0].tolist() == [2, 2, 0, 1, 1, 1, 2, 2]
    assert actions[1].tolist() == [2, 2, 0, 1, 2, 2, 0, 1]


def test_numbers_of_a_box_are_taken_as_they_are() -> None:
    space = spaces.Box(np.array([0, -2], np.float32), np.array([1, 7], np.float32))
    actions = played(Script(cycle=((0.5, -2.0), (1.0, 7.0))), space, 3, {})
    assert actions[0].tolist() == [[0.5, -2.0], [1.0, 7.0], [0.5, -2.0]]


def test_random_actions_are_held_for_as_long_as_is_said() -> None:
    actions = played(Script(held=4), spaces.Discrete(1_000), 13, {6: [1]})
    assert [len(set(actions[0][at : at + 4].tolist())) for at in (0, 4, 8)] == [1, 1, 1]
    assert len(set(actions[0].tolist())) == 4
    changed = np.flatnonzero(np.diff(actions[1])) + 1
    assert changed.tolist() == [4, 6, 10], "a new episode draws a new action"


def test_held_between_two_numbers_lasts_between_them() -> None:
    actions = played(Script(held=(2, 5)), spaces.Discrete(10**6), 4_000, {})[0]
    lengths = np.diff(np.flatnonzero(np.diff(actions, prepend=-1)))
    assert set(lengths.tolist()) == {2, 3, 4, 5}
    assert lengths.mean() == pytest.approx(3.5, abs=0.15)


def test_noise_replaces_its_share_of_decisions() -> None:
    actions = played(Script(cycle=(0,), noise=0.3), spaces.Discrete(1_000), 4_000, {})
    assert (actions == 0).mean() == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (Script(random=True), "random"),
        (Script(smooth=0.8), "smooth"),
        (Script(smooth=0.9), None),
        (Script(cycle=(1,)), "sweep"),
        (Script(cycle=(1, 2), every=30, noise=0.2), "sweep"),
        (Script(cycle=(1, 2), every=30, noise=0.3), None),
        (Script(cycle=(1, 2), every=2), None),
        (Script(cycle=(1, 2), every=61), None),
        (Script(cycle=(1, 2), every=(30, 10)), None),
        (Script(cycle=(1, 0, 2), every=30), None),
        (Script(held=10), "sweep"),
        (Script(held=(3, 60)), None),
    ],
    ids=str,
)
def test_what_the_rollouts_played(script: Script, kind: str | None) -> None:
    assert collected_as(script, ROLLOUTS) == kind


@pytest.mark.parametrize(
    ("script", "space", "name"),
    [
        (Script(cycle=(1,)), spaces.Discrete(3), "always 1"),
        (Script(cycle=(1, 2), every=12, noise=0.2), spaces.Discrete(3), "1, 2 in turn, 12 each, "),
        (Script(cycle=(1, 0), every=(9, 2)), spaces.Discrete(3), "1 for 9, 0 for 2"),
        (Script(cycle=((0.0, 1.0),)), spaces.Box(-1, 1, (2,)), "always axis 1 +1"),
        (Script(held=(3, 60)), spaces.Discrete(3), "random, held 3 to 60"),
    ],
)
def test_names(script: Script, space: Any, name: str) -> None:
    assert name_of_script(script, space).startswith(name)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs just one of cycle, held, smooth and random"),
        ({"random": True, "held": 3}, "needs just one of cycle, held, smooth and random"),
        ({"held": 3, "every": 2}, "every has a place beside cycle only"),
        ({"cycle": [1, 2], "every": [3]}, "every needs one number, or one for each action"),
        ({"held": [9, 3]}, "held for at least 1 decision, the smaller number first"),
        ({"cycle": [1], "every": 0}, "held for at least 1 decision"),
        ({"cycle": [1], "every": 10**6}, "held for at most 10,000 decisions"),
        ({"cycle": []}, "at least 1 item"),
        ({"cycle": [1], "noise": 1.0}, "less than 1"),
    ],
    ids=str,
)
def test_a_script_that_says_nothing_clear_is_refused(values: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Script.model_validate(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"usual": False, "agents": False}, "nothing plays"),
        ({"temperatures": [1, 1.0]}, "holds one of them twice"),
        ({"temperatures": [-1]}, "greater than or equal to 0"),
        ({"episodes": 1}, "greater than or equal to 2"),
        ({"seed": 2**31 - 1}, "less than or equal to"),
    ],
    ids=str,
)
def test_a_gap_of_nothing_is_refused(values: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GapConfig.model_validate(values)


@pytest.mark.parametrize(
    ("action", "space"),
    [
        (3, spaces.Discrete(3)),
        ((0.5,), spaces.Discrete(3)),
        (1, spaces.Box(-1, 1, (2,))),
        ((0.0, 2.0), spaces.Box(-1, 1, (2,))),
        ((0.0,), spaces.Box(-1, 1, (2,))),
    ],
    ids=str,
)
def test_an_action_outside_of_the_space_is_refused(action: Any, space: Any) -> None:
    with pytest.raises(ConfigError, match=r"gap\.policies: .* is no action of"):
        check_script(Script(cycle=(action,)), space)
