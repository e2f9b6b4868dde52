"""How encoding grows with environments, frames in one call, and frame size."""

from __future__ import annotations

import numpy as np

from agents.benchmark.bench import Bench
from agents.benchmark.encoding import encode_steps
from agents.benchmark.measure import Side
from agents.benchmark.scaling.curve import ScalingCurve, measure_curve, sized
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs import EnvConfig
from worldvae.rollouts import RolloutConfig

FRAMES_TO_WHITEN = 500
ENCODED_STEPS = 20
"""Vector steps per point of encoding."""


def encoding_curves(bench: Bench) -> list[ScalingCurve]:
    """Measure an untrained encoder on noise of the size of Pong's frames."""
    settings, env = bench.config.scaling, bench.config.pong
    generator = np.random.default_rng(bench.config.seed)
    num_envs = settings.num_envs[-2]

    def side(env: EnvConfig, steps: int, frames: int) -> Side:
        rollouts = RolloutConfig(frames=FRAMES_TO_WHITEN, policies={"random": 1.0})
        encoder = Encoder.load(bench.encoder(env, bench.config.pretrain, rollouts), bench.device)
        shape = (steps, frames, *env.frame.shape)
        noise = generator.integers(256, size=shape, dtype=np.uint8)
        return lambda _: encode_steps(encoder, noise)

    def by_envs(count: int) -> Side:
        return side(env, ENCODED_STEPS, count)

    def by_frames(count: int) -> Side:
        return side(env, 1, count)

    def by_size(size: int) -> Side:
        return side(sized(env, size), ENCODED_STEPS, num_envs)

    stage, step = "encoding", "s per vector step"
    return [
        measure_curve(bench, stage, ("environments", step), 1, settings.num_envs, by_envs),
        measure_curve(bench, stage, ("frames in one call", "s"), 1, settings.frames, by_frames),
        measure_curve(bench, stage, ("frame side, pixels", step), 2, settings.sides, by_size),
    ]
