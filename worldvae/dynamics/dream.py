"""Dreams as environments: real frames to begin from, then what latent dynamics imagine.

Observations are those of an agent with memory in reality, whitened latents and the memory of the
dynamics, so an agent that was trained in one plays in the other (Ha & Schmidhuber, 2018).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from worldvae.dynamics.dream_batch import DreamBatch, Outcome
from worldvae.dynamics.dream_observation import colored, put_rows, rows_of
from worldvae.dynamics.dream_source import FRAMES_PER_SECOND, RENDER_MODES, DreamSource
from worldvae.errors import ConfigError


class DreamVectorEnv(VectorEnv[Any, Any, Any]):
    """N dreams that reset on the same step, with final observations.

    A dream begins from a real frame after real decisions that its memory holds. It terminates when
    an end is drawn with the probability that the dynamics predict, and is truncated at the horizon
    or where the members of an ensemble disagree. `info` holds, (N,) each, `end_probability` and
    `disagreement` of the decision, 0 after a reset, and `start`, the number of the real frame that
    the dream began from.

    Args:
        source: The dynamics, where dreams begin, and the settings.
        num_envs: N.
        seed: The seed of the first reset without one.
        render_mode: None, or rgb_array: `render` decodes the frames, which takes an encoder.

    The options of `reset` are `reset_mask` (N,) bool, which dreams begin anew, and `starts` (N,),
    the numbers of the real frames that they begin from. The seeds of all dreams together decide
    what is drawn, each dream's own where it begins: the same seeds give the same dreams, and one of
    them beside other dreams goes on otherwise.
    """

    metadata = {  # noqa: RUF012  # as Gymnasium has it
        "render_modes": RENDER_MODES,
        "render_fps": FRAMES_PER_SECOND,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }
    autoreset_mode = AutoresetMode.SAME_STEP

    def __init__(
        self,
        source: DreamSource,
        num_envs: int = 64,
        seed: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        if not isinstance(num_envs, int | np.integer) or num_envs < 1:
            raise ConfigError(f"num_envs = {num_envs}: expected a whole number from 1 on")
        self.source, self.num_envs, self._seed = source, num_envs, seed
        self.render_mode = source.check_render_mode(render_mode)
        self._dreams, self._observe = source.batch(num_envs), source.observer()
        self.single_observation_space = self._observe.space
        self.single_action_space = source.card.actions.space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        num_envs: int = 64,
        seed: int | None = None,
        render_mode: str | None = None,
        **source: Any,
    ) -> DreamVectorEnv:
        """Return N dreams of the dynamics in `folder`.

        `source` are further arguments of `DreamSource.load`, such as encoder, split, horizon,
        temperature and starts.
        """
        return cls(DreamSource.load(folder, **source), num_envs, seed, render_mode)

    def reset(
        self,
        *,
        seed: Any = None,  # an int, a list of N of them, or None; Gymnasium types only the first
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        seed, self._seed = (self._seed if seed is None else seed), None
        if seed is not None:
            self._dreams.seed(_each(seed, self.num_envs))
        options = options or {}
        begins = np.flatnonzero(_mask(options.get("reset_mask"), self.num_envs))
        places = options.get("starts")
        if places is not None:
            places = self.source.check_places(places, self.num_envs)[begins]
        self._dreams.begin(begins, places)
        return self._observe(self._dreams.state), _info(Outcome.none(self.num_envs), self._dreams)

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        outcome = self._dreams.step(self.source.encode(actions, self.num_envs))
        observations, info = self._observe(self._dreams.state), _info(outcome, self._dreams)
        ended = np.flatnonzero(outcome.ended)
        if len(ended):
            info |= _final(rows_of(observations, ended), info, outcome.ended)
            self._dreams.begin(ended)
            info["start"] = self._dreams.places.copy()
            put_rows(observations, ended, self._observe(self._dreams.states_of(ended)))
        return observations, outcome.rewards, outcome.terminated, outcome.truncated, info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Return the decoded frame of each dream, (H, W, 3) uint8; None without a render_mode."""
        if not self.source.is_shown(self.render_mode):
            return None
        return tuple(colored(self.source.pictures(self._dreams.state)))


def make_dreams(num_envs: int, dynamics: str | Path, **arguments: Any) -> DreamVectorEnv:
    """Return what `gymnasium.make_vec("worldvae/Dream-v0", num_envs, dynamics=FOLDER)` makes."""
    return DreamVectorEnv.load(dynamics, num_envs, **arguments)


def _each(seed: Any, count: int) -> list[int | None]:
    """Return the seed of each dream: those given, or `seed`, `seed` + 1, ..."""
    is_one = isinstance(seed, int | np.integer)
    seeds = [int(seed) + index for index in range(count)] if is_one else list(seed)
    if len(seeds) != count:
        raise ConfigError(f"{len(seeds)} seeds for {count} dreams; give one, or one for each")
    return seeds


def _mask(given: Any, count: int) -> NDArray[np.bool_]:
    """Return which dreams `reset` begins anew: those of `given`, all if it is None."""
    if given is None:
        return np.ones(count, bool)
    mask = np.asarray(given)
    if mask.shape != (count,) or mask.dtype != bool or not mask.any():
        raise ConfigError(
            f"reset_mask {mask.shape} {mask.dtype}: expected ({count},) bool, true somewhere"
        )
    return mask


def _info(outcome: Outcome, dreams: DreamBatch) -> dict[str, Any]:
    """Return what is known of a step, with the masks that Gymnasium wants: all true."""
    values = dreams.told(outcome)
    every = np.ones(len(outcome.rewards), bool)
    return {**values, **{f"_{name}": every.copy() for name in values}}


def _final(finals: list[Any], info: dict[str, Any], ended: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the final observations and infos of the dreams that `ended` (N,)."""
    last = np.full(len(ended), None, object)
    for index, final in zip(np.flatnonzero(ended), finals, strict=True):
        last[index] = final
    final_info = {name: ended.copy() if name[0] == "_" else info[name] for name in info}
    return {
        **{"final_obs": last, "_final_obs": ended.copy()},
        **{"final_info": final_info, "_final_info": ended.copy()},
    }
