"""Film an agent: what the environment shows, beside what the agent's encoder keeps of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent
from worldvae.config import UserError
from worldvae.envs import EnvConfig, make_env
from worldvae.envs.vector import image_of
from worldvae.history import History

HEIGHT = 224
BAR = 22


def record_video(agent: Agent, env: EnvConfig, seed: int, path: Path, most: int = 1_000) -> None:
    """Play one episode from `seed` and write it to `path` (VP9 in WebM), at most `most` decisions.

    Left the frame that the agent is given, right its reconstruction where the encoder was
    trained to make one.
    """
    partial = path.with_name(f".{path.name}")
    partial.parent.mkdir(parents=True, exist_ok=True)
    writer: cv2.VideoWriter | None = None
    for picture, speed in _pictures(agent, env, seed, most):
        if writer is None:
            size = picture.shape[1], picture.shape[0]
            writer = cv2.VideoWriter(str(partial), cv2.VideoWriter.fourcc(*"VP90"), speed, size)
            if not writer.isOpened():
                raise UserError(f"{path}: this OpenCV cannot write VP9 video")
        writer.write(np.ascontiguousarray(picture[..., ::-1]))  # OpenCV writes BGR
    if writer is not None:
        writer.release()
        os.replace(partial, path)


def _pictures(agent: Agent, env: EnvConfig, seed: int, most: int) -> Any:
    """Pictures (HEIGHT + BAR, W, 3) RGB with their rate per second, one per decision."""
    world = make_env(env.as_evaluated())
    try:
        rate = float(world.metadata.get("render_fps", 30)) / env.action_repeat
        agent.begin()
        camera = _Camera(agent, env.image_key)
        obs, info = world.reset(seed=seed)
        total, starting = 0.0, True
        for decision in range(most):
            yield camera.picture(obs, decision, total), rate
            state = info["state"][None] if "state" in info else None
            action = agent(_batch(obs, env.image_key), np.array([starting]), state)[0]
            obs, reward, terminated, truncated, info = world.step(action)
            total, starting = total + float(reward), False
            if terminated or truncated:
                yield camera.picture(obs, decision + 1, total), rate
                return
    finally:
        world.close()


class _Camera:
    """One episode in pictures."""

    def __init__(self, agent: Agent, image_key: str | None) -> None:
        encoder = agent.encode.encoder if agent.encode else None
        self._encoder = encoder if encoder and encoder.card.trained else None
        self._frames, self._image_key = History(encoder.stack if encoder else 1), image_key

    def picture(self, obs: Any, decision: int, total: float) -> NDArray[np.uint8]:
        frame = image_of(obs, self._image_key)
        views = {f"decision {decision}, return {total:.0f}": frame}
        if self._encoder is not None:
            inputs = self._frames.push(frame[None], np.array([decision == 0]))
            views["what the latents keep"] = self._encoder.reconstruct(inputs)[0]
        return np.concatenate([_titled(view, title) for title, view in views.items()], axis=1)


def _titled(frame: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    """`frame` (H, W, C) enlarged, under a bar that says what it is."""
    width = 2 * round(HEIGHT * frame.shape[1] / frame.shape[0] / 2)
    colored = np.repeat(frame, 3, axis=2) if frame.shape[2] == 1 else frame
    large = cv2.resize(colored, (width, HEIGHT), interpolation=cv2.INTER_NEAREST)
    bar = np.full((BAR, width, 3), 24, np.uint8)
    place, font = (6, BAR - 7), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(bar, title, place, font, 0.4, (235, 235, 235), 1, cv2.LINE_AA)
    return np.concatenate([bar, np.asarray(large, np.uint8)])


def _batch(obs: Any, image_key: str | None) -> Any:
    """One environment's observation as a batch of one."""
    if image_key is None:
        return obs[None]
    return {key: np.asarray(value)[None] for key, value in obs.items()}
