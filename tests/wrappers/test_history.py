import numpy as np
import pytest
from gymnasium import spaces

from worldvae.wrappers.history import History, stacked_space


def push(history: History, values: list[float], episode_start: list[bool]) -> list[list[float]]:
    return history.push(np.array(values)[:, None], np.array(episode_start)).tolist()


def test_stacks_by_hand() -> None:
    history = History(3)
    assert push(history, [1, 10], [True, True]) == [[1, 1, 1], [10, 10, 10]]
    assert push(history, [2, 20], [False, False]) == [[1, 1, 2], [10, 10, 20]]
    last = history.with_last(np.array([[30.0]]), np.array([1]))
    assert last.tolist() == [[10, 20, 30]]
    assert push(history, [3, 99], [False, True]) == [[1, 2, 3], [99, 99, 99]]


def test_a_stack_given_out_does_not_change_later() -> None:
    history = History(2)
    first = history.push(np.zeros((1, 1)), np.array([True]))
    history.push(np.ones((1, 1)), np.array([False]))
    assert first.tolist() == [[0, 0]]
    begun = history.begin(np.full((1, 1), 5.0), np.array([True]))
    history.begin(np.full((1, 1), 7.0), np.array([True]))
    assert begun.tolist() == [[5, 5]]


def test_images_are_joined_along_the_channels() -> None:
    history = History(2)
    frame = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    history.push(frame, np.array([True]))
    stack = history.push(frame + 100, np.array([False]))
    assert stack.shape == (1, 2, 2, 6)
    assert (stack[..., :3] == frame).all()
    assert (stack[..., 3:] == frame + 100).all()


def test_spaces() -> None:
    space = stacked_space(spaces.Box(0, 255, (4, 4, 3), np.uint8), 2)
    assert space == spaces.Box(0, 255, (4, 4, 6), np.uint8)


def test_wrong_use_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        History(0)
    with pytest.raises(ValueError, match="no observation"):
        History(1).with_last(np.zeros((1, 1)), np.array([0]))
