"""The film of one start: recorded frames and a dream with the recorded actions."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from agents.gap.film import FILM, RecordedStart, dream_along, film_start
from tests.dynamics_folders import make_dynamics
from tests.tiny import load
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.envs.actions import encode_actions
from worldvae.rollouts import RolloutStore


def test_a_start_is_filmed_in_reality_and_in_the_dream(prepared: Path, tmp_path: Path) -> None:
    experiment = load(prepared)
    store, encoder = (
        RolloutStore(experiment.rollouts_folder),
        Encoder.load(experiment.encoder_folder),
    )
    folder = make_dynamics(experiment.env, experiment.encoder_folder, tmp_path / "dynamics")
    model, card = load_dynamics(folder)
    start = RecordedStart.read(store, card, card.actions.space)
    assert start is not None
    tests = [record for record in store.healthy() if record.split == "test"]
    longest = max(record.length for record in tests)
    assert len(start.frames) == longest + 1
    record = next(one for one in tests if one.length == longest)
    taken = store.arrays(record)["action"]
    assert np.array_equal(start.actions, encode_actions(taken, card.actions.space))

    codes, ended = dream_along(model, start, encoder, 1.0, torch.Generator().manual_seed(0))
    first = encoder.whiten(encoder.encode(start.frames[:1]))
    assert np.allclose(codes[0], first[0])
    assert len(codes) == longest + 1 or ended

    film_start(start, encoder, folder, 1.0, 0, tmp_path / FILM)
    video = cv2.VideoCapture(str(tmp_path / FILM))
    shown, picture = video.read()
    video.release()
    assert shown
    assert picture.shape == (200, 480, 3)
