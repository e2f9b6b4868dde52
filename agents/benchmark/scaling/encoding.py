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

    def by_envs(count: int) -> Side:
        return _encode(bench, env, (ENCODED_STEPS, count), generator)

    def by_frames(count: int) -> Side:
        return _encode(bench, env, (1, count), generator)

    def by_size(size: int) -> Side:
        return _encode(bench, sized(env, size), (ENCODED_STEPS, num_envs), generator)

    stage, step = "encoding", "s per vector step"
    return [
        measure_curve(bench, stage, ("environments", step), 1, settings.num_envs, by_envs),
        measure_curve(bench, stage, ("frames in one call", "s"), 1, settings.frames, by_frames),
        measure_curve(bench, stage, ("frame side, pixels", step), 2, settings.sides, by_size),
    ]


def _encode(
    bench: Bench, env: EnvConfig, steps: tuple[int, int], generator: np.random.Generator
) -> Side:
    """Return a side that encodes noise in so many steps of so many frames."""
    rollouts = RolloutConfig(frames=FRAMES_TO_WHITEN, policies={"random": 1.0})
    encoder = Encoder.load(bench.encoder(env, bench.config.pretrain, rollouts), bench.device)
    noise = generator.integers(256, size=(*steps, *env.frame.shape), dtype=np.uint8)
    return lambda _: encode_steps(encoder, noise)
