"""The row of memory: pretraining on a store that is much larger than the memory it may use."""

from __future__ import annotations

import os
import sys
import time
from contextlib import redirect_stderr
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from agents.benchmark.bench import Bench
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.measure import Comparison, Lap
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.pretrain import pretrain
from worldvae.envs import EnvConfig
from worldvae.errors import ConfigError, TrainingError
from worldvae.rollouts import Episode, RolloutStore
from worldvae.rollouts.manifest import MANIFEST, split_of

POLL_SECONDS = 0.05


def peak_memory(bench: Bench) -> Comparison:
    """Compare the bytes that `pretrain` holds with those of the store's frames, in one round."""
    if not Path("/proc/self/status").exists():
        raise ConfigError("only Linux tells the memory of a process apart from its mapped files")
    settings, env = bench.config.memory, bench.config.car_racing
    with bench.scratch() as folder:
        shape = (settings.episodes, settings.length, settings.distinct)
        store = linked_store(folder / "rollouts", env, shape, bench.seed("memory"))
        total = store.num_frames * int(np.prod(env.frame.shape))
        arguments = (store.folder, _config(bench.config), folder / "encoder", bench.device)
        kept = _peak_of_child(arguments)
    # A lap's rate is 1 / bytes, so that the ratio says how many times less is kept.
    note = f"{store.num_frames:,} frames, resident anonymous memory, read every 50 ms"
    return Comparison((Lap(1, kept),), (Lap(1, total),), note)


def _config(config: BenchmarkConfig) -> PretrainConfig:
    steps = config.memory.steps
    validation = {"validation_frames": config.memory.validation_frames}
    return config.pretrain.model_copy(
        update={"steps": steps, "evaluate_every": steps, **validation}
    )


def linked_store(
    folder: Path, env: EnvConfig, shape: tuple[int, int, int], seed: int
) -> RolloutStore:
    """Make a store of which most episodes are hard links to a few with noise.

    `shape` is (episodes, decisions of each, episodes that are no links).
    """
    episodes, length, distinct = shape
    store = RolloutStore.create(folder, env)
    generator = np.random.default_rng(seed)
    for _ in range(min(distinct, episodes)):
        store.append(_noise(env, length, generator))
    originals = list(store.records)
    records = list(originals)
    for index in range(len(originals), episodes):
        original = originals[index % len(originals)]
        name = f"{index:06d}"
        for ending in (".frames.npy", ".npz"):
            os.link(folder / f"{original.name}{ending}", folder / f"{name}{ending}")
        records.append(original.model_copy(update={"name": name, "split": split_of(index)}))
    MANIFEST.write(folder, records)
    return RolloutStore(folder)


def _noise(env: EnvConfig, length: int, generator: np.random.Generator) -> Episode:
    last = np.arange(length) == length - 1
    return Episode(
        obs=generator.integers(256, size=(length + 1, *env.frame.shape), dtype=np.uint8),
        action=np.zeros((length, 2), np.float32),
        reward=np.zeros(length),
        terminated=last,
        truncated=np.zeros(length, bool),
        seed=0,
        policy="noise",
    )


def _peak_of_child(arguments: tuple[Path, PretrainConfig, Path, str]) -> int:
    """Return the peak of anonymous memory of a child process that pretrains, in bytes."""
    child = get_context("spawn").Process(target=_pretrain, args=arguments)
    child.start()
    peak = 0
    while child.is_alive():
        peak = max(peak, anonymous_bytes(child.pid or 0))
        time.sleep(POLL_SECONDS)
    child.join()
    if child.exitcode:
        raise TrainingError(f"pretraining on the large store ended with status {child.exitcode}")
    return peak


def _pretrain(store: Path, config: PretrainConfig, folder: Path, device: str) -> None:
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        pretrain(RolloutStore(store), config, folder, seed=0, device=device)
    sys.stdout.flush()


def anonymous_bytes(pid: int) -> int:
    """Return RssAnon + RssShmem of a process, see proc(5), in bytes; 0 if it has ended.

    This memory, unlike that of mapped files, cannot be reclaimed.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    sizes = dict(line.split(":", 1) for line in lines if ":" in line)
    kept = (sizes.get(name, "0 kB").split()[0] for name in ("RssAnon", "RssShmem"))
    return 1024 * sum(map(int, kept))
