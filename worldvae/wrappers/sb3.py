"""Adapters for Stable-Baselines3: vector environments, latents of a VecEnv, and an encoder as the
first layers of a policy."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    CombinedExtractor,
    NatureCNN,
)
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn
from torch import Tensor, nn

from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.frozen import TrainableEncoder
from worldvae.dynamics.dream_batch import TOLD
from worldvae.envs.isolation import SUCCESS
from worldvae.envs.vector import (
    PREPARED,
    check_autoreset,
    check_kind,
    final_observations,
    final_success,
    preparation,
    prepared,
    with_image,
)
from worldvae.errors import ConfigError
from worldvae.symlog import symlog
from worldvae.wrappers.latent_observer import FrameEncoder
from worldvae.wrappers.memory import latent_observer
from worldvae.wrappers.observer import Moment
from worldvae.wrappers.stack import observed_space


class VectorEnvAdapter(VecEnv):
    """Makes a Gymnasium `VectorEnv` with SAME_STEP autoreset a Stable-Baselines3 `VecEnv`.

    `final_obs` becomes `terminal_observation`. An episode that was truncated but not terminated
    sets `TimeLimit.truncated`, which tells PPO to bootstrap the value of its last observation.
    Of an episode's last info `is_success` is kept, from which the library logs the success rate.
    Of dreams all infos are kept, by which callbacks see how far they can be trusted.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        check_kind(env, VectorEnv)
        check_autoreset(env)
        self.env = env
        self._actions: Any = None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> VecEnvObs:
        seeds: Any = self._seeds if any(seed is not None for seed in self._seeds) else None
        obs, _ = self.env.reset(seed=seeds, options=self._common_options())
        self._reset_seeds()
        self._reset_options()
        return obs  # type: ignore[no-any-return]

    def step_async(self, actions: Any) -> None:
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        obs, rewards, terminated, truncated, info = self.env.step(self._actions)
        infos = _told(info, self.num_envs)
        for index, final in zip(*final_observations(info, self.num_envs), strict=True):
            infos[index]["terminal_observation"] = final
            infos[index]["TimeLimit.truncated"] = bool(truncated[index] and not terminated[index])
            if (success := final_success(info, index)) is not None:
                infos[index][SUCCESS] = success
        return obs, rewards.astype(np.float32), terminated | truncated, infos

    def _common_options(self) -> dict[str, Any] | None:
        """Return the options that `set_options` gave; ConfigError if they are not one for all."""
        first, *others = self._options
        if any(other != first for other in others):
            raise ConfigError("a VectorEnv takes one set of options for all environments")
        return first or None

    def get_images(self) -> list[NDArray[np.uint8] | None]:
        """Return what each environment shows, (H, W, 3) uint8; None without a render_mode."""
        frames: Any = self.env.render()
        return [None] * self.num_envs if frames is None else list(frames)

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        try:
            value = getattr(self.env, attr_name)
        except AttributeError:
            # Gymnasium's wrappers hide what those inside of them, or in other processes, have.
            value = prepared(self.env, attr_name) if attr_name in PREPARED else None
            if value is None:
                raise
        return [value] * len(self._which(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"a VectorEnv has no {attr_name} of single environments to set")

    def env_method(
        self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any
    ) -> list[Any]:
        raise AttributeError(f"a VectorEnv has no {method_name} of single environments to call")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * len(self._which(indices))

    def _which(self, indices: int | Sequence[int] | None) -> Sequence[int]:
        return list(self._get_indices(indices))


def _told(info: dict[str, Any], num_envs: int) -> list[dict[str, Any]]:
    """Return what dreams tell of a step, for each of them; nothing of other environments.

    Where a dream ended it is of that dream, and not of the one that has begun.
    """
    told: list[dict[str, Any]] = [{} for _ in range(num_envs)]
    if not all(name in info for name in TOLD):
        return told
    final, ended = info.get("final_info", info), info.get("_final_info", np.zeros(num_envs, bool))
    for name in TOLD:
        values = np.where(ended, final[name], info[name])
        for one, value in zip(told, values.tolist(), strict=True):
            one[name] = value
    return told


class LatentVecEnv(VecEnvWrapper):
    """Replaces the frames of a `VecEnv` by latents: (N, stack x Z) float32.

    With dynamics, by latents and memory: (N, Z + M). Use it if you already have a `VecEnv`. Each
    step encodes one batch, and `terminal_observation` is encoded too. Frames have to be
    (H0, W0, C): wrap before `VecTransposeImage`. An environment that returns the same array at each
    step has to come from `make_env`, which copies frames: Stable-Baselines3 resets before it hands
    out `terminal_observation`, which would be overwritten.

    Args:
        venv: A `VecEnv` that observes frames, or a Dict with a frame under `image_key`.
        encoder: An `Encoder`, or the folder of one.
        stack: How many latents, the newest last, make one observation. None: 4, or 1 with dynamics,
            whose memory holds the past.
        whiten: Shift and scale each latent by its mean and deviation over the training frames.
        image_key: The key of the frame, if observations are a Dict. Only this key is replaced.
        dynamics: The folder of latent dynamics, whose memory is observed beside the latents.

    Raises ArtifactError if the encoder is missing, or was trained on other frames than `venv`'s, or
    if the dynamics are missing, or were trained on another encoder, for other actions, or with each
    action repeated another number of times.
    """

    def __init__(
        self,
        venv: VecEnv,
        encoder: Encoder | str | Path,
        stack: int | None = None,
        whiten: bool = True,
        image_key: str | None = None,
        dynamics: str | Path | None = None,
    ) -> None:
        check_kind(venv, VecEnv)
        frame, steps = preparation(partial(_attribute, venv), venv.observation_space, image_key)
        encode = FrameEncoder(encoder, whiten, frame, steps)
        self._observer = latent_observer(encode, stack, dynamics, venv.action_space, steps)
        self._observer.check_space(venv.observation_space, image_key)
        self._image_key, self._actions = image_key, np.empty(0)
        super().__init__(venv, observed_space(venv.observation_space, self._observer, image_key))

    def reset(self) -> VecEnvObs:
        obs = self.venv.reset()
        moment = Moment.of(obs, self._image_key)
        stacks, _ = self._observer.step(moment, np.ones(self.num_envs, bool))
        return with_image(obs, self._image_key, stacks)  # type: ignore[no-any-return]

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = np.array(actions)
        super().step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        obs, rewards, dones, infos = self.venv.step_wait()
        ended = np.flatnonzero(dones)
        finals = [infos[index]["terminal_observation"] for index in ended]
        key, actions = self._image_key, self._actions
        last = Moment.of_each(finals, key, actions[ended]) if finals else None
        moment = Moment.of(obs, key, actions)
        stacks, final_stacks = self._observer.step(moment, dones, last, ended)
        for index, final, stack in zip(ended, finals, final_stacks, strict=True):
            infos[index]["terminal_observation"] = with_image(final, key, stack)
        return with_image(obs, key, stacks), rewards, dones, infos


def _attribute(venv: VecEnv, name: str) -> Any:
    return venv.get_attr(name)[0] if venv.has_attr(name) else None


def check_keys(space: spaces.Space[Any]) -> None:
    """Raise ConfigError if a key of a Dict `space` cannot be the name of a torch module."""
    keys = space.spaces if isinstance(space, spaces.Dict) else ()
    taken = [key for key in keys if "." in key or hasattr(nn.ModuleDict(), key)]
    if taken:
        raise ConfigError(
            f"the observation's {', '.join(taken)}: policies cannot have parts of that name (no "
            "dots, and none of torch's own); rename it in the environment"
        )


def check_grey_levels(normalized_image: bool) -> None:
    """Raise ConfigError unless a policy leaves grey levels to the encoder, which scales them."""
    if not normalized_image:
        raise ConfigError(
            "an encoder takes grey levels from 0 to 255, not divided by 255: give the policy "
            "normalize_images=False (in policy_kwargs)"
        )


class EncoderFeatures(NatureCNN):
    """The first layers of a policy: a pretrained encoder that goes on learning with the policy.

    Pass it to a policy as `features_extractor_class` with `normalize_images=False`. The policy
    begins with the encoder's weights, not with the random orthogonal ones that Stable-Baselines3
    gives to first layers.

    Args:
        observation_space: Box ((k + n - 1) C, H, W) uint8, which holds k overlapping inputs of n
            frames each.
        encoder: The result of `Encoder.trainable()`; it is copied.
        stack: k, how many latents make the features: (B, k Z).
        normalized_image: What a policy tells with `normalize_images=False`; it tells no classes but
            `NatureCNN`, of which nothing else is used, `CombinedExtractor`, and those below them.

    Raises ConfigError if the policy would divide grey levels by 255, as the encoder does itself.
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        encoder: TrainableEncoder,
        stack: int,
        normalized_image: bool = False,
    ) -> None:
        check_grey_levels(normalized_image)
        BaseFeaturesExtractor.__init__(self, observation_space, stack * encoder.latents)
        self._stack = stack
        self._channels = observation_space.shape[0] // (stack + encoder.frames - 1)
        self.encoder = copy.deepcopy(encoder)

    def apply(self, fn: Callable[[nn.Module], None]) -> Self:
        """Apply `fn`, with which a policy draws its first weights; the encoder keeps its own."""
        weights = copy.deepcopy(self.encoder.state_dict())
        super().apply(fn)
        self.encoder.load_state_dict(weights)
        return self

    def forward(self, observations: Tensor) -> Tensor:
        """Encode each of the k inputs: (B, (k + n - 1) C, H, W) in [0, 255] -> (B, k Z)."""
        width = self.encoder.frames * self._channels
        starts = range(0, self._stack * self._channels, self._channels)
        inputs = [observations[:, start : start + width] for start in starts]
        frames = torch.stack(inputs, 1).flatten(0, 1).permute(0, 2, 3, 1)
        return self.encoder(frames).reshape(-1, self.features_dim)  # type: ignore[no-any-return]


class KeyFeatures(CombinedExtractor):
    """Joins the keys of a Dict; with `symlog_keys` numbers beside the image are read as symlog(x).

    A health of 100 then does not drown latents of about 1.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        image_key: str,
        symlog_keys: bool = True,
        normalized_image: bool = False,
    ) -> None:
        super().__init__(observation_space, normalized_image=normalized_image)
        vectors = [key for key, part in observation_space.items() if not is_image_space(part)]
        self._compressed = [key for key in vectors if symlog_keys and key != image_key]

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return the features of all keys: a Dict of (B, ...) -> (B, D)."""
        read = {key: symlog(observations[key].float()) for key in self._compressed}
        return super().forward({**observations, **read})


class CombinedEncoderFeatures(KeyFeatures):
    """`EncoderFeatures` of the image under `image_key` of a Dict, joined with its other keys.

    Other images are scaled to [0, 1] before their convolutions, as in any policy of
    Stable-Baselines3. Raises ConfigError as `EncoderFeatures` does.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        encoder: TrainableEncoder,
        stack: int,
        image_key: str,
        symlog_keys: bool = False,
        normalized_image: bool = False,
    ) -> None:
        others = {key: part for key, part in observation_space.items() if key != image_key}
        super().__init__(spaces.Dict(others), image_key, symlog_keys, normalized_image)
        space = observation_space[image_key]
        assert isinstance(space, spaces.Box)
        image = EncoderFeatures(space, encoder, stack, normalized_image)
        self.extractors[image_key] = image
        self._features_dim += image.features_dim
        self._other_images = [key for key, part in others.items() if is_image_space(part)]

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return the features of all keys: a Dict of (B, ...), images in [0, 255] -> (B, D)."""
        scaled = {key: observations[key] / 255 for key in self._other_images}
        return super().forward({**observations, **scaled})
