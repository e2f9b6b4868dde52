"""What an observer promises is what it does."""

import pytest

from worldvae.wrappers.latent_observer import LatentObserver
from worldvae.wrappers.observer import Observer, StackedObserver


def test_only_what_stacks_each_moment_by_itself_has_features_of_one() -> None:
    """A latent of several frames takes those before, so the frames were no features of it."""
    assert hasattr(StackedObserver, "features")
    assert not hasattr(LatentObserver, "features")
    with pytest.raises(TypeError, match="abstract"):
        Observer(1)  # type: ignore[abstract]
