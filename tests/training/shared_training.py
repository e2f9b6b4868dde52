"""A process of test_distributed.py: torchrun -m tests.training.shared_training FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.autoencoders.tiny import SHAPE, Frames, squares, tiny
from worldvae.autoencoders.examples import FrameExamples
from worldvae.autoencoders.model import Autoencoder
from worldvae.training.config import FitConfig
from worldvae.training.distributed import processes
from worldvae.training.fit import fit
from worldvae.training.result import TrainingResult

OBJECTIVES: dict[str, dict[str, Any]] = {
    "ae": {"name": "ae", "sigma": "learned"},
    "dae": {"name": "dae", "noise": 0.2, "mask": 0.2},
    "free bits": {"name": "vae", "free_bits": 0.5},
    "capacity_vae": {"name": "capacity_vae", "capacity": 8, "capacity_steps": 4},
    "beta_tcvae": {"name": "beta_tcvae", "beta": 6},
    "dip_vae": {"name": "dip_vae", "dip": 5},
    "in units": {"standardise": True, "motion_weight": 2.0},
}
CONFIG = FitConfig(steps=4, batch_size=8, evaluate_every=2, precision="float32", gradient_clip=1e3)


def train(folder: Path, objective: str) -> tuple[dict[str, torch.Tensor], TrainingResult]:
    """The best weights of a short training, and how it ended."""
    config = tiny(**OBJECTIVES[objective])
    sources = [
        Frames(np.concatenate([squares(size, seed + k) for k in range(config.window.length)], -1))
        for size, seed in ((30, 0), (10, 9))
    ]
    model = Autoencoder.for_frames(config, SHAPE, sources[0], seed=0)
    result = fit(model, *map(FrameExamples, sources), CONFIG, folder, seed=0)
    return model.state_dict(), result


def main() -> None:
    folder = Path(sys.argv[1])
    with processes() as share:
        for objective in OBJECTIVES:
            weights, _ = train(folder / objective, objective)
            if share.rank == 0:
                torch.save(weights, folder / objective / "weights.pt")


if __name__ == "__main__":
    main()
