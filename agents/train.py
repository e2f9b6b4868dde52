"""Train one agent: an arm and a seed. Killed at any moment, the same call goes on."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecNormalize

from agents.agent import Agent, AgentCard, load_model, read_card
from agents.arms import encoder_folder, load_eyes, relative_encoder, training_env
from agents.evaluate import Score, evaluate
from agents.experiment import ArmName, Experiment, check_settings, record_settings
from agents.ppo import learning_rate, make_ppo
from agents.progress import Progress
from agents.provenance import exact_command
from agents.video import record_video
from worldvae.autoencoders import hash_encoder, library_versions
from worldvae.config import UserError
from worldvae.files import atomic_write_text, locked, read_jsonl, write_jsonl
from worldvae.seeding import derive

LOGS = ["json", "tensorboard"]
DECIDES = ("seed", "env", "rollouts", "pretrain", "ppo", "evaluation")
"""Sections of the config that decide an agent and its score."""


def train(experiment: Experiment, arm: ArmName, seed: int) -> Path:
    """Train, score and film the agent of `arm` and `seed`; its folder.

    A folder with `result.json` is done and left alone; any other goes on from its checkpoint.
    """
    folder = experiment.agent_folder(arm, seed)
    check_settings(folder / "settings.yaml", experiment, DECIDES)
    if (folder / "result.json").exists():
        return folder
    with locked(folder, "training"):
        _train(experiment, arm, seed, folder)
    return folder


def _train(experiment: Experiment, arm: ArmName, seed: int, folder: Path) -> None:
    record_settings(folder / "settings.yaml", experiment, DECIDES)
    card = _resume_or_begin(experiment, arm, seed, folder)
    _forget_after(folder, card.env_steps)
    stream = derive(seed, "train", card.env_steps)
    env = training_env(experiment, arm, stream)
    try:
        model = _load_or_make(experiment, folder, card, env, stream)
        eyes = load_eyes(experiment, arm)
        deterministic = experiment.evaluation.deterministic
        agent = Agent(model, card.stack, eyes, card.env.image_key, deterministic)
        card = _learn(experiment, folder, agent, card)
    finally:
        env.close()
    _finish(experiment, folder, agent, card)


def _resume_or_begin(experiment: Experiment, arm: ArmName, seed: int, folder: Path) -> AgentCard:
    """The card of the last checkpoint; UserError if its encoder is no longer the one in place."""
    new = new_card(experiment, arm, seed, folder)
    if not (folder / "card.json").exists():
        return new
    card = read_card(folder)
    if card.encoder_sha256 != new.encoder_sha256:
        raise UserError(
            f"{folder} was begun with another encoder than the one in "
            f"{encoder_folder(experiment, arm)}; remove it to train again"
        )
    return card


def new_card(experiment: Experiment, arm: ArmName, seed: int, folder: Path) -> AgentCard:
    """The card of an agent that has not begun."""
    encoder = encoder_folder(experiment, arm)
    return AgentCard(
        arm=arm,
        seed=seed,
        env=experiment.env,
        stack=experiment.ppo.stack,
        whiten=experiment.ppo.whiten,
        encoder=relative_encoder(experiment, arm, folder),
        encoder_sha256=None if encoder is None else hash_encoder(encoder),
    )


def measure(experiment: Experiment, agent: Agent, card: AgentCard, episodes: int) -> list[Score]:
    """Score `agent` on the first `episodes` evaluation seeds, with sampling noise of its own."""
    settings = experiment.evaluation
    seeds = range(settings.seed, settings.seed + episodes)
    noise = derive(card.seed, "noise", card.arm)
    return evaluate(agent, experiment.env.as_evaluated(), seeds, settings.num_envs, noise)


def _forget_after(folder: Path, env_steps: int) -> None:
    """Drop what was logged after the checkpoint: the resumed training logs it again."""
    for name in ("episodes.jsonl", "evaluations.jsonl"):
        rows = read_jsonl(folder / name)
        kept = [row for row in rows if row["env_steps"] <= env_steps]
        if len(kept) < len(rows):
            write_jsonl(folder / name, kept)


def _load_or_make(
    experiment: Experiment, folder: Path, card: AgentCard, env: VecNormalize, seed: int
) -> PPO:
    device = experiment.torch_device
    if not card.model:
        model = make_ppo(experiment.ppo, env, seed, device)
    else:
        rate = {"learning_rate": learning_rate(experiment.ppo)}
        model = load_model(folder, card, device, env=env, custom_objects=rate)
        model.set_random_seed(seed)
        env.ret_rms.mean, env.ret_rms.var = np.array(card.return_mean), np.array(card.return_var)
        env.ret_rms.count = card.return_count
    model.set_logger(configure(str(folder / "log" / f"from_{card.env_steps}"), LOGS))
    return model


def _learn(experiment: Experiment, folder: Path, agent: Agent, card: AgentCard) -> AgentCard:
    progress = Progress(
        folder,
        agent,
        card,
        total=experiment.ppo.env_steps,
        every=(experiment.evaluation.every, experiment.ppo.checkpoint_every),
        measure=lambda agent: measure(
            experiment, agent, card, experiment.evaluation.episodes_during_training
        ),
    )
    decisions = math.ceil(experiment.ppo.env_steps / experiment.env.action_repeat)
    remaining = decisions - agent.model.num_timesteps
    if remaining > 0:
        agent.model.learn(remaining, callback=progress, reset_num_timesteps=False)
        return progress.checkpoint()
    return card


def _finish(experiment: Experiment, folder: Path, agent: Agent, card: AgentCard) -> None:
    """Score, film, and only then say that it is done."""
    scores = measure(experiment, agent, card, experiment.evaluation.episodes)
    result: dict[str, Any] = {
        "arm": card.arm,
        "seed": card.seed,
        "env_steps": card.env_steps,
        "seconds": card.seconds,
        "parameters_trained": sum(weight.numel() for weight in agent.model.policy.parameters()),
        "parameters_frozen": 0 if agent.encode is None else agent.encode.encoder.parameters,
        "command": exact_command(),
        "versions": library_versions(),
        "evaluation": {
            "env_id": experiment.env.id,
            "seeds": [score.seed for score in scores],
            "returns": [score.return_ for score in scores],
            "lengths": [score.length for score in scores],
        },
    }
    try:
        record_video(agent, experiment.env, experiment.evaluation.seed, folder / "video.webm")
    except UserError as error:  # a score is worth more than its film
        warnings.warn(f"no video: {error}", stacklevel=2)
    atomic_write_text(folder / "result.json", json.dumps(result, indent=1))
