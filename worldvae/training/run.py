"""A training between two checkpoints: one step, one evaluation, what is saved and restored."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic

import torch
from torch import Tensor

from worldvae.checksum import read_checked_bytes, write_checked_bytes
from worldvae.errors import ArtifactError, TrainingError
from worldvae.files import user_errors
from worldvae.fingerprint import Fingerprint
from worldvae.seeding import derive
from worldvae.training.batches import AnyBatch, Examples, TensorBatch, even_batches
from worldvae.training.config import FitConfig
from worldvae.training.distributed import averaged
from worldvae.training.optimisation import Losses, Optimisation
from worldvae.training.recorded import RecordedSteps, can_record
from worldvae.training.result import StopReason
from worldvae.training.trainable import Trainable

CHECKPOINT = "checkpoint.pt"
EXPLODED = 1e4  # a loss this many times the first one does not come back
# To look at a loss is to wait until a GPU has computed it; a CPU has it already.
STEPS_BETWEEN_LOOKS = {"cpu": 1, "cuda": 16}


@dataclass
class TrainingProgress:
    """How far a training is; `stale` counts the evaluations since the best one."""

    step: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    first_loss: float | None = None
    best_step: int = 0
    best_loss: float = math.inf
    best_metrics: dict[str, float] = field(default_factory=dict)
    stale: int = 0


class TrainingRun(Generic[AnyBatch]):
    """A model that is being trained, with its optimiser, its metrics and its best weights."""

    def __init__(
        self,
        model: Trainable[AnyBatch],
        config: FitConfig,
        folder: Path,
        seed: int,
        device: torch.device,
    ) -> None:
        self.model, self.config, self.seed, self.device = model, config, seed, device
        self.checkpoint = folder / CHECKPOINT
        recordable = can_record(device)
        self.optimisation = Optimisation(model, config, device, recordable)
        self._recorded = RecordedSteps[Any](self.optimisation) if recordable else None
        self.progress = TrainingProgress()
        self.best: dict[str, Tensor] = {}
        self.identity = Fingerprint({})
        self._sums: dict[str, Tensor] = {}
        self._summed = 0
        self._unchecked: list[tuple[int, Tensor]] = []
        self._started, self._cpu_started = time.perf_counter(), time.process_time()

    def seconds(self) -> float:
        """Return the wall-clock seconds of training, including those before a resume."""
        return self.progress.seconds + time.perf_counter() - self._started

    def cpu_seconds(self) -> float:
        """Return the processor seconds of all threads of this process, as `seconds` counts them."""
        return self.progress.cpu_seconds + time.process_time() - self._cpu_started

    def reason_to_stop(self) -> StopReason | None:
        """Return which limit is reached, or None if training goes on."""
        config = self.config
        if self.progress.step >= config.steps:
            return "steps"
        if config.patience and self.progress.stale >= config.patience:
            return "patience"
        late = config.max_minutes is not None and self.seconds() >= 60 * config.max_minutes
        # However short the time, there is a step to show for it.
        return "minutes" if late and self.progress.step else None

    def learn(self, batch: AnyBatch) -> None:
        """Make one step of the optimiser."""
        step = self.progress.step
        self.model.train(True)
        self.optimisation.set_learning_rate(self.config.learning_rate_at(step))
        loss, metrics = self._make_step(batch.to(self.device), derive(self.seed, "noise", step))
        self._unchecked.append((step, loss))
        if len(self._unchecked) >= STEPS_BETWEEN_LOOKS.get(self.device.type, 1):
            self._check_steps()
        self._sums = {key: self._sums.get(key, 0) + value for key, value in metrics.items()}
        self._summed += 1
        self.progress.step += 1

    def take_means(self) -> dict[str, float]:
        """Return the means of the metrics over the processes and the steps since the last call."""
        self._check_steps()
        means = [float(total) / self._summed for total in self._sums.values()]
        shared = averaged(torch.tensor(means, dtype=torch.float64)).tolist()
        named = dict(zip(self._sums, shared, strict=True))
        self._sums, self._summed = {}, 0
        return named

    @torch.no_grad()
    def evaluate(self, validation: Examples[AnyBatch]) -> dict[str, float]:
        """Return the means over the validation set; keep the weights if their `loss` is the least
        yet.

        Each evaluation sees the same examples and draws the same noise. It asks for the objective
        at its end (step None): with that of an early step, such as a beta still in its warm-up,
        early weights would look best. Each mean is over the batches that have the metric; if none
        has a `loss`, it is that of what training minimises.
        """
        self.model.train(False)
        objective, totals, seen = 0.0, dict[str, float](), dict[str, int]()
        limit = min(len(validation), self.config.validation_frames)
        batches = even_batches(validation, self.config.batch_size, limit)
        for number, batch in enumerate(batches):
            generator = self._generator(derive(self.seed, "validation", number))
            known = batch.to(self.device), generator, None
            loss, metrics = self.optimisation.compute(self.model.loss, *known)
            objective += float(loss) * len(batch) / limit
            for name, value in metrics.items():
                totals[name] = totals.get(name, 0.0) + float(value) * len(batch) / limit
                seen[name] = seen.get(name, 0) + len(batch)
        means = {"loss": objective}
        means |= {name: total * (limit / seen[name]) for name, total in totals.items()}
        self._check(means["loss"], self.progress.step)
        self._remember(means)
        return means

    def save(self) -> None:
        """Write the checkpoint that `restore` reads."""
        spent = {"seconds": self.seconds(), "cpu_seconds": self.cpu_seconds()}
        progress = {**asdict(self.progress), **spent}
        state = {
            "identity": self.identity.sections,
            "progress": progress,
            "model": self.model.state_dict(),
            "optimizer": self.optimisation.optimizer.state_dict(),
            "best": self.best,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_checked_bytes(self.checkpoint, buffer.getvalue())

    def restore(self, data: Mapping[str, Any]) -> None:
        """Go on from the checkpoint if there is one; ArtifactError if it is of another run."""
        settings = self.config.model_dump(mode="json", exclude={"max_minutes"})
        model = self.model.config.model_dump(mode="json")
        precision = {"precision": self.optimisation.precision, "seed": self.seed}
        self.identity = Fingerprint(
            {"fit": settings | precision, "model": model, "data": dict(data)}
        )
        if not self.checkpoint.exists():
            return
        state = _load(self.checkpoint, self.device)
        self.identity.check(Fingerprint(state["identity"]), self.checkpoint.parent)
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError:
            raise ArtifactError(
                f"{self.checkpoint} is of another network; choose another folder"
            ) from None
        self.optimisation.load(state["optimizer"])
        self.progress = TrainingProgress(**state["progress"])
        self.best = state["best"]

    def take_best(self) -> None:
        """Give the model the weights of its best evaluation, and switch it to evaluation."""
        self.model.load_state_dict(self.best)
        self.model.train(False)

    def _make_step(self, batch: AnyBatch, noise: int) -> Losses:
        if self._recorded is not None and isinstance(batch, TensorBatch):
            return self._recorded.step(batch, noise, self.progress.step)
        return self.optimisation.step(batch, self._generator(noise), self.progress.step)

    def _generator(self, seed: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed)

    def _check_steps(self) -> None:
        for step, loss in self._unchecked:
            if self.progress.first_loss is None:
                self.progress.first_loss = float(loss)
            self._check(float(loss), step)
        self._unchecked = []

    def _check(self, loss: float, step: int) -> None:
        """Raise TrainingError if `loss` is not finite, or far above the first one of training."""
        config, precision = self.config, self.optimisation.precision
        first = loss if self.progress.first_loss is None else self.progress.first_loss
        if math.isfinite(loss) and abs(loss) <= EXPLODED * max(abs(first), 1.0):
            return
        raise TrainingError(
            f"training diverged: loss {loss:.4g} at step {step} (first loss {first:.4g}); use a "
            f"lower learning_rate (now {config.learning_rate:g}), a smaller gradient_clip (now "
            f"{config.gradient_clip:g}, 0: none) or precision float32 (now {precision})"
        )

    def _remember(self, metrics: dict[str, float]) -> None:
        progress = self.progress
        if metrics["loss"] < progress.best_loss:
            progress.best_step, progress.best_loss = progress.step, metrics["loss"]
            progress.best_metrics, progress.stale = metrics, 0
            self.best = {name: value.clone() for name, value in self.model.state_dict().items()}
        else:
            progress.stale += 1


def drop_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a finished folder: resuming is over, and it is the largest file."""
    with user_errors(folder):
        (folder / CHECKPOINT).unlink(missing_ok=True)


def _load(path: Path, device: torch.device) -> dict[str, Any]:
    remedy = "delete it to train from the beginning"
    data = io.BytesIO(read_checked_bytes(path, remedy))
    try:
        state: dict[str, Any] = torch.load(data, map_location=device, weights_only=True)
    except Exception:  # noqa: BLE001  # whole, so of another torch, which raises what it likes
        raise ArtifactError(f"{path} cannot be read by this torch; {remedy}") from None
    return state
