import hashlib

import pytest
import torch
from pydantic import ValidationError

from tests.autoencoders.tiny import ORIGIN, SHAPE, Frames, squares, tiny
from tests.checksums import edit
from worldvae.autoencoders.cards import summarise
from worldvae.autoencoders.checkpoint import (
    hash_encoder,
    load_autoencoder,
    replace_card,
    save_autoencoder,
)
from worldvae.autoencoders.encoder_files import CONFIG
from worldvae.autoencoders.model import Autoencoder
from worldvae.envs import FrameConfig
from worldvae.errors import WorldvaeError
from worldvae.files import sha256_file

MODEL = Autoencoder(tiny(sigma="learned"), SHAPE, seed=3)
CARD = summarise(MODEL, Frames(squares(20, 0)), Frames(squares(10, 1)), ORIGIN, trained=True)


@pytest.fixture
def folder(tmp_path):
    save_autoencoder(tmp_path / "encoder", MODEL, CARD)
    return tmp_path / "encoder"


def test_what_is_saved_is_loaded_to_the_bit(folder):
    model, card = load_autoencoder(folder)
    assert card == CARD
    assert model.config == MODEL.config
    saved, loaded = MODEL.state_dict(), model.state_dict()
    assert saved.keys() == loaded.keys()
    assert all(torch.equal(saved[name], loaded[name]) for name in saved)


def test_the_folder_holds_three_plain_files(folder):
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["card.json", "config.json", "model.safetensors"]


@pytest.mark.parametrize("name", ["card.json", "config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(WorldvaeError, match=rf"{name}: .*[Nn]o such file"):
        load_autoencoder(folder)


@pytest.mark.parametrize("damage", [lambda data: data[:-7], lambda data: data[:-1] + b"\xff"])
def test_damaged_weights_are_refused(folder, damage):
    path = folder / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(WorldvaeError, match=r"model\.safetensors: damaged"):
        load_autoencoder(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\udcff"])
@pytest.mark.parametrize("name", ["card.json", "config.json"])
def test_damaged_json_is_refused(folder, name, text):
    (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(WorldvaeError, match=f"{name}: damaged"):
        load_autoencoder(folder)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("config.json", {"format": 2}, "format: 2, not 3, so another version of worldvae"),
        ("config.json", {"extra": 2}, "extra: no such key"),
        ("card.json", {"trained": None}, "trained: expected true or false"),
        ("card.json", {"kl": [1.0]}, "kl has 1 values, the network has 4 latents"),
        ("card.json", {"action_size": 6}, "not the weights of the network"),
        ("card.json", {"frame": {"height": 40, "width": 44}}, "not the weights of the network"),
    ],
)
def test_content_of_another_version_is_refused(folder, name, change, message):
    edit(folder / name, lambda values: values.update(change))
    with pytest.raises(WorldvaeError, match=message):
        load_autoencoder(folder)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("card.json", '"mse": 0.', '"mse": 1.'),
        ("card.json", '"env_id"', '"env_ie"'),
        ("card.json", '"action_size": 0,', ""),
        ("config.json", '"beta": 1.0', '"beta": 2.0'),
        ("config.json", '"sha256"', '"sha255"'),
    ],
)
def test_what_was_edited_is_refused(folder, name, old, new):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    for read in (load_autoencoder, hash_encoder):
        with pytest.raises(WorldvaeError, match=rf"{name}: damaged, or edited .*; copy the whole"):
            read(folder)


def test_the_card_of_another_encoder_is_refused(folder, tmp_path):
    save_autoencoder(tmp_path / "other", Autoencoder(MODEL.config, SHAPE, seed=4), CARD)
    (folder / "card.json").write_bytes((tmp_path / "other" / "card.json").read_bytes())
    for read in (load_autoencoder, hash_encoder):
        with pytest.raises(WorldvaeError, match=r"card\.json: the card of another encoder than"):
            read(folder)


def test_the_hash_says_whether_frames_are_pooled_and_is_that_from_before_it_was_asked(folder):
    unpooled = hash_encoder(folder)
    edit(folder / "card.json", lambda card: card["frame"].pop("max_pool"))
    assert hash_encoder(folder) == unpooled
    replace_card(folder, CARD.model_copy(update={"frame": FrameConfig(max_pool=True)}))
    assert hash_encoder(folder) != unpooled
    json = CARD.model_dump_json(include={"frame", "latent_mean", "latent_std"})
    assert '"max_pool":false' in json
    seen = json.replace(',"max_pool":false', "")
    config = CONFIG.read(folder).model_dump_json()
    parts = "\n".join([sha256_file(folder / "model.safetensors"), config, seen])
    assert hashlib.sha256(parts.encode()).hexdigest() == unpooled


def test_a_card_is_replaced_for_the_same_weights(folder):
    new = CARD.model_copy(update={"latent_mean": (0.0,) * 4})
    replace_card(folder, new)
    assert load_autoencoder(folder)[1] == new


def test_a_save_that_is_killed_leaves_no_mixture(folder, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("worldvae.json_files.write_checked", killed)
    with pytest.raises(KeyboardInterrupt):
        save_autoencoder(folder, Autoencoder(tiny(), SHAPE, seed=4), CARD)
    with pytest.raises(WorldvaeError, match=r"config\.json: no such file"):
        load_autoencoder(folder)


def test_the_hash_changes_with_what_an_agent_sees_and_with_nothing_else(folder):
    before = hash_encoder(folder)
    edit(folder / "card.json", lambda values: values["scores"].update(mse=0.5))
    assert hash_encoder(folder) == before
    edit(folder / "card.json", lambda values: values.update(latent_mean=[0.0] * 4))
    whitened_otherwise = hash_encoder(folder)
    edit(folder / "card.json", lambda values: values["frame"].update(crop={"top": 1}))
    cropped = hash_encoder(folder)
    save_autoencoder(folder, Autoencoder(MODEL.config, SHAPE, seed=4), CARD)
    assert len({before, whitened_otherwise, cropped, hash_encoder(folder)}) == 4


def test_a_card_holds_finite_numbers_only():
    with pytest.raises(ValidationError, match="a finite number"):
        type(CARD).model_validate({**CARD.model_dump(), "latent_std": [float("nan")] * 4})


def test_the_units_of_the_pixels_are_part_of_what_an_agent_sees(tmp_path):
    """Two models with the same weights in other units: other codes, another hash."""
    config, hashes = tiny(standardise=True), set()
    for seed in (0, 1):
        source = Frames(squares(20, seed))
        model = Autoencoder.for_frames(config, SHAPE, source, seed=3)
        save_autoencoder(tmp_path / "units", model, CARD)
        loaded, _ = load_autoencoder(tmp_path / "units")
        assert torch.equal(loaded.pixel_std, model.pixel_std)
        assert torch.equal(loaded.pixel_mean, model.pixel_mean)
        hashes.add(hash_encoder(tmp_path / "units"))
    assert len(hashes) == 2


def test_a_loaded_model_with_a_perceptual_term_needs_no_critic_to_see(tmp_path):
    config = tiny(perceptual=1)
    model = Autoencoder(config, SHAPE, seed=0)
    save_autoencoder(tmp_path / "judged", model, CARD)
    loaded, _ = load_autoencoder(tmp_path / "judged")
    frames = torch.from_numpy(squares(2, 0))
    assert torch.equal(loaded.encode(frames).mean, model.encode(frames).mean)
