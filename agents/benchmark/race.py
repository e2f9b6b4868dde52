"""The row of pretraining time: seconds to a held-out error, computed alike for both sides."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.benchmark.bench import Bench
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.pretraining import TimedAutoencoder, train_ours
from agents.benchmark.usual import UsualVAE, train_usually
from worldvae.autoencoders.pixels import to_float
from worldvae.errors import ConfigError
from worldvae.indices import evenly

Frames = NDArray[np.uint8]

BATCH = 100


class _SideEndedError(Exception):
    """Ends a side that reached the error or the time limit."""


def race(bench: Bench) -> Comparison:
    """Compare the seconds until the held-out error is low enough.

    Raises ConfigError if neither side reaches it.
    """
    settings, env = bench.config.race, bench.config.car_racing
    source = bench.frames(env, "test")
    held_out = source.gather(evenly(len(source), settings.held_out_frames))
    frames = bench.all_frames(env)
    contest = Contest(_our_race(bench, held_out), _usual_race(bench, frames, held_out), False)
    compared = bench.compare(contest, min(settings.rounds, bench.config.rounds))
    if compared.bound == "?":
        raise ConfigError(
            f"no side came to an error of {settings.error:g} in {settings.cap_seconds:g} s; "
            "raise race.error or race.cap_seconds"
        )
    return compared


def _our_race(bench: Bench, held_out: Frames) -> Side:
    settings = bench.config.race
    every = max(1, settings.every_images // settings.batch_size)
    training = {"batch_size": settings.batch_size, "evaluate_every": every}
    update = {**training, "patience": 0, "validation_frames": 1}
    config = bench.config.lean_pretrain.model_copy(update=update)
    store = bench.store(bench.config.car_racing)

    def evaluate(model: TimedAutoencoder) -> None:
        def reconstruct(images: Tensor) -> Tensor:
            return model.decode(model.encode_images(images).mean)

        _end_if_done(bench, held_out, reconstruct, model.watch)

    def side(watch: Stopwatch) -> float:
        with suppress(_SideEndedError):
            train_ours(bench, config, store, watch, evaluate)
            watch.mark_unfinished()  # its steps are over
        return 1.0

    return side


def _usual_race(bench: Bench, frames: Frames, held_out: Frames) -> Side:
    settings = bench.config.race
    usual = settings.usual
    every = max(1, settings.every_images // usual.batch_size)

    def side(watch: Stopwatch) -> float:
        with watch.paused():
            torch.manual_seed(bench.seed("usual"))
            model = UsualVAE(channels=frames.shape[-1])

        def should_continue(step: int) -> bool:
            if step and step % every == 0:
                with watch.paused():
                    model.eval()
                    _end_if_done(bench, held_out, model.reconstruct, watch)
            return True

        rate = usual.learning_rate
        with suppress(_SideEndedError):
            train_usually(model, frames, usual.batch_size, rate, bench.device, should_continue)
        return 1.0

    return side


def _end_if_done(
    bench: Bench,
    held_out: Frames,
    reconstruct: Callable[[Tensor], Tensor],
    watch: Stopwatch | None,
) -> None:
    """End the side if its held-out error is low enough or its time is over."""
    settings = bench.config.race
    if held_out_error(reconstruct, held_out, bench.device) <= settings.error:
        raise _SideEndedError
    if watch is not None and watch.seconds >= settings.cap_seconds:
        watch.mark_unfinished()
        raise _SideEndedError


@torch.no_grad()
def held_out_error(reconstruct: Callable[[Tensor], Tensor], held_out: Frames, device: str) -> float:
    """Return the mean squared error of reconstructions of frames (B, H, W, C) in [0, 1]."""
    squared = 0.0
    for start in range(0, len(held_out), BATCH):
        images = to_float(torch.from_numpy(held_out[start : start + BATCH]).to(device))
        squared += float((reconstruct(images) - images).square().sum())
    return squared / held_out.size
