"""Saves and loads an agent's weights; only the files that its card names belong to the agent."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.save_util import save_to_pkl

from agents.config.agent import algorithm_class
from agents.policy.replay import BUFFER, cut_off, filled_part, whole
from agents.run.agent_card import AgentCard, write_card
from worldvae.errors import ArtifactError
from worldvae.files import atomic_file, atomic_write_bytes, sha256_file, user_errors


def save_agent(folder: Path, model: BaseAlgorithm, card: AgentCard) -> AgentCard:
    """Write new weights, then the card that names them; then delete the old weights."""
    buffer = io.BytesIO()
    model.save(buffer, exclude=BUFFER)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    card = card.model_copy(
        update={"model": f"model_{card.trained_steps}.zip", "model_sha256": digest}
    )
    atomic_write_bytes(folder / card.model, buffer.getvalue())
    card = card.model_copy(update=_save_replay(folder, model, card.trained_steps))
    write_card(folder, card)
    drop_others(folder, card)
    return card


def load_model(
    folder: Path, card: AgentCard, device: str = "cpu", **arguments: Any
) -> BaseAlgorithm:
    """Load the weights that `card` names.

    Stable-Baselines3's zip is unpickled, which runs any code in it. So only a file with the hash in
    its card is opened. That guards against damage and mix-ups, but not against an attacker who
    writes both files: load only agents of people you trust.
    """
    path = folder / card.model
    with user_errors(path):
        data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != card.model_sha256:
        raise ArtifactError(
            f"{path}: not the weights of card.json; remove {folder} and train again"
        )
    algorithm: type[BaseAlgorithm] = algorithm_class(card.algorithm)
    return algorithm.load(io.BytesIO(data), device=device, **arguments)


def load_replay(folder: Path, card: AgentCard, model: BaseAlgorithm) -> None:
    """Load the replay buffer that `card` names into `model`; its hash is checked, too.

    Environments are reset before `model` trains on: no return crosses from the last transitions of
    the buffer into those that follow. A card without a buffer leaves that of `model` empty.
    """
    if not card.replay or not isinstance(model, OffPolicyAlgorithm):
        return
    path = folder / card.replay
    if sha256_file(path) != card.replay_sha256:
        raise ArtifactError(f"{path}: not the buffer of card.json; remove {folder} and train again")
    model.load_replay_buffer(path)
    if model.replay_buffer is not None:
        model.replay_buffer = whole(model.replay_buffer)
        cut_off(model.replay_buffer)


def _save_replay(folder: Path, model: BaseAlgorithm, trained_steps: int) -> dict[str, str]:
    """Save the replay buffer of an algorithm that has one; return its entries for the card."""
    if not isinstance(model, OffPolicyAlgorithm) or model.replay_buffer is None:
        return {}
    path = folder / f"replay_{trained_steps}.pkl"
    with atomic_file(path) as file:
        save_to_pkl(file, filled_part(model.replay_buffer))  # type: ignore[arg-type]
    return {"replay": path.name, "replay_sha256": sha256_file(path)}


def drop_replay(folder: Path, card: AgentCard) -> None:
    """Delete the replay buffer of an agent that has no steps left to train: nothing else reads it.

    The card goes first, since it may name no file that is missing.
    """
    if card.replay:
        write_card(folder, card.without_replay)
        drop_others(folder, card.without_replay)


def drop_others(folder: Path, card: AgentCard) -> None:
    """Delete the weights and replay buffers in `folder` that `card` does not name.

    An interrupted checkpoint leaves the files that it wrote, or those that it replaced.
    """
    with user_errors(folder):
        for path in [*folder.glob("model_*.zip"), *folder.glob("replay_*.pkl")]:
            if path.name not in {card.model, card.replay}:
                path.unlink()
