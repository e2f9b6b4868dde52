"""The rows of the frozen encoder: alone, and between a vector environment and its agent."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from agents.benchmark.bench import Bench
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.limits import OTHER_SIDE, Work, operations
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.pretraining import autoencoder
from agents.benchmark.rows import Row, Unit
from agents.benchmark.stepping import take_decisions
from agents.benchmark.usual import UsualSession, UsualVAE, UsualWrapper
from worldvae.autoencoders.backends import Compute, Frames, Latents
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.frozen import FrozenEncoder
from worldvae.envs import make_vec
from worldvae.wrappers.latent import LatentVectorObservation


def encoding_rows(config: BenchmarkConfig) -> tuple[Row, ...]:
    """Return a row for each number of environments, and one for the latent environment."""
    encoders = [
        Row(
            f"encoder-{num_envs}",
            "Encoder",
            f"{num_envs} envs in one batch",
            "one torch call an env",
            Unit("ms/vector step", is_time=True, scale=1e3),
            4.0,
            partial(_encode, num_envs=num_envs),
            partial(_work, num_envs=num_envs),
        )
        for num_envs in config.encoding.num_envs
    ]
    fewest = min(config.encoding.num_envs)
    by_hand = Row(
        f"encoder-{fewest}-by-hand",
        "Encoder",
        f"{fewest} envs in one batch",
        "the same by torch's own export and onnxruntime's defaults",
        encoders[0].unit,
        1.0,
        partial(_encode_by_hand, num_envs=fewest),
        partial(_work, num_envs=fewest),
    )
    latent = Row(
        "latent-env",
        "Latent env",
        f"CarRacing as latents, {config.latent_env.num_envs} envs",
        "the same env as raw pixels",
        Unit("env steps/s"),
        0.85,
        _latent_env,
        OTHER_SIDE,
    )
    return (*encoders, by_hand, latent)


def encode_steps(encoder: Encoder, frames: NDArray[np.uint8]) -> int:
    """Encode frames (T, N, H, W, C) step by step; return the number of vector steps, T."""
    for step in frames:
        encoder.encode(step)
    return len(frames)


def _encode(bench: Bench, num_envs: int) -> Comparison:
    env = bench.config.car_racing
    usual = UsualWrapper(UsualVAE(channels=env.frame.shape[2]), bench.device)

    def one_by_one(frames: Frames) -> Latents:
        return np.stack([usual.observation(frame) for frame in frames])

    return _against(bench, num_envs, one_by_one)


def _encode_by_hand(bench: Bench, num_envs: int) -> Comparison:
    env = bench.config.car_racing
    model = autoencoder(bench, bench.config.pretrain, env)
    by_hand = UsualSession(FrozenEncoder(model), env.frame.shape)
    return _against(bench, num_envs, by_hand.encode)


def _against(bench: Bench, num_envs: int, usual: Compute) -> Comparison:
    """Compare our encoder with `usual` on the frames of vector steps."""
    settings, env = bench.config.encoding, bench.config.car_racing
    encoder = Encoder.load(bench.encoder(env, bench.config.pretrain), bench.device)
    frames = bench.some_frames(env, settings.vector_steps * num_envs)
    steps = frames.reshape(settings.vector_steps, num_envs, *env.frame.shape)

    def ours(_: Stopwatch) -> float:
        return encode_steps(encoder, steps)

    def theirs(_: Stopwatch) -> float:
        for step in steps:
            usual(step)
        return len(steps)

    return bench.compare(Contest(ours, theirs))


def _work(bench: Bench, num_envs: int) -> tuple[Work, ...]:
    """Count the operations of the layers that encode one vector step."""
    model = autoencoder(bench, bench.config.pretrain, bench.config.car_racing)
    frames = torch.zeros(num_envs, *bench.config.car_racing.frame.shape, dtype=torch.uint8)
    count = operations(lambda: model.encode(frames))
    return (Work(resource="float32", amount=count, of="a vector step"),)


def _latent_env(bench: Bench) -> Comparison:
    settings, env = bench.config.latent_env, bench.config.car_racing
    encoder = bench.encoder(env, bench.config.lean_pretrain)

    def side(is_latent: bool) -> Side:
        def play(watch: Stopwatch) -> float:
            with watch.paused():
                seed = bench.seed("latent_env")
                vec: VectorEnv[Any, Any, Any] = make_vec(env, settings.num_envs, seed)
                if is_latent:
                    vec = LatentVectorObservation(vec, Encoder.load(encoder, bench.device))
            taken = take_decisions(vec, settings.vector_steps, watch, bench.config.seed)
            return taken * env.action_repeat

        return play

    return bench.compare(Contest(side(True), side(False)))
