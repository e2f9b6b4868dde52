import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.encoders import DOTS
from worldvae.autoencoders.checkpoint import hash_encoder, load_autoencoder
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import PRETRAINING
from worldvae.autoencoders.examples import FrameBatch
from worldvae.autoencoders.objectives import AE, VAE, BetaVAE, CapacityVAE
from worldvae.autoencoders.pretrain import make_untrained_encoder, pretrain, refit
from worldvae.autoencoders.take import take
from worldvae.envs import EnvConfig
from worldvae.errors import TrainingError, WorldvaeError
from worldvae.jsonl import read_jsonl
from worldvae.rollouts import Episode, RolloutConfig, RolloutStore, StoredFrames, collect
from worldvae.training.config import FitConfig
from worldvae.training.fit import fit
from worldvae.training.result import TrainingResult
from worldvae.training.run import TrainingRun

SMALL = PretrainConfig(
    latents=4, channels=(4, 8, 8), steps=10, evaluate_every=5, batch_size=16, validation_frames=20
)


@pytest.fixture(autouse=True)
def _idle_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking how busy the machine is takes half a second."""
    monkeypatch.setattr("worldvae.autoencoders.pretrain.busy_cores", lambda: 0.0)


@pytest.fixture
def store(tmp_path: Path) -> RolloutStore:
    store = RolloutStore.create(tmp_path / "rollouts", DOTS)
    collect(store, RolloutConfig(frames=600, num_envs=4), seed=0)
    return store


def test_one_section_gives_model_and_training() -> None:
    config = PretrainConfig(latents=7, objective=VAE(), steps=11)
    assert config.autoencoder.network.latents == 7
    assert config.autoencoder.objective.name == "vae"
    assert config.fitting.steps == 11


def test_an_encoder_is_made_drawn_and_found_again(store: RolloutStore, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    encoder = pretrain(store, SMALL, folder, seed=0)
    frames = store.frames(store.records[0])[:3]
    assert encoder.card.trained
    assert encoder.card.source_shape == (40, 40, 3)
    for name in ("reconstructions", "samples", "traversals", "training"):
        assert (folder / f"{name}.png").exists()
    assert not (folder / "critic").exists()
    assert np.array_equal(Encoder.load(folder).encode(frames), encoder.encode(frames))
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert np.array_equal(
        pretrain(store, SMALL, folder, seed=0).encode(frames), encoder.encode(frames)
    )
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_a_finished_encoder_of_fewer_episodes_or_others_is_told_of(
    store: RolloutStore, tmp_path: Path
) -> None:
    """Whoever learns in rounds would train on without a word of the new frames."""
    folder, told = tmp_path / "encoder", "not trained on all {} episodes that .*rollouts holds now"
    pretrain(store, SMALL, folder)
    with warnings.catch_warnings(action="error"):
        pretrain(store, SMALL, folder)
    collect(store, RolloutConfig(frames=900, num_envs=4), seed=0)
    with pytest.warns(UserWarning, match=told.format(len(store.records))):
        pretrain(store, SMALL, folder)
    other = RolloutStore.create(tmp_path / "other_rollouts", DOTS)
    collect(other, RolloutConfig(frames=600, num_envs=4), seed=1)
    with pytest.warns(UserWarning, match=told.format(len(other.records))):
        pretrain(other, SMALL, folder)


def test_a_finished_folder_of_other_settings_is_refused(
    store: RolloutStore, tmp_path: Path
) -> None:
    pretrain(store, SMALL, str(tmp_path / "encoder"), seed=0)
    for changes, message in (
        ({"objective": BetaVAE(beta=4)}, "objective.beta = 1.0, now it is 4.0"),
        ({"steps": 11}, "steps = 10, now it is 11"),
    ):
        with pytest.raises(WorldvaeError, match=message):
            pretrain(store, SMALL.model_copy(update=changes), tmp_path / "encoder", seed=0)
    with pytest.raises(WorldvaeError, match="seed = 0, now it is 1"):
        pretrain(store, SMALL, tmp_path / "encoder", seed=1)


def test_an_encoder_that_was_taken_is_not_returned_for_another_model(
    store: RolloutStore, tmp_path: Path
) -> None:
    """Nor one whose made_with.yaml was removed: neither has settings to compare but its own."""
    pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    take(tmp_path / "encoder", store, SMALL, tmp_path / "taken", seed=0)
    (tmp_path / "encoder" / "made_with.yaml").unlink()
    wider = SMALL.model_copy(update={"latents": 5})
    for name in ("encoder", "taken"):
        digest = hash_encoder(tmp_path / name)
        pretrain(store, SMALL, tmp_path / name, seed=0)
        with pytest.raises(WorldvaeError, match=r"made with pretrain\.latents = 4, now it is 5"):
            pretrain(store, wider, tmp_path / name, seed=0)
        assert hash_encoder(tmp_path / name) == digest


def test_a_control_is_never_a_trained_encoder_nor_one_of_another_model_or_seed(
    store: RolloutStore, tmp_path: Path
) -> None:
    trained, random = tmp_path / "encoder", tmp_path / "random"
    pretrain(store, SMALL, trained, seed=0)
    with pytest.raises(WorldvaeError, match="encoder holds a trained encoder; choose another"):
        make_untrained_encoder(store, SMALL, trained, seed=0)
    make_untrained_encoder(store, SMALL, str(random), seed=1)
    made = hash_encoder(random)
    make_untrained_encoder(store, SMALL.model_copy(update={"steps": 11}), random, seed=1)
    with pytest.raises(WorldvaeError, match="seed = 1, now it is 2"):
        make_untrained_encoder(store, SMALL, random, seed=2)
    wider = SMALL.model_copy(update={"latents": 5})
    with pytest.raises(WorldvaeError, match=r"initial\.latents = 4, now it is 5"):
        make_untrained_encoder(store, wider, random, seed=1)
    (random / "made_with.yaml").unlink()
    with pytest.raises(WorldvaeError, match=r"initial\.latents = 4, now it is 5"):
        make_untrained_encoder(store, wider, random, seed=1)
    assert hash_encoder(random) == made


def test_a_control_is_neither_trained_on_nor_made_in_a_half_trained_folder(
    store: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_untrained_encoder(store, SMALL, tmp_path / "random", seed=0)
    with pytest.raises(WorldvaeError, match=r"made with initial\.\w+ = .*, now it is not"):
        pretrain(store, SMALL, tmp_path / "random", seed=0)
    with monkeypatch.context() as patch:
        learning_dies(patch, at=8)
        with pytest.raises(KilledError):
            pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    with pytest.raises(WorldvaeError, match=r"made with pretrain\.\w+ = .*, now it is not"):
        make_untrained_encoder(store, SMALL, tmp_path / "encoder", seed=0)


def test_on_other_frames_it_does_not_go_on(
    store: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        learning_dies(patch, at=8)
        with pytest.raises(KilledError):
            pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    others = RolloutStore.create(tmp_path / "others", DOTS)
    collect(others, RolloutConfig(frames=600, num_envs=4), seed=1)
    with pytest.raises(WorldvaeError, match="was made with data_sha256"):
        pretrain(others, SMALL, tmp_path / "encoder", seed=0)


def test_what_a_critic_took_is_part_of_the_cost(store: RolloutStore, tmp_path: Path) -> None:
    pretrain(store, JUDGED, tmp_path / "encoder", seed=0)
    whole, critic = (
        json.loads((tmp_path / "encoder" / part / "result.json").read_text())
        for part in (".", "critic")
    )
    steps = read_jsonl(tmp_path / "encoder" / "metrics.jsonl")
    assert whole["seconds"] > critic["seconds"] + steps[-1]["seconds"] - 0.01
    assert whole["cpu_seconds"] > critic["cpu_seconds"] > 0


def test_a_wall_clock_limit_is_of_critic_and_encoder_together(
    store: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = []

    def fit_and_note(*args: Any) -> TrainingResult:
        limits.append(next(one for one in args if isinstance(one, FitConfig)).max_minutes)
        return fit(*args)

    monkeypatch.setattr("worldvae.autoencoders.pretrain.fit", fit_and_note)
    config = JUDGED.model_copy(update={"max_minutes": 30.0})
    pretrain(store, config, tmp_path / "encoder", seed=0)
    whole, critic = (PRETRAINING.read(tmp_path / "encoder" / part) for part in (".", "critic"))
    assert limits == [15, pytest.approx(30 - critic.seconds / 60)]
    assert whole.seconds > critic.seconds > 0


def test_the_untrained_one_has_the_weights_that_training_began_with(
    store: RolloutStore, tmp_path: Path
) -> None:
    random = make_untrained_encoder(store, SMALL, tmp_path / "random", seed=3)
    barely = PretrainConfig(**{**SMALL.model_dump(by_alias=True), "learning_rate": 1e-12})
    trained = pretrain(store, barely, tmp_path / "encoder", seed=3)
    frames = store.frames(store.records[0])[:3]
    assert not random.card.trained
    assert np.allclose(random.encode(frames), trained.encode(frames), atol=1e-5)


def test_scores_are_of_episodes_that_neither_trained_nor_stopped_it(
    store: RolloutStore, tmp_path: Path
) -> None:
    encoder = pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    test = [store.frames(record) for record in store.records if record.split == "test"]
    frames = np.concatenate(test)
    error = encoder.reconstruct(frames).astype(float) - frames
    assert encoder.card.scores["mse"] == pytest.approx(np.square(error / 255).mean(), rel=0.01)


def test_the_device_is_named_as_in_commands(
    store: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for _ in range(2):  # trained, then loaded
        assert pretrain(store, SMALL, tmp_path / "encoder", device="auto").device == "cpu"


def test_too_few_episodes_say_what_to_do(tmp_path: Path) -> None:
    store = RolloutStore.create(tmp_path / "rollouts", DOTS)
    collect(store, RolloutConfig(frames=100, num_envs=2), seed=0)
    with pytest.raises(WorldvaeError, match="too few to hold some out"):
        pretrain(store, SMALL, tmp_path / "encoder", seed=0)


@pytest.mark.parametrize("predict", [4, 3])
def test_too_short_episodes_say_so(tmp_path: Path, predict: int) -> None:
    """They have two to four frames: none, or none of a split, show what is to be predicted."""
    env = {"id": "odd/Odd-v0", "import": "tests.odd", "workers": "sync", "kwargs": {"length": 1}}
    store = RolloutStore.create(tmp_path / "rollouts", EnvConfig(**env))
    collect(store, RolloutConfig(frames=100, num_envs=2), seed=0)
    config = PretrainConfig.model_validate({**SMALL.model_dump(), "pixels": {"predict": predict}})
    enough = sum(record.length >= predict for record in store.records)
    words = rf"{enough} are long enough to predict {predict} frames ahead, the longest has 4 frames"
    with pytest.raises(WorldvaeError, match=words):
        pretrain(store, config, tmp_path / "encoder", seed=0)


def test_a_damaged_episode_is_left_out(store: RolloutStore, tmp_path: Path) -> None:
    train = next(record for record in store.records if record.split == "train")
    (store.folder / f"{train.name}.frames.npy").unlink()
    with pytest.warns(UserWarning, match="left out"):
        pretrain(store, SMALL, tmp_path / "encoder", seed=0)


JUDGED = PretrainConfig.model_validate(
    {**SMALL.model_dump(), "pixels": {"perceptual": 2, "predict": 1, "actions": True}}
)


class KilledError(Exception):
    """What a test throws into a run."""


def learning_dies(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """The `at`-th step from now on, whichever model takes it, never happens."""
    steps, learn = iter(range(1, 10**6)), TrainingRun.learn

    def learn_or_die(run: TrainingRun, batch: FrameBatch) -> None:
        if next(steps) == at:
            raise KilledError
        learn(run, batch)

    monkeypatch.setattr(TrainingRun, "learn", learn_or_die)


def test_a_critic_is_trained_first_in_a_folder_of_its_own(
    store: RolloutStore, tmp_path: Path
) -> None:
    encoder = pretrain(store, JUDGED, tmp_path / "encoder", seed=0)
    critic, card = load_autoencoder(tmp_path / "encoder" / "critic")
    assert card.trained
    assert critic.config.objective.name == "dae"
    assert critic.config.pixels.standardise
    assert critic.config.window.length == 1
    assert (critic.pixel_std < 1).all()
    assert encoder.card.action_size == 5  # one of the five moves of the dots
    rows = read_jsonl(tmp_path / "encoder" / "metrics.jsonl")
    assert all(row["perceptual"] > 0 for row in rows)
    weights = load_file(tmp_path / "encoder" / "model.safetensors")
    assert not [name for name in weights if "critic" in name]


def test_a_judged_encoder_resumes_to_the_bit(
    store: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while the critic learns, then while the model does."""
    pretrain(store, JUDGED, tmp_path / "unbroken", seed=0)
    critic = tmp_path / "killed" / "critic" / "result.json"
    for dies_at, critic_is_done in ((8, False), (13, True)):  # 5 steps of 10 are on disk by then
        with monkeypatch.context() as patch:
            learning_dies(patch, dies_at)
            with pytest.raises(KilledError):
                pretrain(store, JUDGED, tmp_path / "killed", seed=0)
        assert critic.exists() == critic_is_done
    written = critic.stat().st_mtime_ns
    pretrain(store, JUDGED, tmp_path / "killed", seed=0)
    assert critic.stat().st_mtime_ns == written
    for part in (".", "critic"):
        hashes = [hash_encoder(tmp_path / run / part) for run in ("killed", "unbroken")]
        assert hashes[0] == hashes[1]


def test_begun_with_another_config_it_is_refused(
    store: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        learning_dies(patch, at=11)
        with pytest.raises(KilledError):
            pretrain(store, JUDGED, tmp_path / "encoder", seed=0)
    other = PretrainConfig.model_validate({**JUDGED.model_dump(), "latents": 5})
    with pytest.raises(WorldvaeError, match=r"made with pretrain\.latents = 4, now it is 5"):
        pretrain(store, other, tmp_path / "encoder", seed=0)


@pytest.mark.parametrize(
    ("sigma", "remedy"),
    [(1.0, r"\(now float32\), or pixels.sigma: learned \(now 1\)$"), ("learned", r"float32\)$")],
)
def test_a_loss_that_diverges_names_what_helps(
    store: RolloutStore, tmp_path: Path, sigma: float | str, remedy: str
) -> None:
    values = {
        **SMALL.model_dump(),
        "pixels": {"sigma": sigma},
        "learning_rate": 1e18,
        "precision": "float32",
    }
    config = PretrainConfig.model_validate(values)
    with pytest.raises(TrainingError, match=f"diverged: loss .*{remedy}"):
        pretrain(store, config, tmp_path / "encoder", seed=0)


def test_company_is_warned_of(
    store: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worldvae.autoencoders.pretrain.busy_cores", lambda: 64.0)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.warns(UserWarning, match="OMP_NUM_THREADS=1"):
            pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    finally:
        torch.set_num_threads(threads)


def second(tmp_path: Path) -> RolloutStore:
    store = RolloutStore.create(tmp_path / "second", DOTS)
    collect(store, RolloutConfig(frames=500, num_envs=4), seed=1)
    return store


def test_a_refit_trains_on_both_stores_and_on_no_held_out_episode(
    store: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames are told apart by their bytes; those that are in both splits count for neither."""
    other = second(tmp_path)
    pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    seen: set[bytes] = set()
    learn = TrainingRun.learn

    def listen(run: TrainingRun, batch: FrameBatch) -> None:
        seen.update(frame.tobytes() for frame in batch.frames.numpy())
        learn(run, batch)

    monkeypatch.setattr(TrainingRun, "learn", listen)
    long = PretrainConfig(**{**SMALL.model_dump(by_alias=True), "steps": 60, "patience": 0})
    refit(tmp_path / "encoder", [store, other], long, tmp_path / "refitted", seed=0)
    frames: dict[tuple[int, bool], set[bytes]] = {}
    for number, one in enumerate((store, other)):
        for record in one.records:
            own = {frame.tobytes() for frame in np.array(one.frames(record))}
            frames.setdefault((number, record.split == "train"), set()).update(own)
    trained = frames[0, True] | frames[1, True]
    held_out = (frames[0, False] | frames[1, False]) - trained
    assert seen <= trained
    assert not seen & held_out
    assert len(held_out) > 50
    assert len(seen & (frames[0, True] - frames[1, True])) > 50
    assert len(seen & (frames[1, True] - frames[0, True])) > 50


def test_a_refit_begins_with_the_given_weights(store: RolloutStore, tmp_path: Path) -> None:
    before = pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    still = PretrainConfig(**{**SMALL.model_dump(by_alias=True), "learning_rate": 1e-12})
    other = second(tmp_path)
    after = refit(tmp_path / "encoder", [store, other], still, tmp_path / "after", seed=7)
    frames = store.frames(store.records[0])[:3]
    assert np.allclose(after.encode(frames), before.encode(frames), atol=1e-5)
    assert after.card.data_sha256 != before.card.data_sha256


def test_a_finished_refit_is_left_as_it_is(store: RolloutStore, tmp_path: Path) -> None:
    """Its latents keep the units of those before; dynamics that read them would else be refused."""
    before = pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    fast = PretrainConfig(**{**SMALL.model_dump(by_alias=True), "learning_rate": 1e-2})
    other = second(tmp_path)
    arguments = tmp_path / "encoder", [store, other], fast, tmp_path / "after", 7
    after = refit(*arguments)
    source = StoredFrames(other, "train")
    frames = source.gather(np.arange(len(source)))
    seen, kept = (one.whiten(one.encode(frames)).mean(0) for one in (before, after))
    assert np.allclose(kept, seen, atol=0.01)
    digest = hash_encoder(tmp_path / "after")
    refit(*arguments)
    assert hash_encoder(tmp_path / "after") == digest


def test_a_refit_of_another_network_is_one_line(store: RolloutStore, tmp_path: Path) -> None:
    pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    wider = PretrainConfig(**{**SMALL.model_dump(by_alias=True), "latents": 5})
    with pytest.raises(WorldvaeError, match="another network"):
        refit(tmp_path / "encoder", [store], wider, tmp_path / "after", seed=0)


def test_a_refit_on_frames_of_another_task_is_one_line(store: RolloutStore, tmp_path: Path) -> None:
    pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    frame = DOTS.frame.model_copy(update={"height": 40})
    other = RolloutStore.create(tmp_path / "o", DOTS.model_copy(update={"frame": frame}))
    with pytest.raises(WorldvaeError, match="another task"):
        refit(tmp_path / "encoder", [store, other], SMALL, tmp_path / "after", seed=0)


def test_a_refit_needs_an_episode_to_train_on_in_its_last_store(
    store: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told before anything is trained: the units of its latents are kept there."""
    pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    few = RolloutStore.create(tmp_path / "few", DOTS)
    held_out = next(record for record in store.records if record.split != "train")
    arrays, frames = store.arrays(held_out), np.array(store.frames(held_out))
    kept = {name: values for name, values in arrays.items() if name != "state"}
    few.append(Episode(frames, **kept, seed=0, policy="random"), number=int(held_out.name))
    learning_dies(monkeypatch, at=1)
    with pytest.raises(WorldvaeError, match=r"few: of 1 whole episodes none is one to train on"):
        refit(tmp_path / "encoder", [store, few], SMALL, tmp_path / "after", seed=0)


def test_a_damaged_episode_is_left_out_of_a_refit(store: RolloutStore, tmp_path: Path) -> None:
    pretrain(store, SMALL, tmp_path / "encoder", seed=0)
    other = second(tmp_path)
    train = next(record for record in other.records if record.split == "train")
    other.frames_path(train).unlink()
    with pytest.warns(UserWarning, match="left out"):
        refit(tmp_path / "encoder", [store, other], SMALL, tmp_path / "after", seed=0)


def test_a_refit_has_no_warm_up() -> None:
    warm = PretrainConfig(objective=BetaVAE(beta=2, beta_schedule="linear", beta_steps=50))
    assert warm.autoencoder.objective.beta_at(0) == 0
    assert warm.without_warm_up.autoencoder.objective.beta_at(0) == 2
    capacity = PretrainConfig(objective=CapacityVAE(capacity=9, gamma=10)).without_warm_up
    assert capacity.autoencoder.objective.capacity_at(0) == 9
    assert capacity.autoencoder.objective.capacity_at(1) == 9
    assert PretrainConfig(objective=AE()).without_warm_up == PretrainConfig(objective=AE())
