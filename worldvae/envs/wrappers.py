"""Gymnasium wrappers for actions, rewards and frames; each does one thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from worldvae.envs.frames import Frame, FrameConfig, preprocess
from worldvae.envs.observations import (
    ImageLayout,
    KeyEncoding,
    image_keys,
    image_layout,
    image_of,
    other_spaces,
    why_no_image,
    with_image,
)
from worldvae.envs.user_code import name_of
from worldvae.envs.watch import Noticed, Watch
from worldvae.errors import ConfigError, WorldvaeError

Step = tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]
Reset = tuple[Any, dict[str, Any]]

STEER_THROTTLE = spaces.Box(-1.0, 1.0, (2,), np.float32)


def steer_throttle(action: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert (steer, throttle) to CarRacing's (steer, gas, brake): (..., 2) -> (..., 3).

    Inputs are clipped to [-1, 1]. A positive throttle is gas and a negative one brake, so that both
    are never pressed together.
    """
    action = np.clip(action, -1.0, 1.0)
    steer, throttle = action[..., 0], action[..., 1]
    gas_brake = np.maximum(throttle, 0.0), np.maximum(-throttle, 0.0)
    return np.stack([steer, *gas_brake], axis=-1).astype(np.float32)


class SteerThrottle(gym.ActionWrapper[Any, Any, Any], RecordConstructorArgs):
    """Gives CarRacing the actions (steer, throttle), see `steer_throttle`."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        check_steer_throttle(env.action_space)
        self.action_space = STEER_THROTTLE

    def action(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        return steer_throttle(np.asarray(action))


def check_steer_throttle(space: gym.Space[Any]) -> None:
    """Raise ConfigError unless `space` is CarRacing's (steer, gas, brake)."""
    if not (isinstance(space, spaces.Box) and space.shape == (3,)):
        raise ConfigError(
            f"env.action_map steer_throttle needs actions Box(3,), this env has {space}"
        )


def steps_per_decision_of(env: gym.Env[Any, Any]) -> int:
    """Return how many steps a decision of `env` takes, as far as wrappers here repeat actions."""
    name = "steps_per_decision"
    return env.get_wrapper_attr(name) if env.has_wrapper_attr(name) else 1


class ActionRepeat(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Repeats each action and sums the rewards; stops at the end of the episode."""

    def __init__(self, env: gym.Env[Any, Any], repeat: int) -> None:
        RecordConstructorArgs.__init__(self, repeat=repeat)
        super().__init__(env)
        self.repeat = repeat

    @property
    def steps_per_decision(self) -> int:
        """The environment steps in one decision, which wrappers with dynamics compare."""
        return self.repeat * steps_per_decision_of(self.env)

    def step(self, action: Any) -> Step:
        total = 0.0
        for _ in range(self.repeat):
            obs, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
        return obs, total, terminated, truncated, info


class MaxPooledRepeat(ActionRepeat):
    """An `ActionRepeat` whose image is the pixelwise maximum over a decision's last two steps.

    It is the preprocessing of Mnih et al. (2015) for games that draw objects on every other screen.
    Where an episode ends with the first step of a decision, the image is that of this step.

    Args:
        env: An environment that observes images, or a Dict with an image.
        repeat: How often an action is repeated, at least twice.
        image_key: The key of the image in a Dict.
    """

    def __init__(self, env: gym.Env[Any, Any], repeat: int, image_key: str | None = None) -> None:
        super().__init__(env, repeat)
        RecordConstructorArgs.__init__(self, repeat=repeat, image_key=image_key)
        self._image_key = image_key
        self.pools_images = True  # which `FrameObservation` asks

    def step(self, action: Any) -> Step:
        total, images = 0.0, list[NDArray[Any]]()
        for _ in range(self.repeat):
            obs, reward, terminated, truncated, info = self.env.step(action)
            # A copy, since environments may draw into one array.
            images = [*images[-1:], np.array(image_of(obs, self._image_key))]
            total += float(reward)
            if terminated or truncated:
                break
        pooled = with_image(obs, self._image_key, np.maximum(images[0], images[-1]))
        return pooled, total, terminated, truncated, info


class GiveUp(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Truncates an episode after `patience` steps without a positive reward.

    It is meant for training only, where a car that is lost on the grass teaches nothing more. The
    episode is truncated and not terminated, so that PPO bootstraps the value of its last frame.
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
    """Replaces observations by frames (H, W, C) uint8.

    Args:
        env: An environment that observes images, or a Dict with an image, or that renders images.
        config: The crop, size and colour of the frames; also as a mapping, which specs hold.
        image_key: The key of the image in a Dict; other keys are encoded as `KeyEncoding` says.
        render: Whether frames come from `render()` and not from the observation.
        other_keys: The keys beside the image that are observed; None: all of them.

    Raises ConfigError if there is no image to take frames from, or if nothing pools them where
    `config` says so.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        config: FrameConfig | dict[str, Any],
        image_key: str | None = None,
        render: bool = False,
        other_keys: Sequence[str] | None = None,
    ) -> None:
        config = FrameConfig.model_validate(config)
        RecordConstructorArgs.__init__(
            self,
            config=config.model_dump(mode="json"),
            image_key=image_key,
            render=render,
            other_keys=other_keys,
        )
        super().__init__(env)
        if config.max_pool and not env.has_wrapper_attr("pools_images"):
            raise ConfigError(
                "frame.max_pool: no wrapper below pools images; wrap the environment in "
                "worldvae.envs.wrappers.MaxPooledRepeat first, or make it by make_env"
            )
        self.frame_config = config
        self.source_shape: tuple[int, ...] | None = None
        self.image_key = None if render else image_key
        self.others = _others(env.observation_space, self.image_key, other_keys)
        """How the other keys of a Dict are encoded."""
        self.layout = None if render else _layout(env.observation_space, image_key)
        """How the observation holds the image; None if it is rendered."""
        self.observation_space = _frame_space(config, self.image_key, self.others)
        self.steps_per_decision = steps_per_decision_of(env)
        self._watch = Watch(self.image_key, self.layout, self.others)

    @property
    def noticed(self) -> Noticed:
        """What is lost of the observations so far, since they were encoded."""
        return self._watch.noticed

    def observation(self, observation: Any) -> Any:
        # Not below: what fails in the environment is told with its name already.
        drawn = self.env.render() if self.layout is None else None
        try:
            image = self._checked(drawn) if self.layout is None else self._observed(observation)
            source = image if self.layout is None else self.layout.frame(image)
            self.source_shape = source.shape
            frame = preprocess(source, self.frame_config)
            encoded = _joined(observation, self.image_key, frame, self.others)
        except WorldvaeError as error:
            what = "render(): " if self.layout is None else ""
            raise ConfigError(f"{name_of(self.env)}: {what}{error}") from None
        self._watch.see(image, observation)
        return encoded

    def _observed(self, observation: Any) -> NDArray[Any]:
        return observation if self.image_key is None else observation[self.image_key]  # type: ignore[no-any-return]

    def _checked(self, frame: Any) -> Frame:
        """Return what was rendered; ConfigError unless it is an array."""
        if not isinstance(frame, np.ndarray):
            mode = self.env.render_mode
            needs = "" if mode == "rgb_array" else "; frames take render_mode = 'rgb_array'"
            raise ConfigError(
                f"with render_mode = {mode!r} it returns no array (H, W, 3) but "
                f"{type(frame).__name__}{needs}"
            )
        return frame


class BlackFrame(gym.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Replaces the image by a black frame (H, W, C), so that nothing is rendered or resized.

    The arguments are those of `FrameObservation`.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        config: FrameConfig | dict[str, Any],
        image_key: str | None = None,
        other_keys: Sequence[str] | None = None,
    ) -> None:
        config = FrameConfig.model_validate(config)
        written = config.model_dump(mode="json")
        RecordConstructorArgs.__init__(
            self, config=written, image_key=image_key, other_keys=other_keys
        )
        super().__init__(env)
        self.frame_config, self.image_key = config, image_key
        if image_key is not None:
            _layout(env.observation_space, image_key)
        self._others = _others(env.observation_space, image_key, other_keys)
        self.steps_per_decision = steps_per_decision_of(env)
        self._black = np.zeros(config.shape, np.uint8)
        self.observation_space = _frame_space(config, image_key, self._others)

    def observation(self, observation: Any) -> Any:
        return _joined(observation, self.image_key, self._black, self._others)


def _layout(space: gym.Space[Any], image_key: str | None) -> ImageLayout:
    """Return the layout of the image in `space`, or under its key `image_key`.

    Raises ConfigError if there is no image.
    """
    if image_key is None:
        layout = image_layout(space)
        if layout is None:
            raise ConfigError(f"the observation is {space} and no image")
        return layout
    if not isinstance(space, spaces.Dict) or image_key not in space.spaces:
        keys = ", ".join(space.spaces) if isinstance(space, spaces.Dict) else f"no keys: {space}"
        raise ConfigError(f"env.image_key = {image_key!r}: the observation has {keys}")
    layout = image_layout(space[image_key])
    if layout is None:
        images = ", ".join(image_keys(space)) or "none, so set env.pixels: render and no image_key"
        raise ConfigError(
            f"env.image_key = {image_key!r} holds {space[image_key]} and no "
            f"image{why_no_image(space[image_key])}; keys that hold one: {images}"
        )
    return layout


def _others(
    space: gym.Space[Any], image_key: str | None, chosen: Sequence[str] | None
) -> tuple[KeyEncoding, ...]:
    """Return the encodings of the keys that are observed beside the image."""
    others = other_spaces(space, image_key, chosen)
    return tuple(KeyEncoding.of(key, part) for key, part in others.items())


def _frame_space(
    config: FrameConfig, image_key: str | None, others: tuple[KeyEncoding, ...]
) -> spaces.Space[Any]:
    frame = spaces.Box(0, 255, config.shape, np.uint8)
    if image_key is None:
        return frame
    return spaces.Dict({image_key: frame, **{other.key: other.space for other in others}})


def _joined(
    observation: Any, image_key: str | None, frame: Frame, others: tuple[KeyEncoding, ...]
) -> Any:
    """Return `frame`, or a Dict of it and the encoded other keys of `observation`."""
    if image_key is None:
        return frame
    return {image_key: frame, **{other.key: other(observation[other.key]) for other in others}}
