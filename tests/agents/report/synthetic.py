"""Run folders as a comparison leaves them, with numbers that a test can know."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.checksums import amend
from tests.diagnostics.synthetic import evidence
from worldvae.checksum import write_checked, write_checked_bytes
from worldvae.diagnostics.rules.evidence import HEALTH, Health
from worldvae.jsonl import append_jsonl

UNKNOWN = {"cpu_seconds": None, "peak_memory": None}
VERSIONS = {"torch": "2.13.0"}
COLLECTION = {
    **{"env_steps": 20_000, "frames": 10_000, "seconds": 120.0, "episodes": 20},
    **{"command": "python -m scripts.collect configs/tiny.yaml", "versions": VERSIONS, **UNKNOWN},
}
PRETRAINING = {
    **{"seconds": 480.0, "steps": 5_000, "parameters": 4_000_000, **UNKNOWN},
    **{"stopped": "steps", "best_step": 5_000, "metrics": {"loss": 1.5}},
}
CARD = {
    **{"frame": {}, "source_shape": [96, 96, 3], "env_id": "CarRacing-v3", "data_sha256": "f"},
    **{"trained": True, "latent_mean": [0.0] * 3, "latent_std": [1.0] * 3, "action_size": 0},
    **{"kl": [4.0, 0.001, 2.5], "scores": {"mse": 0.0125}, "versions": VERSIONS},
    "weights_sha256": "e",
}
EPISODE_SEEDS = [1000, 1001]


def write_run(
    folder: Path, returns: Mapping[str, Mapping[int, Sequence[float]]], env_steps: int = 100_000
) -> Path:
    """`returns[arm][seed]` are the final evaluation's; an empty list leaves the agent unfinished.

    Every agent was evaluated at a tenth of its steps and at each tenth after, rising to its score.
    """
    write_config(folder, "env:\n  id: CarRacing-v3\n")
    write_json(folder / "rollouts/result.json", COLLECTION)
    write_json(folder / "encoder/result.json", PRETRAINING)
    write_json(folder / "encoder/card.json", CARD)
    for arm, seeds in returns.items():
        for seed, episodes in seeds.items():
            write_agent(folder / "agents" / arm / f"seed_{seed}", episodes, env_steps)
    return folder


def write_agent(folder: Path, returns: Sequence[float], env_steps: int) -> None:
    """One agent that trained 100 env steps a second; without returns it stopped half-way."""
    final = float(np.mean(returns)) if len(returns) else 0.0
    for tenth in range(1, 11 if len(returns) else 6):
        done = env_steps * tenth // 10
        point = {"env_steps": done, "seconds": done / 100}
        told = {"returns": [final * tenth / 10], "lengths": [9], "cpu_seconds": None}
        spent = {"refresh_env_steps": 0, "refresh_seconds": 0.0}
        append_jsonl(folder / "evaluations.jsonl", {**point, **told, **spent})
        append_jsonl(folder / "episodes.jsonl", {**point, "return": final, "length": 9})
    if len(returns):
        write_json(folder / "result.json", result(folder, returns, env_steps))


def result(folder: Path, returns: Sequence[float], env_steps: int) -> dict[str, object]:
    return {
        "arm": folder.parent.name,
        "algorithm": "PPO",
        "seed": int(folder.name.removeprefix("seed_")),
        "env_steps": env_steps,
        "seconds": env_steps / 100,
        **UNKNOWN,
        "evaluation_seconds": None,
        **{"refreshes": 0, "refresh_env_steps": 0},
        **{"refresh_seconds": 0.0, "refresh_cpu_seconds": 0.0},
        "parameters_trained": 1_234_567,
        "parameters_frozen": 89_000,
        "command": "python -m scripts.compare configs/tiny.yaml",
        "versions": VERSIONS,
        "otherwise": None,
        "files": None,
        "evaluation": {
            "deterministic": None,
            "successes": [None] * len(returns),
            "seeds": list(range(1000, 1000 + len(returns))),
            "returns": list(returns),
            "lengths": [50] * len(returns),
            "env_id": "CarRacing-v3",
        },
    }


def write_check(folder: Path, verdict: str, findings: Sequence[object]) -> None:
    """The health check of a run's encoder."""
    found = {"verdict": verdict, "findings": findings}
    told = {"seconds": {}, "seed": 0, "rollouts": "rollouts"}
    HEALTH.write(folder / "encoder", Health(**dict(evidence()), **found, **told))


def write_json(path: Path, values: Mapping[str, object]) -> None:
    write_checked(path, values)


def record_spending(folder: Path) -> None:
    """What a run records of its time and memory; seed k trains 10 + k CPU minutes in k + 1 GiB."""
    amend(folder / "rollouts/result.json", cpu_seconds=60.0, peak_memory=2**28)
    amend(folder / "encoder/result.json", cpu_seconds=900.0, peak_memory=2**31)
    for path in folder.glob("agents/*/seed_*/result.json"):
        seed = int(path.parent.name.removeprefix("seed_"))
        amend(
            path,
            cpu_seconds=600.0 + 60 * seed,
            peak_memory=(seed + 1) * 2**30,
            evaluation_seconds=30.0,
        )


def act_both_ways(folder: Path, gain: float) -> None:
    """Let every agent have been scored with sampled actions, and `gain` higher with its mode."""
    for path in folder.glob("agents/*/seed_*/result.json"):
        played = json.loads(path.read_text())["evaluation"]
        returns = [value + gain for value in played["returns"]]
        amend(
            path,
            evaluation={**played, "deterministic": False},
            otherwise={**played, "returns": returns, "deterministic": True},
        )


def state(folder: Path, compare: str) -> None:
    """Write `compare`, a flow mapping, into the resolved configuration."""
    write_config(folder, f"env: {{id: CarRacing-v3}}\ncompare: {compare}\n")


def write_config(folder: Path, text: str) -> None:
    write_checked_bytes(folder / "config.yaml", text.encode())
