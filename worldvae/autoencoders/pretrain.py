"""From a store of rollouts to an encoder in a folder, pictures included."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from worldvae.autoencoders.cards import summarise
from worldvae.autoencoders.checkpoint import load_autoencoder
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import CONFIG, PRETRAINING, PretrainingResult
from worldvae.autoencoders.examples import FrameExamples
from worldvae.autoencoders.finished import (
    check_finished,
    is_done,
    model_settings,
    warn_of_other_frames,
)
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.pixel_error import GaussianPixels
from worldvae.autoencoders.sources import Source, Sources, read_sources
from worldvae.autoencoders.units import frames_of_units, keep_units
from worldvae.errors import ArtifactError, TrainingError
from worldvae.fingerprint import ANOTHER_FOLDER, Fingerprint
from worldvae.locks import locked
from worldvae.machine import busy_cores, peak_memory
from worldvae.rollouts import RolloutStore
from worldvae.training.config import FitConfig
from worldvae.training.device import torch_device
from worldvae.training.distributed import first_does, own_share
from worldvae.training.fit import fit
from worldvae.training.metrics_log import METRICS, MetricsLine
from worldvae.training.result import TrainingResult
from worldvae.training.run import drop_checkpoint

PICTURED = 10
CRITIC = "critic"


def pretrain(
    store: RolloutStore,
    config: PretrainConfig,
    folder: str | Path,
    seed: int = 0,
    device: str = "cpu",
) -> Encoder:
    """Train on the store's training episodes, keep what scores best on held-out ones, draw it.

    It computes on `device`: cpu, cuda, or auto, a GPU if there is one.
    A folder with `result.json` is done and only loaded, with a warning if the store has other
    episodes by now; any other goes on from its checkpoint.
    Raises ArtifactError if the store has too few episodes or the folder holds an encoder of other
    settings, and TrainingError if the loss explodes. Under torchrun all processes call it with the
    same arguments, and the first writes.
    """
    folder = Path(folder)
    if first_does(partial(is_done, folder)):
        first_does(partial(warn_of_other_frames, folder, store))
    return _pretrain([store], config, folder, seed, device)


def refit(
    begin_with: Path,
    stores: Sequence[RolloutStore],
    config: PretrainConfig,
    folder: Path,
    seed: int,
    device: str = "cpu",
) -> Encoder:
    """Train as `pretrain` does, from the weights in `begin_with`, on the episodes of `stores`.

    `config` is that of the encoder; schedules of its objective begin at their end. The units of
    its pixels stay, and those of its latents are kept on the episodes of the last store. Both are
    part of the encoder before its folder is done, so that a later call changes nothing.
    """
    return _pretrain(stores, config.without_warm_up, folder, seed, device, begin_with)


def _pretrain(
    stores: Sequence[RolloutStore],
    config: PretrainConfig,
    folder: Path,
    seed: int,
    device: str,
    begin_with: Path | None = None,
) -> Encoder:
    device = torch_device(device)
    settings = config.model_dump(mode="json", by_alias=True, exclude={"max_minutes"})
    made_with = {"pretrain": settings, "seed": seed}
    if first_does(partial(is_done, folder)):
        first_does(partial(check_finished, folder, "pretrain", config, made_with))
        first_does(partial(drop_checkpoint, folder))
        return Encoder.load(folder, device)
    is_first = own_share().rank == 0
    if is_first:
        _warn_of_company(device)
    with locked(folder, "pretraining", alone=True) if is_first else nullcontext():
        _train(stores, config, folder, seed, device, begin_with, made_with)
    return Encoder.load(folder, device)


def _train(
    stores: Sequence[RolloutStore],
    config: PretrainConfig,
    folder: Path,
    seed: int,
    device: str,
    begin_with: Path | None,
    made_with: Mapping[str, Any],
) -> None:
    """Train an encoder that is not done, and write all files of its folder."""
    train, validation, test, origin = _sources(stores, config)
    kept = None if begin_with is None else frames_of_units(stores[-1], config.stack)
    fingerprint = Fingerprint({**made_with, "data_sha256": origin.data_sha256})
    first_does(partial(fingerprint.claim, folder))
    critic = _critic(stores, config, folder, seed, device)
    before = None if critic is None else PRETRAINING.read(folder / CRITIC)
    shape = origin.frame.shape
    model = Autoencoder.for_frames(config.autoencoder, shape, train, seed, critic)
    if begin_with is not None:
        _take_weights(model, begin_with)
    examples = FrameExamples(train), FrameExamples(validation)
    with _naming_the_remedy(config):
        fitting, is_trained = _what_is_left(config.fitting, before), begin_with is not None
        fitted = fit(model.to(device), *examples, fitting, folder, seed, is_trained)

    def finish() -> None:
        encoder = Encoder(model, summarise(model, train, test, origin, trained=True), device)
        encoder.save(folder)
        if begin_with is not None and kept is not None:
            keep_units(begin_with, folder, kept)
        save_pictures(encoder, test, folder, seed)
        _record(fitted, before, folder)

    first_does(finish)


@contextmanager
def _naming_the_remedy(config: PretrainConfig) -> Iterator[None]:
    """Add to the error of a training that diverged what helps an autoencoder beside the usual."""
    try:
        yield
    except TrainingError as error:
        pixels = config.pixels
        if not isinstance(pixels, GaussianPixels) or pixels.sigma == "learned":
            raise
        raise TrainingError(f"{error}, or pixels.sigma: learned (now {pixels.sigma:g})") from None


def _sources(stores: Sequence[RolloutStore], config: PretrainConfig) -> Sources:
    return read_sources(stores, config.autoencoder.window, config.pixels.actions)


def _take_weights(model: Autoencoder, folder: Path) -> None:
    """Give `model` the weights of the encoder in `folder`, the units of its pixels included."""
    try:
        model.load_state_dict(load_autoencoder(folder)[0].state_dict(), strict=True)
    except RuntimeError:
        raise ArtifactError(
            f"{folder} holds another network than this config's, or one for other actions than "
            "those of the rollouts; pretrain a new encoder instead"
        ) from None


def _what_is_left(config: FitConfig, before: TrainingResult | None) -> FitConfig:
    """Return how the model is trained: its wall-clock limit without what its critic took before."""
    if before is None or config.max_minutes is None:
        return config
    minutes = config.max_minutes - before.seconds / 60
    # It may have taken more than half, of a larger limit before an interruption.
    return config.model_copy(update={"max_minutes": max(minutes, 1e-9)})


def _record(fitted: TrainingResult, before: TrainingResult | None, folder: Path) -> None:
    """Write result.json, with which the folder is done; what a critic took before is part of it."""
    spent: dict[str, Any] = {"peak_memory": peak_memory()}
    if before is not None:
        spent["seconds"] = fitted.seconds + before.seconds
        spent["cpu_seconds"] = (fitted.cpu_seconds or 0.0) + (before.cpu_seconds or 0.0)
    PRETRAINING.write(folder, PretrainingResult(**{**dict(fitted), **spent}))
    drop_checkpoint(folder)


def make_untrained_encoder(
    store: RolloutStore, config: PretrainConfig, folder: str | Path, seed: int = 0
) -> Encoder:
    """Make the control arm's encoder: the same network untrained, whitened on the same frames.

    A folder that holds it already is only loaded. Raises ArtifactError if the store has too few
    episodes, or if the folder holds a trained encoder or one of another model or seed.
    """
    folder = Path(folder)
    made_with = {"initial": model_settings(config.autoencoder), "seed": seed}
    if CONFIG.exists(folder):
        encoder = Encoder.load(folder)
        if encoder.card.trained:
            raise ArtifactError(f"{folder} holds a trained encoder; {ANOTHER_FOLDER}")
        check_finished(folder, "initial", config, made_with)
        return encoder
    with locked(folder, "making of an encoder", alone=True):
        train, _, test, origin = _sources([store], config)
        Fingerprint({**made_with, "data_sha256": origin.data_sha256}).claim(folder)
        Encoder.untrained(config.autoencoder, origin, train, test, seed).save(folder)
    return Encoder.load(folder)


def _critic(
    stores: Sequence[RolloutStore], config: PretrainConfig, folder: Path, seed: int, device: str
) -> Autoencoder | None:
    """Train and return the autoencoder whose features the perceptual term compares, if it has one.

    It is a denoising one.
    """
    if not config.pixels.perceptual:
        return None
    path = folder / CRITIC
    _pretrain(stores, config.critic, path, seed, device)
    return load_autoencoder(path)[0]


def _warn_of_company(device: str) -> None:
    """Warn of a busy machine before hours are lost: convolutions wait for each other by spinning.

    One busy process beside two threads on two cores made a training step 25 times slower; one
    thread was 1.6 times slower than two on an idle machine. How many threads compute decides the
    last bits of the result, so they are not changed behind the user's back.
    """
    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    if device != "cpu" or threads == 1:
        return
    busy = busy_cores()
    if busy + threads > cores + 0.5:
        warnings.warn(
            f"other work keeps {busy:.1f} of {cores} cores busy; {threads} torch threads "
            "beside it can be many times slower than one: set OMP_NUM_THREADS=1",
            stacklevel=3,
        )


def save_pictures(encoder: Encoder, held_out: Source, folder: Path, seed: int) -> None:
    """Write reconstructions, samples and traversals, and learning curves if there are some."""
    # Not above: each agent's process imports this module, and draws nothing.
    from worldvae.autoencoders.pictures import pictures
    from worldvae.plots.frames import training_figure
    from worldvae.plots.png import save_png

    chosen = np.linspace(0, len(held_out) - 1, PICTURED).astype(np.int64)
    figures = pictures(encoder, held_out.gather(chosen), seed, held_out.actions(chosen))
    if lines := METRICS.read(folder):
        figures["training"] = training_figure(_curves(lines))
    for name, figure in figures.items():
        save_png(figure, folder / f"{name}.png")


def _curves(lines: Sequence[MetricsLine]) -> dict[str, dict[str, list[float]]]:
    """Return for each split the steps and the values of each metric: split -> name -> values."""
    curves: dict[str, dict[str, list[float]]] = {"train": {}, "validation": {}}
    for line in lines:
        for name, value in {"step": float(line.step), **line.metrics}.items():
            curves[line.split].setdefault(name, []).append(value)
    return curves
