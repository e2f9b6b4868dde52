"""Atari games on ALE's own vector environment, which steps and resizes frames in C++ threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from worldvae.envs.config import EnvConfig
from worldvae.envs.frames import preprocess_batch
from worldvae.envs.make_raw import ATARI
from worldvae.envs.vector import final_info
from worldvae.machine import usable_cores

LONGEST = "max_num_frames_per_episode"
_SUPPORTED = {
    "game",
    "frameskip",
    "repeat_action_probability",
    "full_action_space",
    LONGEST,
    "obs_type",
}


def refusal(config: EnvConfig, spec: EnvSpec) -> str | None:
    """Return why this backend cannot play the game exactly as Gymnasium does; None if it can."""
    if spec.entry_point != ATARI:
        return f"{spec.id} is not an Atari game"
    return next(_refusals(config, {**spec.kwargs, **config.kwargs}), None)


def _refusals(config: EnvConfig, settings: Mapping[str, Any]) -> Iterator[str]:
    if unknown := sorted(set(settings) - _SUPPORTED):
        yield f"it does not know env.kwargs {', '.join(unknown)}"
    if not _is_count(settings.get("frameskip")):
        yield "its frame skip is a fixed number"
    if config.give_up_after is not None:
        yield "it has no env.give_up_after"
    if config.pixels in {"render", "none"} or settings.get("obs_type", "rgb") != "rgb":
        yield "it sees the game's own frames in colour only"
    if config.frame.max_pool and settings["frameskip"] != 1:
        yield "it pools screens, which are steps with env.kwargs: {frameskip: 1} alone"
    if not _is_count(settings.get(LONGEST)):
        yield "it needs a limit of frames"
    limit = _frame_limit(config, settings)
    if limit % (settings["frameskip"] * config.action_repeat):
        yield f"its episodes end with a decision, and their limit of {limit:,} frames lies within"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _frame_limit(config: EnvConfig, settings: Mapping[str, Any]) -> int:
    """Return the frames of the emulator after which an episode is truncated."""
    limit = int(settings[LONGEST])
    steps = config.max_episode_steps
    return limit if steps is None else min(limit, steps * int(settings["frameskip"]))


class AleVectorEnv(VectorEnv[NDArray[np.uint8], NDArray[np.int64], NDArray[Any]]):
    """Sets `ale_py`'s AtariVectorEnv to give the same frames as `gymnasium.make("ALE/...-v5")`.

    It does no stacking, no-ops, reward clipping or fire on reset, since Gymnasium's own
    environment, on which agents are evaluated, does none of these.

    Of an episode that is over, `ale_py` shows no frame after the last decision but the one before
    it. Episodes are therefore truncated here and not there, since values are learned from their
    last frames. Where the game ends, from whose last frame nobody learns, it stays that one.
    """

    def __init__(self, config: EnvConfig, spec: EnvSpec, num_envs: int) -> None:
        from ale_py.vector_env import AtariVectorEnv

        settings = {**spec.kwargs, **config.kwargs}
        frames = settings["frameskip"] * config.action_repeat  # of a decision
        limit = _frame_limit(config, settings)
        self._limit, self._decisions = limit // frames, np.zeros(num_envs, np.int64)
        # Cropping comes before resizing, so a frame to be cropped is needed in full size. Colours
        # are pooled before they become grey, and that before resizing, as in `preprocess`.
        is_gray = config.frame.color == "gray"
        native = config.frame.crop.is_empty and not (config.frame.max_pool and is_gray)
        self._frame = config.frame
        self._env = AtariVectorEnv(
            settings["game"],
            num_envs,
            num_threads=min(usable_cores(), num_envs),
            frameskip=frames,
            repeat_action_probability=settings["repeat_action_probability"],
            full_action_space=settings["full_action_space"],
            max_num_frames_per_episode=limit + frames,  # never reached
            autoreset_mode=AutoresetMode.NEXT_STEP,  # never needed: `step` resets what ended
            img_height=config.frame.height if native else 210,
            img_width=config.frame.width if native else 160,
            grayscale=is_gray and not config.frame.max_pool,  # the same grey as OpenCV's
            stack_num=1,
            maxpool=config.frame.max_pool,
            noop_max=0,
            reward_clipping=False,
            use_fire_reset=False,
        )
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = spaces.Box(0, 255, config.frame.shape, np.uint8)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.single_action_space = self._env.single_action_space
        self.action_space = self._env.action_space

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        seeds = np.array(seed) if isinstance(seed, list) else seed
        frames, _ = self._env.reset(seed=seeds, options=options)
        self._decisions[(options or {}).get("reset_mask", slice(None))] = 0
        return self._preprocess(frames), {}

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        frames, rewards, terminated, _, _ = self._env.step(np.asarray(actions))
        self._decisions += 1
        truncated = self._decisions >= self._limit
        ended = terminated | truncated
        obs = self._preprocess(frames)
        last = obs[ended]
        if ended.any():
            first, _ = self._env.reset(options={"reset_mask": ended})
            obs[ended] = self._preprocess(first[ended])
            self._decisions[ended] = 0
        return obs, rewards.astype(np.float64), terminated, truncated, final_info(last, ended)

    def close_extras(self, **kwargs: Any) -> None:
        self._env.close()

    def _preprocess(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Preprocess frames as all backends do: (N, 1, H0, W0, 3) -> (N, H, W, C).

        Grey ones have no axis of channels: (N, 1, H0, W0).
        """
        images = frames[:, 0]
        return preprocess_batch(images[..., None] if images.ndim == 3 else images, self._frame)
