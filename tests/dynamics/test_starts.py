"""Dreams begin from real frames, spread evenly, that hold what was really before them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.damage import HARMS, damaged
from tests.dynamics.coded import CodedEpisodes, coded
from tests.dynamics.linear import CHOICES, LATENTS, LinearDynamics
from worldvae.dynamics.sequences import EncodedEpisode
from worldvae.dynamics.starts import StartBank
from worldvae.dynamics.starts_file import load_starts, save_starts
from worldvae.errors import ArtifactError, ConfigError


def episode(number: int, length: int, terminated: bool) -> EncodedEpisode:
    """Frame t of episode e has the code 100 e + t; the actions alternate."""
    codes = np.repeat(100 * number + np.arange(length + 1)[:, None], LATENTS, 1)
    actions = np.eye(CHOICES)[np.arange(length) % 2]
    return coded(codes.astype(np.float32), actions.astype(np.float32), terminated)


EPISODES = CodedEpisodes([episode(0, 3, True), episode(1, 6, False), episode(2, 1, True)])
LEGAL = [(0, 0), (0, 1), (0, 2), *((1, frame) for frame in range(7)), (2, 0)]
"""Every frame but the last ones of the two episodes that terminated."""


def places(bank: StartBank) -> list[tuple[int, int]]:
    return [tuple(place) for place in bank.places.tolist()]


def test_every_frame_but_one_after_the_end_is_a_start() -> None:
    bank = StartBank.of(EPISODES, "any", burn_in=2, bank=100)
    assert places(bank) == LEGAL
    assert bank.codes[:, -1, 0].tolist() == [100 * e + t for e, t in LEGAL]
    assert bank.burn_in.tolist() == [min(2, t) for _, t in LEGAL]


def test_fewer_starts_are_spread_evenly() -> None:
    bank = StartBank.of(EPISODES, "any", burn_in=2, bank=3)
    assert places(bank) == [LEGAL[0], LEGAL[5], LEGAL[10]]


def test_first_starts_are_those_of_episodes() -> None:
    bank = StartBank.of(EPISODES, "first", burn_in=2, bank=100)
    assert places(bank) == [(0, 0), (1, 0), (2, 0)]
    assert bank.actions.shape == (3, 0, CHOICES)
    assert bank.burn_in.tolist() == [0, 0, 0]


def test_the_memory_at_a_start_is_that_of_the_steps_before_it() -> None:
    """One after the other through `observe`, from the first of at most `burn_in` steps."""
    dynamics = LinearDynamics(members=2)
    states = StartBank.of(EPISODES, "any", burn_in=4, bank=100).states(dynamics)
    assert states.carried.shape[:2] == (2, len(LEGAL))
    for row, (number, frame) in enumerate(LEGAL):
        first = max(0, frame - 4)
        codes, actions = EPISODES.every[number].codes, EPISODES.every[number].actions
        expected = [frame - first, codes[first:frame].sum(), *actions[first:frame].sum(0)]
        assert states.carried[0, row].tolist() == expected
        assert states.code[row].tolist() == codes[frame].tolist()


def test_real_dynamics_observe_in_chunks_what_they_observe_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dynamics = LinearDynamics()
    bank = StartBank.of(EPISODES, "any", burn_in=3, bank=100)
    whole = bank.states(dynamics)
    monkeypatch.setattr("worldvae.dynamics.starts.CHUNK", 4)
    parts = bank.states(dynamics)
    assert torch.equal(whole.carried, parts.carried)
    assert torch.equal(whole.code, parts.code)


def test_no_episodes_no_starts() -> None:
    with pytest.raises(ConfigError, match="no episodes to start dreams from; collect more"):
        StartBank.of(CodedEpisodes([]), "any", 1, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    few, none = CodedEpisodes(EPISODES.every[:1]), CodedEpisodes([])
    save_starts(tmp_path, {"train": EPISODES, "test": few, "validation": none}, 4, 100)
    return tmp_path


def test_what_is_saved_is_loaded(folder: Path) -> None:
    expected = StartBank.of(EPISODES, "any", 4, 100)
    found = load_starts(folder, "train", "any", 4, 100)
    for name, value in vars(expected).items():
        assert torch.equal(value, getattr(found, name)), name
    assert places(load_starts(folder, "test", "first", 0, 1)) == [(0, 0)]


@pytest.mark.parametrize("bank", [3, 100])
def test_a_shorter_burn_in_is_the_end_of_the_longer(folder: Path, bank: int) -> None:
    found = load_starts(folder, "train", "any", 2, bank)
    expected = StartBank.of(EPISODES, "any", 2, bank)
    for name, value in vars(expected).items():
        assert torch.equal(value, getattr(found, name)), name
    dynamics = LinearDynamics()
    assert torch.equal(found.states(dynamics).carried, expected.states(dynamics).carried)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "any", 5, 10), r"burn_in = 5: .*starts.safetensors keeps 4 real steps"),
        (("validation", "any", 1, 10), r"no starts of the split validation, only of test, train"),
    ],
)
def test_what_was_not_kept_is_refused(folder: Path, arguments: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_starts(folder, *arguments)


def test_a_missing_and_a_damaged_file_are_told(folder: Path) -> None:
    path = folder / "starts.safetensors"
    for harm in HARMS:
        for seed in range(5):
            with damaged(path, harm, seed) as differs:
                if differs:
                    with pytest.raises(ArtifactError, match=r"starts.safetensors: damaged; copy"):
                        load_starts(folder, "train", "any", 1, 1)
    path.unlink()
    with pytest.raises(ArtifactError, match="no frame to dream on from"):
        load_starts(folder, "train", "any", 1, 1)
