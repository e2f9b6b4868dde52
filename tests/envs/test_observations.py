"""What the keys beside the image hold reaches policies as it is, or is refused in one line."""

import warnings
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from worldvae.envs.observations import LARGEST_KEY, MOST_NUMBERS, KeyEncoding
from worldvae.errors import ConfigError

ANY = np.finfo(np.float64).max


def boxed(low: float, high: float, dtype: Any) -> KeyEncoding:
    return KeyEncoding.of("speed", spaces.Box(low, high, (2,), dtype))


@pytest.mark.parametrize(
    ("low", "high", "dtype", "value", "words"),
    [
        (-np.inf, np.inf, np.float64, np.nan, r"speed is \[ 1. nan\]: not all finite"),
        (-np.inf, np.inf, np.float32, -np.inf, r"speed is \[  1. -inf\]: not all finite"),
        (-ANY, ANY, np.float64, 1e39, r"speed holds 1e\+39; numbers over 1e\+15 .* scale or clip"),
        (-ANY, ANY, np.float64, -1e30, r"speed holds -1e\+30; numbers over 1e\+15"),
        (-np.inf, np.inf, np.float32, 2e15, r"speed holds 2e\+15"),
        (-(2**63), 2**63 - 1, np.int64, -(2**63), r"speed holds -9\.22337e\+18"),
        (0, 2**64 - 1, np.uint64, 2**64 - 1, r"speed holds 1\.84467e\+19"),
    ],
)
def test_what_float32_cannot_hold_or_square_is_one_line(
    low: float, high: float, dtype: Any, value: float, words: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy's own words about casts help nobody
        encode = boxed(low, high, dtype)
        with pytest.raises(ConfigError, match=words):
            encode(np.array([1, value], dtype))


def test_the_largest_number_is_usable() -> None:
    encoded = boxed(-ANY, ANY, np.float64)(np.array([LARGEST_KEY, -LARGEST_KEY]))
    assert np.isfinite(np.square(encoded)).all()
    assert np.array_equal(encoded, np.array([LARGEST_KEY, -LARGEST_KEY], np.float32))


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (spaces.Discrete(200_000), "speed would be 200,000 numbers, one for each choice, over"),
        (spaces.MultiDiscrete([10_000, 10_000]), "speed would be 20,000 numbers, one for each"),
        (spaces.Box(0, 1, (200, 200, 5), np.float32), "speed would be 200,000 numbers, over"),
    ],
)
def test_what_takes_too_many_numbers_is_refused(space: spaces.Space[Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        KeyEncoding.of("speed", space)


def test_as_many_numbers_as_are_allowed_are_one_hot() -> None:
    encode = KeyEncoding.of("item", spaces.Discrete(MOST_NUMBERS))
    assert np.flatnonzero(encode(7)).tolist() == [7]
