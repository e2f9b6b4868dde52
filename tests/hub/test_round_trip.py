"""Encoders and dynamics go to a hub on this machine and come back; every failure is one line."""

from __future__ import annotations

import importlib.util
import json
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from tests.dynamics_folders import make_dynamics
from tests.encoders import DOTS, make_encoder
from tests.hub_server import FakeHub
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.checksum import checked_text, read_checked
from worldvae.dynamics.checkpoint import hash_dynamics, load_dynamics
from worldvae.errors import ArtifactError, ConfigError, WorldvaeError
from worldvae.export.hub import artefact_content, push, save_preview
from worldvae.files import sha256_file
from worldvae.hub.download import local_folder
from worldvae.hub.listing import LISTING, HubKind, listing_of
from worldvae.hub.words import UNREACHABLE
from worldvae.training.weights import WEIGHTS
from worldvae.wrappers.latent import LatentObservation

NAME = "me/dots"
ADDRESS = f"hf://{NAME}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder and its dynamics."""
    folder = tmp_path_factory.mktemp("made")
    make_encoder(DOTS).save(folder / "encoder")
    make_dynamics(DOTS, folder / "encoder", folder / "dynamics")
    return folder


def test_an_encoder_comes_back_as_it_was(made: Path, hub: FakeHub) -> None:
    assert push(made / "encoder", NAME) == ADDRESS
    ours, theirs = Encoder.load(made / "encoder"), Encoder.load(ADDRESS)
    assert theirs.folder is not None
    assert hash_encoder(theirs.folder) == hash_encoder(made / "encoder")
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    assert np.array_equal(ours.encode(frames), theirs.encode(frames))
    assert set(hub.files(NAME)) == {
        "README.md",
        "worldvae.json",
        "config.json",
        "card.json",
        WEIGHTS,
    }


def test_dynamics_come_back_as_they_were_and_observe_beside_an_encoder(
    made: Path, hub: FakeHub
) -> None:
    push(made / "encoder", "me/encoder")
    push(made / "dynamics", "me/dynamics")
    theirs = local_folder("hf://me/dynamics", "dynamics")
    assert hash_dynamics(theirs) == hash_dynamics(made / "dynamics")
    ours, loaded = load_dynamics(made / "dynamics")[0], load_dynamics("hf://me/dynamics")[0]
    for weight, other in zip(ours.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(weight, other)
    observed = []
    for encoder, dynamics in (
        (made / "encoder", made / "dynamics"),
        ("hf://me/encoder", "hf://me/dynamics"),
    ):
        env = LatentObservation(gym.make(DOTS.id), encoder, dynamics=dynamics)
        env.reset(seed=3)
        observed.append(env.step(1)[0])
        env.close()
    assert np.array_equal(*observed)


def test_a_revision_is_what_it_was(made: Path, hub: FakeHub) -> None:
    push(made / "encoder", NAME)
    (first,) = hub.commits[NAME]
    hub.change(NAME, WEIGHTS, b"another")
    with pytest.raises(ArtifactError, match=r"is not what worldvae\.json lists"):
        Encoder.load(ADDRESS)
    assert Encoder.load(f"{ADDRESS}@{first}").latents == 8


def test_a_second_load_asks_for_nothing_but_the_newest_commit(made: Path, hub: FakeHub) -> None:
    push(made / "encoder", NAME)
    Encoder.load(ADDRESS)
    hub.requests.clear()
    Encoder.load(ADDRESS)
    assert hub.requests == [f"HEAD /{NAME}/resolve/main/worldvae.json"]


def test_a_second_push_replaces_the_files_of_the_first_and_no_others(
    made: Path, hub: FakeHub, tmp_path: Path
) -> None:
    folder = shutil.copytree(made / "dynamics", tmp_path / "dynamics")
    (folder / "starts.safetensors").write_bytes(b"starts")
    push(folder, NAME)
    hub.change(NAME, "picture.png", b"of its owner")
    assert "starts.safetensors" in hub.files(NAME)
    push(made / "encoder", NAME)
    assert "starts.safetensors" not in hub.files(NAME)
    assert hub.files(NAME)["picture.png"] == b"of its owner"
    assert Encoder.load(ADDRESS).latents == 8


def test_the_preview_holds_what_is_published(made: Path, hub: FakeHub, tmp_path: Path) -> None:
    push(made / "encoder", NAME, licence="mit")
    save_preview(artefact_content(made / "encoder"), tmp_path / "out", NAME, "mit")
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert written == hub.files(NAME)
    with pytest.raises(ArtifactError, match="out: not empty; name a new folder"):
        save_preview(artefact_content(made / "encoder"), tmp_path / "out", NAME)


def test_a_file_with_another_hash_is_refused_and_fetched_again(made: Path, hub: FakeHub) -> None:
    push(made / "encoder", NAME)
    folder = local_folder(ADDRESS, "encoder")
    (folder / WEIGHTS).resolve().write_bytes(b"damaged on the disk")
    message = f"^{ADDRESS}: {WEIGHTS} is not what worldvae.json lists, so it was damaged"
    with pytest.raises(ArtifactError, match=message):
        Encoder.load(ADDRESS)
    assert not (folder / WEIGHTS).exists()
    assert Encoder.load(ADDRESS).latents == 8


def test_a_download_that_breaks_off_leaves_nothing(
    made: Path, hub: FakeHub, tmp_path: Path
) -> None:
    push(made / "encoder", NAME)
    hub.halved.add(WEIGHTS)
    with one_line(ADDRESS):
        Encoder.load(ADDRESS)
    assert not [*(tmp_path / "cache").rglob(WEIGHTS)]
    hub.halved.clear()
    assert Encoder.load(ADDRESS).latents == 8


def test_without_a_server_what_was_fetched_is_used_and_nothing_else(
    made: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(made / "encoder", NAME)
    Encoder.load(ADDRESS)
    nowhere = "http://127.0.0.1:9"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", nowhere)
    template = nowhere + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    assert Encoder.load(ADDRESS).latents == 8
    with pytest.raises(ArtifactError, match=re.escape(f"hf://me/another: {UNREACHABLE}")):
        Encoder.load("hf://me/another")
    with pytest.raises(ArtifactError, match=r"^hf://me/another: the connection to the hub broke"):
        push(made / "encoder", "me/another")


def test_who_is_not_logged_in_is_told(
    made: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(ArtifactError, match=rf"^{ADDRESS}: .*log in with `hf auth login`"):
        push(made / "encoder", NAME)
    assert hub.commits == {}


def test_the_repository_of_another_user_is_refused(made: Path, hub: FakeHub) -> None:
    message = r"^hf://other/dots: the hub refuses this \(403\); log in with `hf auth login`"
    with pytest.raises(ArtifactError, match=message):
        push(made / "encoder", "other/dots")


def test_a_repository_of_something_else_is_neither_read_nor_written(
    made: Path, hub: FakeHub
) -> None:
    hub.commit(NAME, {".gitattributes": b"", "pytorch_model.bin": pickle.dumps(Bomb())})
    with pytest.raises(ArtifactError, match=f"^{ADDRESS}: worldvae has not published it"):
        Encoder.load(ADDRESS)
    with pytest.raises(ArtifactError, match=r"holds pytorch_model\.bin, which worldvae has not"):
        push(made / "encoder", NAME)
    assert len(hub.commits[NAME]) == 1
    assert not [line for line in hub.requests if "GET" in line and "pytorch" in line]


def test_an_empty_repository_is_filled(made: Path, hub: FakeHub) -> None:
    hub.commit(NAME, {".gitattributes": b""})
    push(made / "encoder", NAME)
    assert Encoder.load(ADDRESS).latents == 8


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://me/nothing", "no such repository, or not yours to see; check the name, or log in"),
        (f"{ADDRESS}@v9", "no such revision; name a branch, a tag or a commit"),
        (f"{ADDRESS}/encoder", "no such folder, not an encoder"),
    ],
)
def test_what_is_not_there_is_said(made: Path, hub: FakeHub, address: str, message: str) -> None:
    push(made / "encoder", NAME)
    with pytest.raises(ArtifactError, match=f"^{address}: {message}"):
        Encoder.load(address)


def test_another_kind_is_refused_before_it_is_fetched(made: Path, hub: FakeHub) -> None:
    push(made / "encoder", NAME)
    with pytest.raises(ArtifactError, match=f"^{ADDRESS}: an encoder, not dynamics"):
        load_dynamics(ADDRESS)
    assert not [line for line in hub.requests if WEIGHTS in line]


def test_a_file_that_is_listed_and_missing_is_said(made: Path, hub: FakeHub) -> None:
    push(made / "encoder", NAME)
    files = {name: data for name, data in hub.files(NAME).items() if name != WEIGHTS}
    hub.commit(NAME, files)
    with pytest.raises(ArtifactError, match=f"^{ADDRESS}: a file that the repository lists is"):
        Encoder.load(ADDRESS)


class Bomb:
    """A pickle that says so when it is loaded."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("it was unpickled",))


@pytest.mark.parametrize("kind", ["encoder", "dynamics"])
def test_a_pickle_in_the_name_of_safetensors_is_refused(
    made: Path, hub: FakeHub, tmp_path: Path, kind: HubKind
) -> None:
    """Although every hash in the repository is right."""
    folder = shutil.copytree(made / kind, tmp_path / kind)
    (folder / WEIGHTS).write_bytes(pickle.dumps(Bomb()))
    for name in ("config.json", "card.json"):
        values = read_checked(folder / name, "")
        values["weights_sha256"] = sha256_file(folder / WEIGHTS)
        (folder / name).write_text(checked_text(values))
    push(folder, NAME)
    with pytest.raises(ArtifactError, match=f"{WEIGHTS}: not the weights of the network in config"):
        Encoder.load(ADDRESS) if kind == "encoder" else load_dynamics(ADDRESS)


def test_a_listing_that_names_a_pickle_is_refused(made: Path, hub: FakeHub) -> None:
    push(made / "encoder", NAME)
    values = json.loads(hub.files(NAME)[LISTING.name])
    values["files"]["model.pkl"] = "0" * 64
    hub.change(NAME, LISTING.name, checked_text(values).encode())
    with pytest.raises(ArtifactError, match=r"'model\.pkl' is no file that an encoder has"):
        Encoder.load(ADDRESS)


def test_a_damaged_listing_is_fetched_again(made: Path, hub: FakeHub, tmp_path: Path) -> None:
    push(made / "encoder", NAME)
    folder = local_folder(ADDRESS, "encoder")
    (folder / LISTING.name).resolve().write_text("{}")
    with pytest.raises(ArtifactError, match=r"worldvae\.json: damaged, or edited since"):
        Encoder.load(ADDRESS)
    assert Encoder.load(ADDRESS).latents == 8


def test_a_file_in_the_place_of_the_cache_is_said(made: Path, hub: FakeHub, tmp_path: Path) -> None:
    push(made / "encoder", NAME)
    (tmp_path / "cache").write_text("a file")
    with one_line(ADDRESS):
        Encoder.load(ADDRESS)


def test_a_folder_that_is_damaged_is_not_published(
    made: Path, hub: FakeHub, tmp_path: Path
) -> None:
    folder = shutil.copytree(made / "encoder", tmp_path / "encoder")
    (folder / WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(ArtifactError, match=f"{WEIGHTS}: damaged, or not the weights of config"):
        push(folder, NAME)
    with pytest.raises(ArtifactError, match="not an encoder or dynamics or an agent"):
        push(tmp_path, NAME)
    assert hub.requests == []


def test_a_licence_that_the_hub_does_not_know_is_refused_by_it(made: Path, hub: FakeHub) -> None:
    with pytest.raises(
        ArtifactError, match=rf'^{ADDRESS}: Invalid metadata in README\.md\. - "lic'
    ):
        push(made / "encoder", NAME, licence="mine")


@pytest.mark.parametrize("name", ["dots", "me/dots@v1", "me/dots/encoder", "hf://me/dots", "a b/c"])
def test_the_name_of_a_repository_is_user_and_name(made: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(name)}: expected USER/NAME"):
        push(made / "encoder", name)


def test_without_the_extra_a_line_says_what_to_install(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, *rest: None if name == "huggingface_hub" else found(name, *rest),
    )
    for act in (lambda: Encoder.load(ADDRESS), lambda: push(made / "encoder", NAME)):
        with pytest.raises(ConfigError, match=r"not installed: pip install 'worldvae\[hub\]'"):
            act()


def one_line(address: str) -> Any:
    """Expect an error of one line on that address."""
    return pytest.raises(WorldvaeError, match=rf"^{re.escape(address)}: [^\n]+$")


def test_listings_name_the_hashes_of_files() -> None:
    made = listing_of({".": "encoder"}, [("card.json", "abc")])
    assert made.model_dump() == {
        "format": 1,
        "folders": {".": "encoder"},
        "files": {"card.json": "abc"},
    }
