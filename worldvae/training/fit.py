"""The training loop: steps, evaluations, metrics and checkpoints."""

from __future__ import annotations

import warnings
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path

from worldvae.machine import peak_memory
from worldvae.progress import ProgressBar
from worldvae.training.batches import AnyBatch, Examples, check_not_empty, shuffled_batches
from worldvae.training.board import Board
from worldvae.training.config import FitConfig
from worldvae.training.distributed import check_divisible, first_does, own_share
from worldvae.training.metrics_log import METRICS, MetricsLine
from worldvae.training.resident import reader
from worldvae.training.result import TrainingResult
from worldvae.training.run import TrainingRun
from worldvae.training.trainable import Trainable


def fit(
    model: Trainable[AnyBatch],
    train: Examples[AnyBatch],
    validation: Examples[AnyBatch],
    config: FitConfig,
    folder: Path,
    seed: int,
    is_trained: bool = False,
) -> TrainingResult:
    """Train `model` until a limit of `config` or until `validation` stops improving.

    It is trained on the device that its weights are on, and ends with those of its best evaluation;
    if it `is_trained` already, those that it begins with are one to choose from. checkpoint.pt,
    metrics.jsonl and tensorboard/ are written into `folder`. A killed run that is called again goes
    on from its last evaluation; on the CPU it ends with the same bits as an unbroken one. Raises
    TrainingError if the loss diverges, ArtifactError if `folder` holds another run.

    Under torchrun each process computes its share of each batch. The first process alone evaluates,
    writes, and ends with the best weights.
    """
    check_not_empty(train, "train")
    check_not_empty(validation, "validation")
    check_divisible(config.batch_size)
    share, place = own_share(), next(model.parameters()).device
    run = TrainingRun(model, config, folder, seed, place)
    run.restore({"train": dict(train.identity), "validation": dict(validation.identity)})
    first = run.progress.step
    reads = reader(train, place)
    batches = shuffled_batches(train, config.batch_size, seed, first, share, reads)
    log = None if share.rank else _Log(folder, first)
    with (
        closing(batches),
        closing(log) if log else nullcontext(),
        ProgressBar("fit", config.steps, "steps", done=first, hidden=share.rank > 0) as bar,
    ):
        if is_trained and not run.best:
            first_does(partial(_judge, run, validation, {}, log, bar))
        stopped = first_does(run.reason_to_stop)
        while stopped is None:
            run.learn(next(batches))
            bar.reach(run.progress.step)
            stopped = first_does(run.reason_to_stop)
            if stopped or run.progress.step % config.evaluate_every == 0:
                first_does(partial(_judge, run, validation, run.take_means(), log, bar))
                stopped = stopped or first_does(run.reason_to_stop)
    first_does(run.take_best)
    return _result(run, model, stopped)


def _judge(
    run: TrainingRun[AnyBatch],
    validation: Examples[AnyBatch],
    means: dict[str, float],
    log: _Log | None,
    bar: ProgressBar,
) -> None:
    """Evaluate the model, and keep what it and the `means` of its training steps say."""
    held_out = run.evaluate(validation)
    if log:
        log.write(run.progress.step, run.seconds(), means, held_out)
    run.save()
    bar.note(f"held_out={held_out['loss']:.4g}, best={run.progress.best_step}")


def _result(run: TrainingRun[AnyBatch], model: Trainable[AnyBatch], stopped: str) -> TrainingResult:
    return TrainingResult(
        seconds=run.seconds(),
        cpu_seconds=run.cpu_seconds(),
        peak_memory=peak_memory(),
        steps=run.progress.step,
        stopped=stopped,
        best_step=run.progress.best_step,
        metrics=run.progress.best_metrics,
        parameters=sum(weight.numel() for weight in model.parameters()),
        precision=run.optimisation.precision,
    )


class _Log:
    """Writes metrics.jsonl and TensorBoard; rows of later steps than the checkpoint's go."""

    def __init__(self, folder: Path, step: int) -> None:
        self.folder = folder
        kept = [line for line in METRICS.read(folder) if line.step <= step]
        last = (kept[-1].step, kept[-1].split) if kept else (0, "")
        if step and last != (step, "validation"):
            warnings.warn(
                f"{folder / METRICS.name}: lines up to step {step} are missing", stacklevel=4
            )
        METRICS.write(folder, kept)
        self.board = Board(folder / "tensorboard", step)

    def write(
        self, step: int, seconds: float, train: dict[str, float], validation: dict[str, float]
    ) -> None:
        for split, metrics in (("train", train), ("validation", validation)):
            if not metrics:
                continue  # before the first step
            line = MetricsLine(step=step, split=split, seconds=round(seconds, 3), **metrics)
            METRICS.append(self.folder, line)
            for name, value in metrics.items():
                self.board.add(f"{name}/{split}", value, step)

    def close(self) -> None:
        self.board.close()
