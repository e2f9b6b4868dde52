"""Rollouts may be collected on, but not behind the back of what was made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.prepare import collect_rollouts
from tests.tiny import load
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutStore

FRAMES = {"rollouts.frames": 1_000}


def test_no_more_frames_are_collected_once_a_model_was_made_of_them(runs: Path) -> None:
    """It would be charged for frames that it never saw."""
    more = load(runs, **FRAMES)
    before = RolloutStore(more.rollouts_folder).num_frames
    with pytest.raises(WorldvaeError, match=r"encoder was made with rollouts\.frames = .*, now it"):
        collect_rollouts(more)
    assert RolloutStore(more.rollouts_folder).num_frames == before


def test_more_frames_than_were_asked_for_are_told_of(tmp_path: Path) -> None:
    few, more = load(tmp_path), load(tmp_path, **FRAMES)
    collect_rollouts(few)
    assert collect_rollouts(more).num_frames >= FRAMES["rollouts.frames"]
    with pytest.warns(UserWarning, match=r"holds 1,\d+ frames, more than rollouts\.frames = "):
        collect_rollouts(few)
