"""How much a mean varies over resamples, by its closed form."""

from __future__ import annotations

import numpy as np
import pytest

from tests.draws import resampling

FIVE = np.array([1.0, 2.0, 3.0, 4.0, 10.0])


def test_both_ways_to_resample_draw_as_many_values_as_there_are() -> None:
    """The mean of n draws from n values has their variance, 10, over n."""
    drawn = {
        "values": resampling().of(FIVE).mean(axis=1),
        "weights": resampling().weights(5) @ FIVE,
    }
    for how, means in drawn.items():
        assert means.mean() == pytest.approx(4.0, abs=0.06), how
        assert means.var() == pytest.approx(10 / 5, rel=0.06), how
    np.testing.assert_allclose(resampling().weights(5).sum(axis=1), 1.0)
