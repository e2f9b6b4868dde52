"""Arms x seeds: make what is missing, train what is not trained, report what there is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from agents.experiment import ArmName, Experiment, check_settings
from agents.report import (
    read_run,
    summarise,
    summary_table,
    write_overview,
    write_report,
    write_scores,
)
from agents.stages import prepare
from agents.train import DECIDES
from worldvae.config import to_yaml
from worldvae.files import atomic_write_text, last_jsonl

POLL_SECONDS = 1.0


@dataclass
class Job:
    """One agent to train, in a process of its own."""

    arm: ArmName
    seed: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def __str__(self) -> str:
        return f"{self.arm} seed {self.seed}"

    @property
    def is_done(self) -> bool:
        return (self.folder / "result.json").exists()

    @property
    def log(self) -> Path:
        return self.folder / "train.log"

    def start(self, config: Path, threads: int) -> None:
        """Run `scripts.train`, its output in `train.log`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "scripts.train", str(config)]
        command += ["--arm", self.arm, "--seed", str(self.seed)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )

    @property
    def env_steps(self) -> int:
        """How far its training is."""
        last = last_jsonl(self.folder / "episodes.jsonl")
        return int(last.get("env_steps", 0))

    def failure(self) -> str:
        """The last line it printed."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no output"


def compare(experiment: Experiment) -> bool:
    """Leave `scores.csv` and `report.html` in the experiment's folder; whether all arms finished.

    Run again, it does only what is missing. An agent that fails leaves a hole in the report and
    does not stop the others.
    """
    jobs = [
        Job(arm, seed, experiment.agent_folder(arm, seed))
        for seed in experiment.compare.seeds
        for arm in experiment.compare.arms
    ]
    for job in jobs:
        check_settings(job.folder / "settings.yaml", experiment, DECIDES)
    prepare(experiment, experiment.compare.arms)
    config = experiment.folder / "config.yaml"
    atomic_write_text(config, to_yaml(experiment))
    _run([job for job in jobs if not job.is_done], config, experiment)
    planned = [(job.arm, job.seed) for job in jobs]
    run = read_run(experiment.folder, planned)
    write_scores(run)
    summary = summarise(run, np.random.default_rng(0))
    write_overview(run)
    report = write_report(run, summary)
    print(summary_table(summary))
    print(f"report: {report}")
    return all(job.is_done for job in jobs)


def _run(waiting: list[Job], config: Path, experiment: Experiment) -> None:
    """Keep `compare.workers` jobs running until none waits."""
    workers = experiment.compare.workers
    threads = max(1, (os.cpu_count() or 1) // workers)
    running: list[Job] = []
    total = len(waiting) * experiment.ppo.env_steps
    every = list(waiting)
    with tqdm(total=total, desc="train agents", unit="steps", disable=None) as bar:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    job = waiting.pop(0)
                    job.start(config, threads)
                    running.append(job)
                time.sleep(POLL_SECONDS)
                running = [job for job in running if not _ended(job, bar)]
                bar.update(sum(job.env_steps for job in every) - bar.n)
                bar.set_postfix_str(", ".join(map(str, running)), refresh=False)
        finally:
            _stop(running)


def _ended(job: Job, bar: tqdm[None]) -> bool:
    """Whether the job's process has ended; if so, say how."""
    if job.process is None or job.process.poll() is None:
        return False
    if not job.is_done:
        bar.write(f"{job} failed (see {job.log}): {job.failure()}", file=sys.stderr)
    return True


def _stop(jobs: list[Job]) -> None:
    """End what still runs: each leaves its last checkpoint."""
    for job in jobs:
        if job.process is not None:
            job.process.terminate()
    for job in jobs:
        if job.process is not None:
            job.process.wait()
