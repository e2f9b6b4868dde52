"""Fetches folders from the Hugging Face hub; what is fetched is used only if its hashes are right.

All that takes the folder of an encoder, of dynamics or of an agent asks `local_folder` first, so
that a folder and an address are given in the same way.
"""

from __future__ import annotations

from pathlib import Path

from worldvae.errors import ArtifactError, ConfigError, WorldvaeError
from worldvae.files import sha256_file
from worldvae.hub.address import ROOT, HubAddress
from worldvae.hub.listing import ARTICLES, LISTING, HubKind, HubListing
from worldvae.hub.words import MISSING, check_hub_extra, hub_errors

NOT_OURS = f"worldvae has not published it: there is no {LISTING.name}"


def local_folder(path: str | Path, kind: HubKind, trust: bool = False) -> Path:
    """Return the folder `path`; the one that an address hf://USER/NAME names is fetched.

    What was fetched before is read from the cache of huggingface_hub. Every file is compared with
    the hash that the repository lists; one that differs is removed from the cache.

    Args:
        path: A folder of this machine, or an address: hf://USER/NAME, hf://USER/NAME@REVISION,
            hf://USER/NAME/FOLDER.
        kind: What the folder has to hold.
        trust: Whether Stable-Baselines3's file of an agent may be fetched. It is a pickle, which
            runs any code of its author when it is loaded.

    Raises ConfigError for a wrong address, for an agent that is not trusted, and without the extra
    `hub`; ArtifactError if the folder cannot be fetched, is damaged, or holds something else.
    """
    address = HubAddress.parse(path)
    if address is None:
        return Path(path)
    if kind == "agent" and not trust:
        raise ConfigError(
            f"{address}: an agent is a pickle, which runs any code of its author; if you trust "
            "them, say so: trust=True, or --trust on the command line"
        )
    commit, listing = _fetch_listing(address)
    found = listing.folders.get(address.folder)
    if found != kind:
        raise ArtifactError(f"{address}: {_holds(address, listing)}, not {ARTICLES[kind]}")
    for name, digest in listing.inside(address.folder).items():
        _check(address, _fetch(address, name, commit.name), name, digest)
    return commit / address.folder


def read_listing(address: HubAddress) -> HubListing:
    """Return what a repository holds; raises ArtifactError as `local_folder` does."""
    return _fetch_listing(address)[1]


def _fetch_listing(address: HubAddress) -> tuple[Path, HubListing]:
    """Return the folder of the commit that `address` names at present, and its listing."""
    path = _fetch(address, LISTING.name, address.revision, NOT_OURS)
    try:
        return path.parent, LISTING.read(path.parent)
    except WorldvaeError as error:
        _drop(path)
        raise ArtifactError(f"{address}: {error}") from None


def _fetch(address: HubAddress, name: str, revision: str | None, missing: str = MISSING) -> Path:
    check_hub_extra()
    from huggingface_hub import hf_hub_download

    with hub_errors(address, missing):
        return Path(hf_hub_download(address.repo_id, name, revision=revision))


def _check(address: HubAddress, path: Path, name: str, sha256: str) -> None:
    if sha256_file(path) != sha256:
        _drop(path)
        raise ArtifactError(
            f"{address}: {name} is not what {LISTING.name} lists, so it was damaged on its way or "
            "replaced; load it again, or name another revision"
        )


def _drop(path: Path) -> None:
    """Remove a file of the cache, and the blob that it points to."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    blob.unlink(missing_ok=True)


def _holds(address: HubAddress, listing: HubListing) -> str:
    """Return what is there in words, with the addresses of the folders inside."""
    here = listing.folders.get(address.folder)
    inside = [
        f"{ARTICLES[kind]} at hf://{address.repo_id}/{folder}"
        for folder, kind in listing.folders.items()
        if folder not in {ROOT, address.folder}
    ]
    words = [ARTICLES[here]] if here else ["no such folder"]
    return ", ".join(words + ([f"with {' and '.join(inside)}"] if inside else []))
