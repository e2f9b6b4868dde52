"""What agents observe inside of a file, and in a dream, is what the wrappers let them observe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.encoders import DOTS, NETWORK, make_encoder
from worldvae.export.dream_observing import GivenLatentsGraph
from worldvae.export.observing import LatentsGraph, ObserverGraph
from worldvae.wrappers.latent_observer import FrameEncoder, LatentObserver
from worldvae.wrappers.observer import Moment

N, STACK, STEPS = 3, 3, 6


def observed(graph: ObserverGraph, shown: Any, starts: Any) -> Any:
    """What `graph` observes of N environments in each step; its states are fed back."""
    states = {
        spec.name: torch.zeros((N, *spec.shape), dtype=getattr(torch, spec.dtype))
        for spec in graph.states
    }
    found = []
    for one, start in zip(shown, starts, strict=True):
        seen, after = graph(torch.from_numpy(one), {}, torch.from_numpy(start), states)
        states = {name: after[name.replace("state_", "next_")] for name in states}
        found.append(seen.numpy())
    return found


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("whiten", [True, False])
def test_latents_are_in_the_units_of_the_wrapper(whiten: bool, frames: int) -> None:
    encoder = make_encoder(DOTS, network=NETWORK.model_copy(update={"stack": frames}))
    encode, draw = FrameEncoder(encoder, whiten, DOTS.frame, None), np.random.default_rng(0)
    shown = draw.integers(0, 256, (STEPS, N, 32, 32, 3), np.uint8)
    starts = draw.random((STEPS, N)) < 0.3
    starts[0] = True
    observer = LatentObserver(encode, STACK)
    expected, latents = [], []
    for one, start in zip(shown, starts, strict=True):
        expected.append(observer.step(Moment.of(one, None), start)[0])
        latents.append(encoder.whiten(encoder.encode(observer.newest_inputs)))
    found = observed(LatentsGraph(encode, STACK), shown, starts)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    dreamed = observed(GivenLatentsGraph(encoder, STACK, whiten), latents, starts)
    np.testing.assert_allclose(dreamed, expected, atol=1e-4)
