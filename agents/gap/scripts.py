"""The usual scripted policies of an action space, their names, and how they were collected.

For Discrete(n), n > 1, and for every Box there are at least 20 of them (`usual_scripts`):

- each of up to nine basic actions, always: those of a Discrete space, or the middle of a Box and
  the two ends of up to four axes, with the other axes in the middle;
- the principal pair (the last two actions of a Discrete space, the ends of a Box's first axis) in
  turn, each for 2, 12, 20, 30 or 60 decisions, for 12 or 30 with a fifth and with half of noise,
  and unequally long; up to two other pairs in turn, each for 12;
- the same pair with a wait (another action; in a Box its middle) after each of its actions;
- all basic actions in turn, each for 5, 12 or 30 decisions;
- random actions held for 10 or 30 decisions, smooth ones, uniformly random ones.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agents.config.gap import Action, Script
from worldvae.envs.actions import ActionSpace, agent_space
from worldvae.errors import ConfigError
from worldvae.indices import evenly
from worldvae.rollouts.config import RolloutConfig

MOST_ACTIONS = 9
MOST_AXES = 4
OTHER_PAIRS = 2
TURNS = (2, 12, 20, 30, 60)
NOISY_TURNS = (12, 30)
NOISE = (0.2, 0.5)
UNEQUAL = ((30, 10), (10, 30), (12, 4), (4, 12))
WAITS = ((12, 4), (12, 12), (20, 20), (30, 10))
ROUNDS = (5, 12, 30)
HELD = (10, 30)
STICKY = 0.95


def usual_scripts(space: spaces.Space[Any], rollouts: RolloutConfig) -> tuple[Script, ...]:
    """Return the scripts that this module's description lists, none of them twice.

    `rollouts` says how smooth the smooth actions are.
    """
    acting = agent_space(space)
    basic, pairs, wait = basic_actions(acting), _pairs(acting), _wait(acting)
    scripts = [Script(cycle=(action,)) for action in basic]
    for pair in pairs[:1]:
        scripts += [Script(cycle=pair, every=turn) for turn in TURNS]
        scripts += [
            Script(cycle=pair, every=turn, noise=noise) for noise in NOISE for turn in NOISY_TURNS
        ]
        scripts += [Script(cycle=pair, every=turns) for turns in UNEQUAL]
        if wait is not None:
            cycle = (pair[0], wait, pair[1], wait)
            scripts += [Script(cycle=cycle, every=(*turns, *turns)) for turns in WAITS]
    scripts += [Script(cycle=pair, every=12) for pair in pairs[1 : 1 + OTHER_PAIRS]]
    if len(basic) > 2:
        scripts += [Script(cycle=tuple(basic), every=turn) for turn in ROUNDS]
    scripts += [Script(held=turn) for turn in HELD]
    scripts += [Script(random=True), Script(smooth=rollouts.autocorrelation), Script(smooth=STICKY)]
    return tuple(dict.fromkeys(scripts))


def basic_actions(space: ActionSpace) -> list[Action]:
    """Return up to nine actions of a policy's space that span it."""
    if isinstance(space, spaces.Discrete):
        return [int(action) for action in evenly(int(space.n), MOST_ACTIONS)]
    ends = [end for axis in _axes(space) for end in _ends(space, axis)]
    return [_numbers(_middle(space)), *ends]


def check_script(script: Script, space: ActionSpace) -> None:
    """Raise ConfigError unless the actions of `script` are in `space`, a policy's space."""
    for action in script.cycle or ():
        if isinstance(space, spaces.Discrete):
            fits = isinstance(action, int) and 0 <= action < space.n
        else:
            given = None if isinstance(action, int) else np.array(action, space.dtype)
            fits = given is not None and given.shape == space.shape and space.contains(given)
        if not fits:
            raise ConfigError(f"gap.policies: {action} is no action of {space}")


def name_of_script(script: Script, space: ActionSpace) -> str:
    """Return a short name, such as "1, 2 in turn, 12 each, noise 0.2"."""
    noise = f", noise {script.noise:g}" if script.noise else ""
    return f"{_kind(script, space)}{noise}"


def collected_as(script: Script, rollouts: RolloutConfig) -> str | None:
    """Return the policy of `rollouts` whose play includes that of `script`; None if none does.

    `sweep` holds an action, or two in turn equally long, for as long and with as much noise as its
    settings say. A single action for ever is counted as its sweeps, which hold one for long.
    """
    if script.random:
        return "random"
    if script.smooth is not None:
        same = script.smooth == rollouts.autocorrelation and not script.noise
        return "smooth" if same else None
    if script.noise not in rollouts.sweep_noise:
        return None
    least, most = rollouts.held
    if script.cycle is None:
        # One number for a whole episode: a sweep changes its own only between episodes.
        fixed, longest = script.bounds
        return "sweep" if fixed == longest and least <= fixed <= most else None
    durations = set(script.durations)
    if len(script.cycle) == 1:
        return "sweep"
    is_sweep = len(script.cycle) == 2 and len(durations) == 1
    return "sweep" if is_sweep and least <= min(durations) <= most else None


def _pairs(space: ActionSpace) -> list[tuple[Action, Action]]:
    """Return pairs of basic actions, the principal one first."""
    if isinstance(space, spaces.Box):
        return [_ends(space, axis) for axis in _axes(space)]
    every = list(combinations(basic_actions(space), 2))
    neighbours = list(pairwise(basic_actions(space)))
    return list(dict.fromkeys([*reversed(neighbours), *every]))


def _wait(space: ActionSpace) -> Action | None:
    """Return the action between those of the principal pair; None if there is no third."""
    if isinstance(space, spaces.Box):
        return _numbers(_middle(space))
    return 0 if space.n > 2 else None


def _axes(space: spaces.Box) -> list[int]:
    return [int(axis) for axis in evenly(int(np.prod(space.shape)), MOST_AXES)]


def _middle(space: spaces.Box) -> NDArray[np.float64]:
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    return np.asarray(low + (high - low) / 2)


def _ends(space: spaces.Box, axis: int) -> tuple[Action, Action]:
    low, high = _middle(space), _middle(space)
    low[axis], high[axis] = space.low[axis], space.high[axis]
    return _numbers(low), _numbers(high)


def _numbers(action: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(number) for number in action)


def _kind(script: Script, space: ActionSpace) -> str:
    if script.random:
        return "random"
    if script.smooth is not None:
        return f"smooth {script.smooth:g}"
    if script.cycle is None:
        least, most = script.bounds
        return f"random, held {least}" + (f" to {most}" if most > least else "")
    words = [_word(action, space) for action in script.cycle]
    if len(words) == 1:
        return f"always {words[0]}"
    if len(set(script.durations)) == 1:
        return f"{', '.join(words)} in turn, {script.durations[0]} each"
    return ", ".join(
        f"{word} for {held}" for word, held in zip(words, script.durations, strict=True)
    )


def _word(action: Action, space: ActionSpace) -> str:
    """Return an action in words: its number, or what is not in the middle of a Box."""
    if isinstance(action, int) or not isinstance(space, spaces.Box):
        return str(action)
    middle = _middle(space)
    moved = [axis for axis, number in enumerate(action) if number != middle[axis]]
    if not moved:
        return "middle"
    if len(moved) > 2:
        return f"({', '.join(f'{number:.3g}' for number in action)})"
    return " ".join(f"axis {axis} {action[axis]:+.3g}" for axis in moved)
