"""Train one agent: an arm and a seed. Killed at any moment, the same call goes on."""

from __future__ import annotations

import math
import time
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.vec_env import VecNormalize

from agents.arms.build import (
    encoder_folder,
    env_of,
    first_layers,
    frames_of,
    open_eyes,
    relative_encoder,
    training_env,
)
from agents.config.algorithm_arguments import library_errors
from agents.config.experiment import Experiment, check_settings, record_settings
from agents.config.sections import ArmName
from agents.drift.refresh import must_refresh, refresh, watch
from agents.policy.agent import Agent
from agents.policy.algorithms import make_model
from agents.policy.callback import Progress
from agents.policy.card import AgentCard, own_encoder, read_card, restore_normalization
from agents.policy.checkpoint import drop_others, load_model, load_replay
from agents.policy.evaluate import Score, evaluate
from agents.policy.resources import PeakMemory
from agents.policy.training_log import open_log
from agents.run.agent_files import LOGS, RESULT, VIDEO, check_counts, hash_files, is_finished
from agents.run.command import exact_command
from agents.video.film import record_video
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.checksum import write_checked
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.files import locked, read_jsonl, write_jsonl
from worldvae.seeding import derive
from worldvae.training.device import torch_device
from worldvae.versions import library_versions

RECORDED = (
    *("arm", "algorithm", "seed", "env_steps", "seconds", "cpu_seconds", "peak_memory"),
    *("refreshes", "refresh_env_steps", "refresh_seconds", "refresh_cpu_seconds"),
)
"""What a result takes from the card."""

DECIDES = ("seed", "env", "rollouts", "pretrain", "agent", "evaluation", "drift")
"""Sections of the config that decide an agent and its score."""


def train(experiment: Experiment, arm: ArmName, seed: int) -> Path:
    """Train, score and film the agent of `arm` and `seed`; its folder.

    A folder with a `result.json` that is whole is done and left alone; any other goes on from its
    checkpoint.
    """
    folder = experiment.agent_folder(arm, seed)
    check_settings(folder / "settings.yaml", experiment, DECIDES)
    if is_finished(folder):
        return folder
    with locked(folder, "training", alone=True):
        check_settings(folder / "settings.yaml", experiment, DECIDES)
        if not is_finished(folder):  # another may have finished it meanwhile
            _train(experiment, arm, seed, folder)
    return folder


def _train(experiment: Experiment, arm: ArmName, seed: int, folder: Path) -> None:
    record_settings(folder / "settings.yaml", experiment, DECIDES)
    card = _resume_or_begin(experiment, arm, seed, folder)
    drop_others(folder, card)
    while True:
        _forget_after(folder, card)
        if _remaining(experiment, card) and must_refresh(experiment, folder, card):
            card = refresh(experiment, folder, card)
        agent, card = _go_on(experiment, folder, card)
        if not _remaining(experiment, card):
            break
    _finish(experiment, folder, agent, card)


def _go_on(experiment: Experiment, folder: Path, card: AgentCard) -> tuple[Agent, AgentCard]:
    """Train from the last checkpoint to the end, or to where the encoder has to be refitted."""
    stream = derive(card.seed, "train", card.env_steps)
    refitted = own_encoder(folder, card) if card.refreshes else None
    with closing(training_env(experiment, card.arm, stream, refitted)) as env:
        model = _load_or_make(experiment, folder, card, env, stream)
        with open_log(folder / "log" / f"from_{card.env_steps}") as logger:
            model.set_logger(logger)
            eyes = open_eyes(experiment, card.arm, env, refitted)
            agent = Agent(model, eyes, experiment.evaluation.deterministic)
            return agent, _learn(experiment, folder, agent, card)


def _remaining(experiment: Experiment, card: AgentCard) -> int:
    """Decisions left to train for."""
    repeat = experiment.env.action_repeat
    decisions = math.ceil(experiment.agent.env_steps / repeat)
    return max(0, decisions - card.env_steps // repeat)


def _resume_or_begin(experiment: Experiment, arm: ArmName, seed: int, folder: Path) -> AgentCard:
    """The card of the last checkpoint; ArtifactError if its encoder was replaced."""
    new = new_card(experiment, arm, seed, folder)
    if not (folder / "card.json").exists():
        return new
    card = read_card(folder)
    known, path = new.encoder_sha256, encoder_folder(experiment, arm)
    if card.refreshes:
        path = own_encoder(folder, card)
        known = hash_encoder(path)
    if card.encoder_sha256 != known:
        raise ArtifactError(
            f"{folder} was begun with another encoder than the one in {path}; "
            "remove it to train again"
        )
    return card


def new_card(experiment: Experiment, arm: ArmName, seed: int, folder: Path) -> AgentCard:
    """The card of an agent that has not begun."""
    encoder = encoder_folder(experiment, arm)
    return AgentCard(
        arm=arm,
        algorithm=experiment.agent.algorithm,
        seed=seed,
        env=experiment.env,
        stack=frames_of(experiment, arm),
        whiten=experiment.agent.whiten,
        encoder=relative_encoder(experiment, arm, folder),
        encoder_sha256=None if encoder is None else hash_encoder(encoder),
    )


def measure(experiment: Experiment, agent: Agent, card: AgentCard, episodes: int) -> list[Score]:
    """Score `agent` on the first `episodes` evaluation seeds, with sampling noise of its own."""
    settings = experiment.evaluation
    seeds = range(settings.seed, settings.seed + episodes)
    noise = derive(card.seed, "noise", card.arm)
    env = env_of(experiment.env, card.arm).as_evaluated()
    return evaluate(agent, env, seeds, settings.num_envs, noise)


def _forget_after(folder: Path, card: AgentCard) -> None:
    """Drop what was logged after the checkpoint: the resumed training logs it again.

    A warning names a log that lacks lines from before it.
    """
    for name in LOGS:
        remedy = f"restore the file, remove that line, or remove {folder} to train again"
        rows = read_jsonl(folder / name, remedy)
        kept = [row for row in rows if row["env_steps"] <= card.env_steps]
        try:
            check_counts(folder, name, len(kept), card.logged)
        except WorldvaeError as error:  # what is gone does not end a training of hours
            warnings.warn(str(error), stacklevel=2)
        if len(kept) < len(rows):
            write_jsonl(folder / name, kept)


def _load_or_make(
    experiment: Experiment, folder: Path, card: AgentCard, env: VecNormalize, seed: int
) -> BaseAlgorithm:
    device = torch_device(experiment.device)
    if not card.model:
        eyes = first_layers(experiment, card.arm)
        model = make_model(experiment.agent, env, seed, device, eyes)
    else:
        model = load_model(folder, card, device, env=env)
        load_replay(folder, card, model)
        model.set_random_seed(seed)
        restore_normalization(env, card)
    return model


def _learn(experiment: Experiment, folder: Path, agent: Agent, card: AgentCard) -> AgentCard:
    remaining = _remaining(experiment, card)
    if not remaining:
        return card
    with PeakMemory(card.peak_memory) as memory:
        progress = Progress(
            folder,
            agent,
            card,
            total=experiment.agent.env_steps,
            every=(experiment.evaluation.every, experiment.agent.checkpoint_every),
            measure=lambda agent: measure(
                experiment, agent, card, experiment.evaluation.episodes_during_training
            ),
            memory=memory,
        )
        # What the first logs at a step, the second's checkpoint of that step includes.
        watching = watch(experiment, folder, agent, card)
        callbacks = CallbackList([*watching, progress])
        with library_errors(card.algorithm):
            agent.model.learn(remaining, callback=callbacks, reset_num_timesteps=False)
        return progress.checkpoint()


def _finish(experiment: Experiment, folder: Path, agent: Agent, card: AgentCard) -> None:
    """Score, film, and only then say that it is done."""
    settings = experiment.evaluation
    agent.deterministic = settings.deterministic
    began = time.perf_counter()
    scores = measure(experiment, agent, card, settings.episodes)
    took = card.evaluation_seconds + time.perf_counter() - began
    agent.deterministic = not settings.deterministic
    others = measure(experiment, agent, card, settings.episodes_otherwise)
    agent.deterministic = settings.deterministic
    result: dict[str, Any] = {
        **{name: getattr(card, name) for name in RECORDED},
        "evaluation_seconds": took,
        "parameters_trained": sum(weight.numel() for weight in agent.model.policy.parameters()),
        "parameters_frozen": 0 if agent.encode is None else agent.encode.encoder.parameters,
        "command": exact_command(),
        "versions": library_versions(),
        "evaluation": _played(experiment, scores, settings.deterministic),
        "otherwise": _played(experiment, others, not settings.deterministic) if others else None,
    }
    try:
        record_video(agent, experiment.env, settings.seed, folder / VIDEO)
    except WorldvaeError as error:  # a score is worth more than its film
        warnings.warn(f"no video: {error}", stacklevel=2)
    write_checked(folder / RESULT, {**result, "files": hash_files(folder)})


def _played(experiment: Experiment, scores: list[Score], deterministic: bool) -> dict[str, Any]:
    """Evaluation episodes as result.json holds them."""
    return {
        "env_id": experiment.env.id,
        "deterministic": deterministic,
        "seeds": [score.seed for score in scores],
        "returns": [score.return_ for score in scores],
        "lengths": [score.length for score in scores],
        "successes": [score.success for score in scores],
    }
