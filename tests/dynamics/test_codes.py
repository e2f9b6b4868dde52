"""Every frame is encoded once, as in play, whatever happens to the process or to the files."""

import re
import warnings
from mmap import mmap
from pathlib import Path

import numpy as np
import pytest

from tests.autoencoders.test_encoder import predicting, windows
from tests.autoencoders.tiny import ORIGIN, squares, tiny
from tests.dynamics.stores import ENV, ReadingEncoder, episode, fill
from tests.kills import kill_at, kill_everywhere, leftovers
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics import codes as codes_module
from worldvae.dynamics.codes import CODES, EncodedRollouts, encode_rollouts
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutStore
from worldvae.wrappers.latent_observer import FrameEncoder, LatentObserver
from worldvae.wrappers.observer import Moment

LENGTHS = (3, 1, 9, 4, 300, 2)
FRAMES = sum(length + 1 for length in LENGTHS)
SHA = "a" * 64


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes_module, "SHARD", 8)


def encode(store: RolloutStore, folder: Path, sha: str = SHA) -> tuple[EncodedRollouts, int]:
    """The codes, and how many frames were encoded for them."""
    encoder = ReadingEncoder()
    encoded = encode_rollouts(store, encoder, sha, folder)  # type: ignore[arg-type]
    return encoded, sum(encoder.batches)


def check(encoded: EncodedRollouts) -> None:
    """The codes are those of the frames."""
    for record in encoded.records:
        means, deviations = encoded.codes(record)
        frames = encoded.store.frames(record)
        assert means.dtype == deviations.dtype == np.float32
        assert (means == frames[:, 0, 0, :2]).all()
        assert (deviations[:, 0] == np.float32(0.1)).all()
        assert (deviations[:, 1] == frames[:, 0, 0, 2]).all()


def test_every_frame_is_encoded_once(tmp_path: Path) -> None:
    store = fill(tmp_path / "rollouts", LENGTHS)
    encoded, count = encode(store, tmp_path / "codes")
    assert count == FRAMES
    check(encoded)
    assert [len(shard.episodes) for shard in CODES.read(tmp_path / "codes")] == [3, 2, 1]
    again, count = encode(store, tmp_path / "codes")
    assert count == 0
    check(again)


def test_of_what_no_model_learnt_from_nothing_is_for_training(tmp_path: Path) -> None:
    found = encode(fill(tmp_path / "rollouts", LENGTHS), tmp_path / "codes")[0].held_out()
    assert [record.split for record in found.records] == ["validation", "test"] * 3
    check(found)


def test_batches_are_full_and_no_more_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of long episodes, of many short ones, and of frames that several episodes share a batch."""
    monkeypatch.setattr(codes_module, "SHARD", 10**6)
    store = fill(tmp_path / "rollouts", [1_000, *[3] * 200])
    encoder = ReadingEncoder()
    check(encode_rollouts(store, encoder, SHA, tmp_path / "codes"))  # type: ignore[arg-type]
    assert encoder.batches == [*[256] * 7, 1_001 + 800 - 7 * 256]


def test_codes_are_mapped_and_not_read(tmp_path: Path) -> None:
    encoded, _ = encode(fill(tmp_path / "rollouts", LENGTHS), tmp_path / "codes")
    for part in encoded.codes(encoded.records[4]):
        owner = part
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        assert isinstance(owner.base, mmap)
        assert not part.flags.writeable


def test_a_store_that_has_grown_is_encoded_from_where_it_has(tmp_path: Path) -> None:
    store = fill(tmp_path / "rollouts", LENGTHS)
    encode(store, tmp_path / "codes")
    store.append(episode(6, 20))
    store.append(episode(7, 5))
    encoded, count = encode(store, tmp_path / "codes")
    assert count == 21 + 6
    check(encoded)
    assert encode(store, tmp_path / "codes")[1] == 0


def test_episodes_of_the_same_frames_share_their_codes(tmp_path: Path) -> None:
    store = fill(tmp_path / "rollouts", [5])
    for _ in range(3):
        store.append(episode(0, 5))
    encoded, count = encode(store, tmp_path / "codes")
    assert count == 6
    check(encoded)


def test_killed_anywhere_it_goes_on(tmp_path: Path) -> None:
    """Before and after each shard gets its name, and where a kill is cleaned up after."""
    store, places = fill(tmp_path / "rollouts", LENGTHS), 6
    for place in range(places + 1):
        folder = tmp_path / f"codes_{place}"
        kill = kill_at(lambda folder=folder: encode(store, folder), folder, place)
        assert (kill is None) == (place == places)
        kill_everywhere(lambda folder=folder: encode(store, folder), folder)
        assert not list(leftovers(folder))
        shards = CODES.read(folder)
        listed = [shard.name for shard in shards]
        assert sorted(path.name for path in folder.glob("*.npy")) == sorted(listed)
        whole = [key for shard in shards for key, _ in shard.episodes]
        assert sorted(whole) == sorted(record.frames_sha256 for record in store.records)
        encoded, count = encode(store, folder)
        assert count == 0
        check(encoded)


def test_damaged_codes_are_made_again(tmp_path: Path) -> None:
    store, folder = fill(tmp_path / "rollouts", LENGTHS), tmp_path / "codes"
    encode(store, folder)
    path = folder / "00000.npy"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    (folder / "00002.npy").unlink()
    with pytest.warns(UserWarning, match="its frames are encoded again") as told:
        encoded, count = encode(store, folder)
    assert [str(one.message) for one in told] == [
        f"{folder / name}: damaged or missing; its frames are encoded again"
        for name in ("00000.npy", "00002.npy")
    ]
    assert count == 4 + 2 + 10 + 3
    check(encoded)
    assert encode(store, folder)[1] == 0


@pytest.mark.parametrize("damage", [b"x", b"\n{}\n"])
def test_a_damaged_list_is_made_again(tmp_path: Path, damage: bytes) -> None:
    store, folder = fill(tmp_path / "rollouts", LENGTHS), tmp_path / "codes"
    encode(store, folder)
    path = folder / CODES.name
    path.write_bytes(path.read_bytes()[:9] + damage + path.read_bytes()[9:])
    with pytest.warns(UserWarning, match=r"codes\.jsonl: line 1 is damaged; the frames are enc"):
        encoded, count = encode(store, folder)
    assert count == FRAMES
    check(encoded)
    assert encode(store, folder)[1] == 0


def test_a_line_that_was_not_finished_does_not_count(tmp_path: Path) -> None:
    store, folder = fill(tmp_path / "rollouts", LENGTHS), tmp_path / "codes"
    encode(store, folder)
    path = folder / CODES.name
    path.write_bytes(path.read_bytes()[:-20])
    encoded, count = encode(store, folder)
    assert count == 3
    check(encoded)


def test_codes_of_another_encoder_are_made_again(tmp_path: Path) -> None:
    store, folder = fill(tmp_path / "rollouts", LENGTHS), tmp_path / "codes"
    encode(store, folder)
    warning = re.escape(f"{folder}: holds codes of another encoder; the frames are encoded again")
    with pytest.warns(UserWarning, match=warning):
        encoded, count = encode(store, folder, sha="b" * 64)
    assert count == FRAMES
    check(encoded)
    assert len(list(folder.glob("*.npy"))) == len(CODES.read(folder)) == 3


def test_codes_of_other_rollouts_do_not_serve(tmp_path: Path) -> None:
    """Episodes are known by what they show, and not by their names."""
    encode(fill(tmp_path / "rollouts", LENGTHS), tmp_path / "codes")
    other = fill(tmp_path / "other", LENGTHS, ends=[False] * 6)
    encoded, count = encode(other, tmp_path / "codes")
    assert count == FRAMES
    check(encoded)


def test_a_damaged_episode_is_left_out(tmp_path: Path) -> None:
    store = fill(tmp_path / "rollouts", LENGTHS)
    store.frames_path(store.records[2]).write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged or missing, and left out"):
        encoded, count = encode(store, tmp_path / "codes")
    assert [record.name for record in encoded.records] == [f"{n:06d}" for n in (0, 1, 3, 4, 5)]
    assert count == FRAMES - 10


def test_codes_that_are_no_numbers_are_one_line(tmp_path: Path) -> None:
    class Broken(ReadingEncoder):
        def whiten(self, latents: np.ndarray) -> np.ndarray:
            return latents * np.nan

    store = fill(tmp_path / "rollouts", LENGTHS)
    with pytest.raises(WorldvaeError) as caught:
        encode_rollouts(store, Broken(), SHA, tmp_path / "codes")  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"{store.folder}: the codes of episodes 000000 to 000002 are not all finite numbers; "
        "remove the encoder and pretrain again"
    )
    assert not list((tmp_path / "codes").glob("*.npy"))


def test_frames_that_are_made_otherwise_are_refused(tmp_path: Path) -> None:
    env = ENV.model_copy(update={"frame": ENV.frame.model_copy(update={"color": "gray"})})
    store = RolloutStore.create(tmp_path / "rollouts", env)
    with pytest.raises(WorldvaeError, match=f"{store.folder} gives"):
        encode(store, tmp_path / "codes")
    assert not (tmp_path / "codes").exists()


def test_files_of_others_stay(tmp_path: Path) -> None:
    """Even where the folder is that of the rollouts."""
    store = fill(tmp_path / "rollouts", LENGTHS)
    check(encode(store, store.folder)[0])
    encoded, count = encode(RolloutStore(store.folder), store.folder)
    assert (len(encoded.records), count) == (6, 0)
    check(encoded)


def single() -> Encoder:
    return encoder_of()


def stacked() -> Encoder:
    return encoder_of({"stack": 3})


def deterministic() -> Encoder:
    return encoder_of(name="ae")


def encoder_of(network: dict[str, int] | None = None, **values: object) -> Encoder:
    config = tiny(network, **values)
    frames = windows(12, 0)
    frames.told = None
    frames.frames = frames.frames[..., : 3 * config.network.stack]
    return Encoder.untrained(config, ORIGIN, frames, frames, seed=0)


@pytest.mark.parametrize("make", [single, stacked, deterministic, predicting])
def test_codes_are_the_latents_of_play(tmp_path: Path, make) -> None:
    """Of encoders of one frame, of three, without a variance, and of one that predicts."""
    encoder = make()
    store = RolloutStore.create(tmp_path / "rollouts", ENV)
    for number, length in enumerate((40, 1, 6)):
        frames = squares(length + 1, number)
        store.append(_with_frames(episode(number, length), frames))
    encoded = encode_rollouts(store, encoder, SHA, tmp_path / "codes")
    for record in encoded.records:
        means, deviations = encoded.codes(record)
        played = _played(encoder, store.frames(record))
        np.testing.assert_allclose(means, played, rtol=0, atol=2e-6)
        if make is deterministic:
            assert (deviations == 0).all()
            continue
        assert (deviations > 0).all()
        frames = codes_module.stacked(store.frames(record), 0, len(means), encoder.stack)
        raw = encoder.posterior(frames)[1]
        ratio = encoder.whiten(raw) - encoder.whiten(np.zeros_like(raw))
        np.testing.assert_allclose(deviations, ratio, rtol=1e-4)


def _with_frames(one, frames):
    return type(one)(**{**vars(one), "obs": frames})


def _played(encoder: Encoder, frames: np.ndarray) -> np.ndarray:
    """What an observer shows of an episode, its last frame as a final observation."""
    observer = LatentObserver(FrameEncoder(encoder, True, encoder.card.frame, None), stack=1)
    start = np.array([True])
    shown = [observer.begin(Moment(frames[:1]), start)]
    for frame in frames[1:-1]:
        shown.append(observer.step(Moment(frame[None]), ~start)[0])
    final = observer.step(Moment(frames[:1]), start, Moment(frames[-1:]), np.array([0]))[1]
    return np.concatenate([*shown, final])


def test_nothing_is_said_of_what_is_whole(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            encode(fill(tmp_path / "rollouts", ()), tmp_path / "codes")
