"""What is published of an agent: its own files, its encoder and its dynamics."""

from __future__ import annotations

from pathlib import Path

from agents.config.experiment import SETTINGS
from agents.hub.card import agent_text
from agents.policy.agent import checked_dynamics, checked_encoder
from agents.run.agent_card import AGENT_CARD, AgentCard, read_card
from agents.run.agent_files import hash_files
from agents.run.agent_result import RESULT
from worldvae.checksum import checked_text
from worldvae.errors import ArtifactError
from worldvae.export.hub import (
    Files,
    HubContent,
    artefact_content,
    dynamics_files,
    encoder_files,
    read_files,
    sha256_of,
    upload,
)
from worldvae.folders import kind_of
from worldvae.hub.address import ROOT
from worldvae.hub.listing import HubKind

ENCODER, DYNAMICS = "encoder", "dynamics"
"""Folders of a published agent."""


def push(
    folder: str | Path, repo_id: str, licence: str | None = None, private: bool = False
) -> str:
    """Publish the agent, the encoder or the dynamics in `folder`; return the address of it.

    The arguments and errors are those of `worldvae.export.hub.push`.
    """
    return upload(hub_content(Path(folder)), repo_id, licence, private)


def hub_content(folder: Path) -> HubContent:
    """Return what is published of `folder`; ArtifactError if it holds none of the three."""
    return agent_content(folder) if kind_of(folder) == "agent" else artefact_content(folder)


def agent_content(folder: Path) -> HubContent:
    """Return what is published of the agent in `folder`; ArtifactError if a part is damaged.

    Encoder and dynamics lie in the same repository, where its card names them. The replay buffer
    is left out.
    """
    card = read_card(folder)
    folders: dict[str, HubKind] = {ROOT: "agent"}
    files = _own_files(folder, card)
    if card.encoder is not None:
        folders[ENCODER] = "encoder"
        files |= _inside(ENCODER, encoder_files(checked_encoder(folder, card)))
    if card.dynamics is not None:
        folders[DYNAMICS] = "dynamics"
        files |= _inside(DYNAMICS, dynamics_files(checked_dynamics(folder, card)))
    return HubContent(folders, files, lambda address: agent_text(folder, address))


def _own_files(folder: Path, card: AgentCard) -> Files:
    others = [name for name in (RESULT.name, SETTINGS) if (folder / name).exists()]
    files = read_files(folder, [card.model, *others, *hash_files(folder)])
    if sha256_of(files[card.model]) != card.model_sha256:
        raise ArtifactError(f"{folder / card.model}: not the weights of card.json")
    moved = {
        "encoder": None if card.encoder is None else ENCODER,
        "dynamics": None if card.dynamics is None else DYNAMICS,
    }
    published = card.without_replay.model_copy(update=moved)
    return {AGENT_CARD.name: checked_text(published).encode(), **files}


def _inside(folder: str, files: Files) -> Files:
    return {f"{folder}/{name}": data for name, data in files.items()}
