"""Latents in place of the frames of a Stable-Baselines3 `VecEnv`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from worldvae.autoencoders.encoder import Encoder
from worldvae.envs.observations import with_image
from worldvae.envs.vector import check_kind, preparation
from worldvae.wrappers.latent_observer import FrameEncoder
from worldvae.wrappers.memory import latent_observer
from worldvae.wrappers.observer import Moment
from worldvae.wrappers.stack import observed_space


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
