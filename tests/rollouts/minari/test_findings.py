"""What cannot be meant is said of an imported dataset in the words that collecting has for it."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from tests.rollouts.minari.datasets import (
    NOWHERE,
    buffer,
    odd,
    odd_config,
    play,
    said,
    store_buffers,
)
from tests.rollouts.test_findings import FAULTS, RIGHT
from worldvae.envs import EnvConfig
from worldvae.errors import ArtifactError
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.minari import import_dataset
from worldvae.rollouts.minari.source import MinariSource

NAME = "hostile-v0"
IN_THE_DATA = [name for name in FAULTS if name not in {"endless", "given up", "limit of one"}]
QUIET = [name for name, kwargs in RIGHT.items() if not {"gives_up", "limit"} & kwargs.keys()]


def lines_of(folder: Path, **kwargs: Any) -> list[str]:
    """What is said of a dataset of two episodes."""
    play(gym.make("tests/Hostile-v0", **kwargs), NAME)
    with said() as lines:
        import_dataset(NAME, folder / "rollouts", hostile(kwargs))
    return lines


def hostile(kwargs: dict[str, Any]) -> EnvConfig:
    """The task of the hostile environment."""
    return EnvConfig(
        id="tests.rollouts.test_findings:tests/Hostile-v0",
        kwargs=kwargs,
        image_key="camera",
        frame={"height": 40, "width": 40},
    )


@pytest.mark.parametrize("fault", IN_THE_DATA)
def test_each_fault_of_the_data_is_said_with_what_mends_it(fault: str, tmp_path: Path) -> None:
    kwargs, words = FAULTS[fault]
    (line,) = lines_of(tmp_path, **kwargs)
    assert line.startswith("tests/Hostile-v0: ")
    assert words in line
    folder = tmp_path / "rollouts"
    again = f", make minari:{NAME} again, remove {folder} and import it"
    assert line.endswith(again) or fault == "bandit"


@pytest.mark.parametrize("case", QUIET)
def test_what_is_right_is_not_spoken_of(case: str, tmp_path: Path) -> None:
    assert lines_of(tmp_path, **RIGHT[case]) == []


def endless(folder: Path, env: EnvConfig) -> list[str]:
    """What is said of no end where the only episode was left open after 4 decisions."""
    parts = {"terminations": np.zeros(4, bool), "actions": np.arange(4) % 3}
    store_buffers("robot-v0", buffer(**parts), action_space=spaces.Discrete(3))
    with said() as lines:
        import_dataset("robot-v0", folder / "rollouts", env)
    return [line for line in lines if "no episode has ended" in line]


def test_no_end_is_said_with_a_way_to_a_limit(tmp_path: Path) -> None:
    assert endless(tmp_path, odd_config()) == [
        "tests/Odd-v0: no episode has ended within 4 decisions, and no limit is known: if none "
        "ever does, no agent can be evaluated; give the environment a limit of steps, make "
        f"minari:robot-v0 again, remove {tmp_path}/rollouts and import it"
    ]


def test_no_end_is_not_said_where_there_is_a_limit(tmp_path: Path) -> None:
    assert endless(tmp_path, odd_config().model_copy(update={"max_episode_steps": 50})) == []


def test_no_end_is_not_said_where_no_agent_can_be_evaluated(tmp_path: Path) -> None:
    assert endless(tmp_path, NOWHERE) == []


def stopped(folder: Path, name: str, env: EnvConfig, episodes: int) -> None:
    """Import into `folder` until so many episodes are stored, as a kill leaves it."""
    append = RolloutStore.append

    def stop(store: RolloutStore, *arguments: Any) -> None:
        append(store, *arguments)
        if len(store.records) == episodes:
            raise ArtifactError("stopped")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RolloutStore, "append", stop)
        with pytest.raises(ArtifactError, match="stopped"):
            import_dataset(name, folder, env)


def test_an_import_that_goes_on_says_nothing_of_nothing(tmp_path: Path) -> None:
    play(odd(), "odd-v0")
    stopped(tmp_path / "rollouts", "odd-v0", odd_config(), 2)
    with said() as lines:
        store = import_dataset("odd-v0", tmp_path / "rollouts", odd_config())
    assert len(store.records) == 2
    assert lines == []


@pytest.mark.parametrize("fault", ["beyond bounds", "few levels", "whole", "bandit"])
def test_an_import_that_goes_on_says_what_it_stored_before(fault: str, tmp_path: Path) -> None:
    kwargs, words = FAULTS[fault]
    play(gym.make("tests/Hostile-v0", **kwargs), NAME)
    stopped(tmp_path / "rollouts", NAME, hostile(kwargs), 2)
    with said() as lines:
        import_dataset(NAME, tmp_path / "rollouts", hostile(kwargs))
    (line,) = lines
    assert words in line


def test_an_import_that_goes_on_in_the_dark_has_seen_the_day(tmp_path: Path) -> None:
    dark = np.random.default_rng(0).integers(0, 9, (5, 40, 40, 3), np.uint8)
    store_buffers("robot-v0", buffer(), buffer(observations=dark))
    stopped(tmp_path / "rollouts", "robot-v0", NOWHERE, 1)
    with said() as lines:
        import_dataset("robot-v0", tmp_path / "rollouts", NOWHERE)
    assert [line for line in lines if "almost black" in line] == []


def test_each_episode_is_read_once_and_none_of_a_whole_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(odd(), "odd-v0", episodes=3)
    read, found = MinariSource.episode, []

    def count(source: MinariSource, index: int) -> dict[str, Any]:
        found.append(index)
        return read(source, index)

    monkeypatch.setattr(MinariSource, "episode", count)
    for _ in range(2):
        import_dataset("odd-v0", tmp_path / "rollouts", odd_config())
        assert found == [0, 1, 2]
    stopped(tmp_path / "more", "odd-v0", odd_config(), 2)
    found.clear()
    import_dataset("odd-v0", tmp_path / "more", odd_config())
    assert found == [0, 2]  # the first one is bright, so that no other one is looked at
