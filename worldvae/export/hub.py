"""Publishes encoders and dynamics on the Hugging Face hub, whence their addresses load them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder_files import CONFIG
from worldvae.checksum import checked_text
from worldvae.dynamics.checkpoint import hash_dynamics
from worldvae.dynamics.dynamics_files import DYNAMICS_CONFIG
from worldvae.dynamics.starts_file import STARTS_FILE
from worldvae.errors import ArtifactError, ConfigError
from worldvae.export.artefact_cards import dynamics_text, encoder_text
from worldvae.export.model_card import ModelCardText
from worldvae.files import atomic_write_bytes, user_errors
from worldvae.folders import check_folder, kind_of, wrong_folder
from worldvae.hub.address import ROOT, HubAddress
from worldvae.hub.download import read_listing
from worldvae.hub.listing import LISTING, HubKind, listing_of
from worldvae.hub.words import check_hub_extra, hub_errors
from worldvae.training.weights import WEIGHTS

README = "README.md"
MADE_BY_THE_HUB = ".gitattributes"
ARTEFACT = ("config.json", WEIGHTS, "card.json")
MORE = ("result.json", STARTS_FILE)
"""Files of an encoder or of dynamics that not all of them have."""

Files = dict[str, bytes]
"""Name -> content."""


@dataclass(frozen=True)
class HubContent:
    """What a repository will hold: its folders, the files in them, and what its card says."""

    folders: dict[str, HubKind]
    files: Files
    card: Callable[[str], ModelCardText]
    """From the address to the card."""

    def preview(self, repo_id: str, licence: str | None = None) -> Files:
        """Return all files of the repository, its model card and the listing of the others."""
        check_hub_extra()
        card = self.card(str(address_of(repo_id))).markdown(repo_id, licence)
        listing = listing_of(
            self.folders, ((name, sha256_of(data)) for name, data in self.files.items())
        )
        listed = checked_text(listing).encode()
        return {README: card.encode(), LISTING.name: listed, **self.files}


def push(
    folder: str | Path, repo_id: str, licence: str | None = None, private: bool = False
) -> str:
    """Publish the encoder or the dynamics in `folder`, and return the address that loads them.

    Weights, cards, the starts of dreams and a generated model card are published, nothing else of
    the folder. Agents are published by `agents.hub.push.push`, which takes all three.

    Args:
        repo_id: USER/NAME. It is made if there is none; one of worldvae is replaced.
        licence: One of the hub's names, such as mit; None: the card says that none was named.
        private: Whether only its owner sees a repository that is new.

    Raises ArtifactError if the folder holds neither or is damaged, if the repository holds
    something else, or if the hub refuses or cannot be reached; ConfigError for another name of a
    repository, and without the extra `hub`.
    """
    return upload(artefact_content(Path(folder)), repo_id, licence, private)


def artefact_content(folder: Path) -> HubContent:
    """Return what is published of the encoder or the dynamics in `folder`."""
    kind = artefact_kind(folder)
    files, words = CONTENTS[kind]
    return HubContent({ROOT: kind}, files(folder), lambda address: words(folder, address))


def artefact_kind(folder: Path) -> HubKind:
    """Return whether `folder` holds an encoder or dynamics; ArtifactError if it holds neither."""
    kinds: tuple[HubKind, ...] = ("encoder", "dynamics")
    for kind in kinds:
        if kind_of(folder) == kind:
            check_folder(folder, kind)
            return kind
    raise wrong_folder(folder, *kinds, "agent")


def encoder_files(folder: Path) -> Files:
    """Return the files of the encoder in `folder`; ArtifactError if one is damaged."""
    hash_encoder(folder)  # reads config and card
    return _artefact_files(folder, CONFIG.read(folder).weights_sha256)


def dynamics_files(folder: Path) -> Files:
    """Return the files of the dynamics in `folder`; ArtifactError if one is damaged."""
    hash_dynamics(folder)  # reads config and card
    return _artefact_files(folder, DYNAMICS_CONFIG.read(folder).weights_sha256)


CONTENTS: Mapping[HubKind, tuple[Callable[[Path], Files], Callable[[Path, str], ModelCardText]]] = {
    "encoder": (encoder_files, encoder_text),
    "dynamics": (dynamics_files, dynamics_text),
}


def _artefact_files(folder: Path, weights_sha256: str) -> Files:
    more = [name for name in MORE if (folder / name).exists()]
    files = read_files(folder, [*ARTEFACT, *more])
    if sha256_of(files[WEIGHTS]) != weights_sha256:
        raise ArtifactError(f"{folder / WEIGHTS}: damaged, or not the weights of config.json")
    return files


def read_files(folder: Path, names: list[str]) -> Files:
    """Return name -> content of files in `folder`; ArtifactError names one that is missing."""
    files = Files()
    for name in names:
        with user_errors(folder / name):
            files[name] = (folder / name).read_bytes()
    return files


def upload(
    content: HubContent, repo_id: str, licence: str | None = None, private: bool = False
) -> str:
    """Publish `content` in one commit, and return the address that loads it."""
    address = address_of(repo_id)
    files = content.preview(repo_id, licence)
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    with hub_errors(address):
        api = HfApi()
        api.create_repo(repo_id, private=private, exist_ok=True)
        there = set(api.list_repo_files(repo_id))
    _check_ours(address, there)
    old = _listed(address) if LISTING.name in there else set[str]()
    additions = [CommitOperationAdd(name, data) for name, data in files.items()]
    deletions = [CommitOperationDelete(name) for name in sorted((old & there) - set(files))]
    with hub_errors(address):
        api.create_commit(repo_id, [*additions, *deletions], commit_message="Published by worldvae")
    return str(address)


def address_of(repo_id: str) -> HubAddress:
    """Return the address of a repository; ConfigError unless `repo_id` is USER/NAME."""
    try:
        address = HubAddress.parse(f"hf://{repo_id}")
    except ConfigError:
        address = None
    if address is None or address.repo_id != repo_id:
        raise ConfigError(f"{repo_id}: expected USER/NAME, a repository of the hub") from None
    return address


def _check_ours(address: HubAddress, there: set[str]) -> None:
    """Raise ArtifactError if the repository holds files, and worldvae has not published them."""
    others = sorted(there - {MADE_BY_THE_HUB})
    if others and LISTING.name not in there:
        raise ArtifactError(
            f"{address}: holds {others[0]}, which worldvae has not published; name a new repository"
        )


def _listed(address: HubAddress) -> set[str]:
    """Return the files that an earlier push listed; none if that listing cannot be read."""
    try:
        return set(read_listing(address).files)
    except ArtifactError:
        return set()


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def save_preview(
    content: HubContent, folder: Path, repo_id: str, licence: str | None = None
) -> None:
    """Write what `upload` would publish into `folder`, which has to be new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArtifactError(f"{folder}: not empty; name a new folder for the preview")
    for name, data in content.preview(repo_id, licence).items():
        atomic_write_bytes(folder / name, data)
