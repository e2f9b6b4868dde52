"""Gymnasium wrappers between an environment and the agent; each does one thing."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from worldvae.config import UserError
from worldvae.envs.frames import Frame, FrameConfig, preprocess

Step = tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]
Reset = tuple[Any, dict[str, Any]]

STEER_THROTTLE = spaces.Box(-1.0, 1.0, (2,), np.float32)


def steer_throttle(action: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., 2) of (steer, throttle) in [-1, 1] -> (..., 3) of CarRacing's (steer, gas, brake).

    Gas when throttle is positive, brake when negative: the two are never pressed together.
    """
    action = np.clip(action, -1.0, 1.0)
    steer, throttle = action[..., 0], action[..., 1]
    gas_brake = np.maximum(throttle, 0.0), np.maximum(-throttle, 0.0)
    return np.stack([steer, *gas_brake], axis=-1).astype(np.float32)


class SteerThrottle(gym.ActionWrapper[Any, Any, Any], RecordConstructorArgs):
    """CarRacing with two axes, see `steer_throttle`."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        check_steer_throttle(env.action_space)
        self.action_space = STEER_THROTTLE

    def action(self, action: NDArray[np.float32]) -> NDArray[np.float64]:
        """As `steer_throttle`, in the double precision that Box2D's binding insists on."""
        return steer_throttle(np.asarray(action)).astype(np.float64)


def check_steer_throttle(space: gym.Space[Any]) -> None:
    """Raise UserError unless `space` is CarRacing's (steer, gas, brake)."""
    if not (isinstance(space, spaces.Box) and space.shape == (3,)):
        raise UserError(
            f"env.action_map steer_throttle needs actions Box(3,), this env has {space}"
        )


class ActionRepeat(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Repeats each action and sums the rewards; stops at the end of the episode."""

    def __init__(self, env: gym.Env[Any, Any], repeat: int) -> None:
        RecordConstructorArgs.__init__(self, repeat=repeat)
        super().__init__(env)
        self.repeat = repeat

    def step(self, action: Any) -> Step:
        total = 0.0
        for _ in range(self.repeat):
            obs, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
        return obs, total, terminated, truncated, info


class GiveUp(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Truncates an episode after `patience` steps without a positive reward.

    For training only: a car lost on the grass teaches nothing more. Truncated and not
    terminated, so that PPO still bootstraps the value of what would have come.
    """

    def __init__(self, env: gym.Env[Any, Any], patience: int) -> None:
        RecordConstructorArgs.__init__(self, patience=patience)
        super().__init__(env)
        self.patience = patience
        self._idle = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Reset:
        self._idle = 0
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> Step:
        obs, reward, terminated, truncated, info = self.env.step(action)
        self._idle = 0 if float(reward) > 0 else self._idle + 1
        truncated = truncated or (self._idle >= self.patience and not terminated)
        return obs, reward, terminated, truncated, info


class FrameObservation(gym.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Observations become frames (H, W, C) uint8 as `config` says.

    From an image observation, from the image under `image_key` of a Dict observation
    (the other keys pass through), or from `render()` when `render` is set.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        config: FrameConfig,
        image_key: str | None = None,
        render: bool = False,
    ) -> None:
        RecordConstructorArgs.__init__(self, config=config, image_key=image_key, render=render)
        super().__init__(env)
        self.frame_config = config
        self.source_shape: tuple[int, ...] | None = None
        self.image_key = None if render else image_key
        self._render = render
        self.observation_space = frame_space(env.observation_space, config, image_key, render)

    def observation(self, observation: Any) -> Any:
        source = self._rendered() if self._render else observation
        if self.image_key is not None:
            source = observation[self.image_key]
        self.source_shape = source.shape
        frame = preprocess(source, self.frame_config)
        return frame if self.image_key is None else {**observation, self.image_key: frame}

    def _rendered(self) -> Frame:
        frame = self.env.render()
        if not isinstance(frame, np.ndarray):
            raise UserError(
                f"render() of {self.spec.id if self.spec else self.env} gave no image but "
                f"{type(frame).__name__}; it needs render_mode 'rgb_array'"
            )
        return frame


class BlackFrame(gym.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """A black frame (H, W, C) in the place of the image: nothing is rendered or resized."""

    def __init__(
        self, env: gym.Env[Any, Any], config: FrameConfig, image_key: str | None = None
    ) -> None:
        RecordConstructorArgs.__init__(self, config=config, image_key=image_key)
        super().__init__(env)
        self.frame_config, self.image_key = config, image_key
        self._black = np.zeros(config.shape, np.uint8)
        self.observation_space = frame_space(env.observation_space, config, image_key, False)

    def observation(self, observation: Any) -> Any:
        if self.image_key is None:
            return self._black
        return {**observation, self.image_key: self._black}


def frame_space(
    space: gym.Space[Any], config: FrameConfig, image_key: str | None, render: bool
) -> spaces.Space[Any]:
    """The space of frames that replaces `space`, or replaces its image key."""
    frame = spaces.Box(0, 255, config.shape, np.uint8)
    if render or image_key is None:
        return frame
    if not isinstance(space, spaces.Dict) or image_key not in space.spaces:
        keys = ", ".join(space.spaces) if isinstance(space, spaces.Dict) else f"no keys: {space}"
        raise UserError(f"env.image_key = {image_key!r}: the observation has {keys}")
    unseen = [
        key
        for key, part in space.spaces.items()
        if key != image_key and not isinstance(part, spaces.Box | spaces.Discrete)
    ]
    if unseen:
        raise UserError(
            f"the observation's {', '.join(unseen)} is neither Box nor Discrete, which no stock "
            "policy can take; wrap the environment, or set env.pixels: render"
        )
    return spaces.Dict({**space.spaces, image_key: frame})
