"""What a store keeps of the dataset that it was imported from."""

from pathlib import Path
from typing import Any

import pytest
from gymnasium import spaces

from tests.odd import ACTIONS
from tests.rollouts.test_store import ENV, episode
from worldvae.errors import ArtifactError, ConfigError
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.grow import begin_with
from worldvae.rollouts.imported import DATASET, ImportedDataset, RecordedActions


@pytest.mark.parametrize("space", ACTIONS.values(), ids=ACTIONS)
def test_a_file_holds_any_space_of_actions(space: spaces.Space[Any]) -> None:
    text = RecordedActions.of(space).model_dump_json()
    assert RecordedActions.model_validate_json(text).space == space


def test_a_space_that_nothing_can_act_in() -> None:
    with pytest.raises(ConfigError, match="actions must be Discrete or a bounded Box"):
        RecordedActions.of(spaces.MultiBinary(3))


def dataset(whole: bool) -> ImportedDataset:
    return ImportedDataset(
        id="me/robot-v0",
        episodes=2,
        steps=7,
        whole=whole,
        actions=RecordedActions.of(spaces.Discrete(3, start=5)),
        source_shape=(96, 96, 3),
    )


@pytest.fixture
def store(tmp_path: Path) -> RolloutStore:
    """A store of an environment that is registered nowhere."""
    env = ENV.model_copy(update={"id": "me/Robot-v0"})
    store = RolloutStore.create(tmp_path / "rollouts", env)
    DATASET.write(store.folder, dataset(whole=True))
    return store


def test_spaces_are_those_of_the_dataset(store: RolloutStore) -> None:
    assert store.action_space == spaces.Discrete(3, start=5)
    assert store.source_shape == (96, 96, 3)


def test_half_an_import_is_not_read(store: RolloutStore) -> None:
    DATASET.write(store.folder, dataset(whole=False))
    with pytest.raises(ArtifactError) as error:
        store.healthy()
    assert str(error.value) == (
        f"{store.folder}: 0 of the 2 episodes of minari:me/robot-v0; python -m scripts.collect "
        "CONFIG --from minari:me/robot-v0 goes on"
    )


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    store = RolloutStore.create(tmp_path / "rollouts", ENV)
    plain = episode(3)
    plain = type(plain)(**{**vars(plain), "state": None})
    assert store.append(plain, number=4).name == "000004"
    assert store.append(plain).name == "000005"
    with pytest.raises(ArtifactError) as error:
        store.append(plain, number=5)
    assert str(error.value) == (
        f"{store.folder}: no place for episode 5, since there are files of episode 5; remove the "
        "folder and begin again"
    )


def test_a_store_that_grows_from_it_is_one_of_its_environment(
    store: RolloutStore, tmp_path: Path
) -> None:
    assert begin_with(store, tmp_path / "grown").dataset is None
