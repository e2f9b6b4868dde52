"""What the report shows of every arm's view, on the same held-out frames."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from agents.arms.registry import ARMS
from agents.config.experiment import Experiment
from agents.prepare import prepare
from agents.report.sections.held_out import MOMENTS, take
from agents.report.sections.image_grid import difference, image_grid
from agents.report.sections.observations import observations
from agents.run.load import read_run
from tests.tiny import TINY
from worldvae.autoencoders.encoder import Encoder
from worldvae.checksum import write_checked_bytes
from worldvae.config import to_yaml
from worldvae.rollouts import RolloutStore


@pytest.fixture(scope="module")
def begun(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose agents have not begun: rollouts of 800 frames and both encoders."""
    runs = shutil.copytree(prepared, tmp_path_factory.mktemp("begun") / "runs")
    experiment = Experiment.load(TINY, {"runs": str(runs)})
    prepare(experiment, ARMS)
    write_checked_bytes(experiment.folder / "config.yaml", to_yaml(experiment).encode())
    return experiment.folder


@pytest.fixture
def run(begun: Path, tmp_path: Path) -> Path:
    return shutil.copytree(begun, tmp_path / "run")


def section(folder: Path, arms: Sequence[str] = ARMS) -> str:
    return unescape(observations(read_run(folder, [(arm, 0) for arm in arms])))


def figure_of(page: str, arm: str) -> str:
    (found,) = (part for part in page.split("<figure>") if f"<b>{arm}.</b>" in part)
    return found


def pictures(figure: str) -> list[str]:
    return re.findall(r"data:image/png;base64,\s*([^\"]*)\"", figure)


def test_every_arm_is_shown_and_named_to_who_cannot_see_it(begun: Path) -> None:
    page = section(begun)
    for arm in ARMS:
        assert figure_of(page, arm)
    drawn = re.findall(r'<svg role="img" aria-label="([^"]*)"', page)
    assert [label.split(":")[0].split()[-2] for label in drawn] == [
        "pixels",
        "latent",
        "untrained",
        "memory",
        "untrained_memory",
        "dream",
        "untrained_dream",
        "finetune",
    ]
    assert "reconstruction" in figure_of(page, "latent")
    assert "No decoder was trained" in figure_of(page, "untrained")
    assert "learns on" in figure_of(page, "finetune")


def test_all_arms_are_shown_the_same_frames(begun: Path) -> None:
    """agent.stack is 2: of the pixels the second row is the present, as are the others' first."""
    page = section(begun)
    pixels, latent, random = (
        pictures(figure_of(page, arm)) for arm in ("pixels", "latent", "untrained")
    )
    assert len(pixels) == 2 * MOMENTS
    assert pixels[MOMENTS:] == latent[:MOMENTS] == random
    assert len(latent) == 3 * MOMENTS


def test_moments_are_held_out_and_hold_what_was_recorded(begun: Path) -> None:
    experiment = Experiment.load(begun / "config.yaml")
    moments, store = take(begun / "rollouts", experiment), RolloutStore(begun / "rollouts")
    test = [record for record in store.records if record.split == "test"]
    for number, (state, taken) in enumerate(zip(moments.state, moments.actions, strict=True)):
        found = [
            record
            for record in test
            if (store.frames(record)[len(taken)] == moments.present[number]).all()
            and (store.arrays(record)["state"][len(taken)] == state).all()
            and (store.arrays(record)["action"][: len(taken)] == taken).all()
        ]
        assert len(found) == 1
    assert len({state.tobytes() for state in moments.state}) == MOMENTS


def test_tables_hold_the_state_and_the_actions_before(begun: Path) -> None:
    experiment = Experiment.load(begun / "config.yaml")
    moments, page = take(begun / "rollouts", experiment), section(begun)
    state, blind = figure_of(page, "state"), figure_of(page, "blind")
    for column, variable in enumerate(moments.variables):
        cells = "".join(f"<td>{value:.3g}</td>" for value in moments.state[:, column])
        assert f'<th scope="row">{variable.name}</th>{cells}' in state
    newest = "".join(f"<td>{taken[-1]}</td>" for taken in moments.actions)
    assert f'<th scope="row">1 decision before</th>{newest}' in blind


def test_an_encoder_is_given_the_frames_that_it_reads(begun: Path) -> None:
    experiment = Experiment.load(begun / "config.yaml")
    moments = take(begun / "rollouts", experiment)
    encoder = Encoder.load(begun / "encoder", backend="torch")
    np.testing.assert_array_equal(moments.inputs(encoder), moments.present)
    np.testing.assert_array_equal(moments.target(encoder), moments.present)
    assert moments.last(2).shape == (MOMENTS, 2, 40, 40, 3)


def test_differences_are_absolute_and_their_scale_is_known() -> None:
    """200 - 100 and 100 - 200 alike, where uint8 minus uint8 gives 156."""
    frames = np.array([[[[200, 7], [100, 7]]]], np.uint8)
    others = np.array([[[[100, 7], [200, 57]]]], np.uint8)
    apart, white = difference(frames, others)
    assert white == 100
    assert apart.tolist() == [[[[255], [255]]]]
    same, white = difference(frames, frames)
    assert (white, same.max()) == (1, 0)


def test_bars_of_a_row_share_one_scale_around_zero() -> None:
    figure = image_grid({"latents": np.array([[1.0, -4.0], [0.5, 0.0]])}, "red")
    assert [axes.get_ylim() for axes in figure.axes] == [(-4, 4), (-4, 4)]
    assert [bar.get_height() for bar in figure.axes[0].patches] == [1.0, -4.0]


def test_without_rollouts_there_is_no_section(tmp_path: Path) -> None:
    assert section(tmp_path) == ""


def test_an_encoder_that_is_missing_hides_one_arm_and_not_the_others(run: Path) -> None:
    shutil.rmtree(run / "untrained_encoder")
    page = section(run)
    assert "Not shown: " in figure_of(page, "untrained")
    assert len(pictures(figure_of(page, "latent"))) == 3 * MOMENTS


@pytest.mark.parametrize("damage", ["frames", "env"])
def test_damage_is_said_and_does_not_keep_the_report_from_being_written(
    run: Path, damage: str
) -> None:
    paths = {
        "frames": [*(run / "rollouts").glob("*.frames.npy")],
        "env": [run / "rollouts/env.json"],
    }
    for path in paths[damage]:
        path.write_bytes(b"{")
    page = section(run)
    assert "Not shown: " in page
    assert "<figure>" not in page


def test_states_that_nobody_recorded_are_said_to_be_missing(run: Path) -> None:
    (run / "rollouts/state.json").unlink()
    assert "no true state" in figure_of(section(run), "state")


def test_moments_reach_as_far_back_and_ahead_as_the_encoder_does(begun: Path) -> None:
    """Of 2 latents from 3 frames each the oldest is 3 decisions old; the target is 2 ahead."""
    changes = {"pretrain.stack": 3, "pretrain.pixels.predict": 2, "pretrain.pixels.actions": True}
    experiment = Experiment.load(begun / "config.yaml", changes)
    moments, store = take(begun / "rollouts", experiment), RolloutStore(begun / "rollouts")
    encoder = SimpleNamespace(stack=3, window=experiment.pretrain.autoencoder.window)
    assert (moments.now, moments.frames.shape[1]) == (3, 6)
    assert moments.future_actions is not None
    assert moments.future_actions.shape[:2] == (MOMENTS, 2)
    episodes = [store.frames(record) for record in store.records if record.split == "test"]
    for number, taken in enumerate(moments.actions):
        time = len(taken)
        times = np.clip(np.arange(time - 3, time + 3), 0, None)
        long_enough = [one for one in episodes if len(one) > time + 2]
        around = moments.frames[number]
        (episode,) = (one for one in long_enough if np.array_equal(one[times], around))
        read = np.concatenate([episode[max(time - age, 0)] for age in (2, 1, 0)], axis=-1)
        np.testing.assert_array_equal(moments.inputs(encoder)[number], read)
        np.testing.assert_array_equal(moments.target(encoder)[number], episode[time + 2])
