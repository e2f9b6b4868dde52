"""Frames as examples to learn from."""

import numpy as np
import torch

from tests.autoencoders.tiny import Frames
from worldvae.autoencoders.examples import FrameExamples, frame_batches
from worldvae.training.batches import shuffled_batches


def test_batches_carry_the_actions_of_their_examples():
    told = np.arange(10, dtype=np.float32).reshape(10, 1, 1)
    source = Frames(np.arange(10, dtype=np.uint8).reshape(-1, 1, 1, 1), told=told)
    shuffled = shuffled_batches(FrameExamples(source), 4, seed=0, first=0)
    for batch in (next(shuffled), *frame_batches(source, 3, limit=7)):
        assert torch.equal(batch.actions.flatten(), batch.frames.flatten().float())
        assert torch.equal(batch.to(torch.device("cpu")).actions, batch.actions)
    shuffled.close()


def test_examples_are_known_by_their_number_and_shape():
    source = Frames(np.zeros((7, 4, 5, 3), np.uint8))
    assert FrameExamples(source).identity == {"examples": 7, "shape": [4, 5, 3]}
