"""The check of dynamics in a folder: read from rollouts, written beside them, refused if wrong."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.diagnostics.page.test_write import health
from tests.dynamics_folders import TINY_DYNAMICS
from tests.encoders import DOTS, make_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.objectives import AE
from worldvae.checksum import read_checked_as
from worldvae.diagnostics.fidelity.check import check_fidelity, write_fidelity
from worldvae.diagnostics.fidelity.page.film import FILM
from worldvae.diagnostics.fidelity.page.write import render
from worldvae.diagnostics.fidelity.reading import open_dynamics, untrained_twin
from worldvae.diagnostics.fidelity.rules.evidence import FIDELITY, Fidelity
from worldvae.diagnostics.fidelity.subject import HeldOut
from worldvae.diagnostics.finding import Finding
from worldvae.diagnostics.rules.evidence import HEALTH
from worldvae.diagnostics.splits import Splits
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.dynamics.learn import learn_dynamics, make_untrained_dynamics
from worldvae.errors import ArtifactError
from worldvae.plots.png import is_whole_png
from worldvae.rollouts import RolloutConfig, RolloutStore, collect


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    """Few windows and a single temperature."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("worldvae.diagnostics.fidelity.reading.WINDOWS", Splits(40, 20, 40))
        patch.setattr("worldvae.diagnostics.fidelity.comparisons.TEMPERATURES", (1.0,))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rollouts of Dots, an encoder with random weights, dynamics of four steps."""
    folder = tmp_path_factory.mktemp("made")
    store = RolloutStore.create(folder / "rollouts", DOTS)
    policies = {"random": 1.0, "smooth": 1.0}
    collect(store, RolloutConfig(frames=1_500, num_envs=4, state="always", policies=policies), 0)
    encoder = make_encoder(DOTS)
    # Its weights are random, but what decodes is compared with frames.
    encoder.card = encoder.card.model_copy(update={"trained": True})
    encoder.save(folder / "encoder")
    learn_dynamics(store, folder / "encoder", TINY_DYNAMICS, folder / "dynamics")
    return folder


@pytest.fixture(scope="module")
def checked(made: Path) -> Fidelity:
    store = RolloutStore(made / "rollouts")
    return check_fidelity(made / "dynamics", made / "encoder", store, seed=3)


def test_windows_hold_what_the_episodes_recorded(made: Path) -> None:
    store = RolloutStore(made / "rollouts")
    subject = open_dynamics(made / "dynamics", made / "encoder", [store], seed=0)
    test = subject.windows.test
    records = [record for record in store.records if record.split == "test"]
    assert set(test.episodes) <= set(range(len(records)))
    record, arrays = records[0], store.arrays(records[0])
    rows = np.flatnonzero(test.episodes == 0)
    first = test.chosen(rows[:1])
    seen = first.valid[0]
    start = int(np.flatnonzero(seen)[0])
    count = int(seen.sum())
    assert np.allclose(first.rewards[0, start : start + count], arrays["reward"][:count])
    actions = first.actions[0, start : start + count].argmax(1)
    assert (actions == arrays["action"][:count]).all()
    assert np.allclose(first.state[0, start : start + count + 1], arrays["state"][: count + 1])
    assert test.policies[rows[0]] == record.policy


@pytest.mark.parametrize(("burn_in", "past"), [(0, 0), (3, 3), (1_000, 64)])
def test_as_much_is_remembered_as_in_the_dreams_of_agents(
    made: Path, burn_in: int, past: int
) -> None:
    store = RolloutStore(made / "rollouts")
    subject = open_dynamics(made / "dynamics", made / "encoder", [store], 0, burn_in=burn_in)
    assert {part.past for part in subject.windows} == {past}
    usual = open_dynamics(made / "dynamics", made / "encoder", [store], seed=0)
    assert np.array_equal(subject.windows.test.starts, usual.windows.test.starts)
    warmed = subject.windows.test.valid[:, :past].sum(1)
    assert warmed.max(initial=0) == min(past, max(record.length for record in store.records) - 1)


def test_frames_and_codes_are_of_the_same_time(made: Path) -> None:
    store = RolloutStore(made / "rollouts")
    subject = open_dynamics(made / "dynamics", made / "encoder", [store], seed=0)
    test, pixels = subject.windows.test, subject.pixels
    assert pixels is not None
    encoder = Encoder.load(made / "encoder")
    rows, times = np.array([0, len(test) // 2]), np.array([0, 1])
    codes = encoder.whiten(encoder.encode(pixels.frames(rows, times)))
    assert np.allclose(codes, test.codes[rows, test.past + times], atol=1e-4)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> list[RolloutStore]:
    """A store of random play, and another one of sweeps."""
    stores = []
    for name, frames in (("random", 900), ("sweep", 1_500)):
        store = RolloutStore.create(tmp_path_factory.mktemp("several") / name, DOTS)
        config = RolloutConfig(frames=frames, num_envs=4, state="always", policies={name: 1.0})
        collect(store, config, 1)
        stores.append(store)
    return stores


def test_windows_of_several_stores_are_of_the_episodes_of_each(
    made: Path, several: list[RolloutStore]
) -> None:
    subject = open_dynamics(made / "dynamics", made / "encoder", several, seed=0)
    test, pixels = subject.windows.test, subject.pixels
    held_out = [record for store in several for record in store.records if record.split == "test"]
    owners = [store for store in several for record in store.records if record.split == "test"]
    assert set(test.policies) == {"random", "sweep"}
    assert [held_out[number].policy for number in test.episodes] == test.policies.tolist()
    assert pixels is not None
    encoder = Encoder.load(made / "encoder")
    for policy in ("random", "sweep"):
        rows = np.flatnonzero(test.policies == policy)[-2:]
        shown = pixels.frames(rows, np.zeros_like(rows))
        codes = encoder.whiten(encoder.encode(shown))
        assert np.allclose(codes, test.starts[rows], atol=1e-4)
    number = int(test.episodes[-1])
    recorded = owners[number].arrays(held_out[number])["state"]
    start = test.state[-1, test.past]
    assert (recorded == start).all(axis=1).any()


def test_several_stores_are_checked_together_and_their_policies_apart(
    made: Path, several: list[RolloutStore]
) -> None:
    found = check_fidelity(made / "dynamics", made / "encoder", several, seed=0)
    assert found.rollouts == tuple(str(store.folder) for store in several)
    held_out = [sum(record.split == "test" for record in store.records) for store in several]
    assert found.codes.episodes == sum(held_out)
    assert [found.policies[name].episodes for name in ("random", "sweep")] == held_out


@pytest.fixture(scope="module")
def judged(made: Path, several: list[RolloutStore]) -> Fidelity:
    """Dynamics of random and smooth play, judged by sweeps as if they were an agent's."""
    report = made / "agent"
    learned_from, (_, other) = RolloutStore(made / "rollouts"), several
    before = sorted((made / "dynamics").rglob("*"))
    found = check_fidelity(
        made / "dynamics", made / "encoder", learned_from, 0, held_out=HeldOut(other, report)
    )
    assert sorted((made / "dynamics").rglob("*")) == before, "the report is somewhere else"
    write_fidelity(found, report)
    return found


def test_all_episodes_of_an_agent_judge_and_none_is_known_beforehand(
    made: Path, several: list[RolloutStore], tmp_path: Path
) -> None:
    learned_from, (_, other) = RolloutStore(made / "rollouts"), several
    subject = open_dynamics(
        made / "dynamics", made / "encoder", [learned_from], 0, HeldOut(other, tmp_path)
    )
    usual = open_dynamics(made / "dynamics", made / "encoder", [learned_from], seed=0)
    train, validation, test = subject.windows
    assert np.array_equal(train.codes, usual.windows.train.codes)
    assert subject.usual is not None
    assert np.array_equal(subject.usual.codes, usual.windows.test.codes)
    assert {*validation.policies, *test.policies} == {"sweep"}
    for part, first in ((validation, 0), (test, 1)):
        own = other.records[first::2]
        assert set(part.episodes) <= set(range(len(own)))
        recorded = other.arrays(own[int(part.episodes[0])])["reward"]
        paid = part.rewards[0][part.valid[0]]
        assert any(
            np.array_equal(recorded[start : start + len(paid)].astype(np.float32), paid)
            for start in range(len(recorded))
        )


def test_a_check_on_an_agent_says_so_and_how_to_repeat_it(
    made: Path, judged: Fidelity, several: list[RolloutStore]
) -> None:
    other = several[1]
    assert judged.held_out == str(other.folder)
    assert 1 < judged.codes.episodes <= len(other.records) // 2
    assert judged.elsewhere is not None
    assert judged.policies == {}
    page = html.unescape(render(judged, made / "dynamics"))
    assert "episodes of an agent" in page
    assert f"every other episode of {other.folder}, which an agent played" in page
    assert f"held_out=HeldOut(RolloutStore({str(other.folder)!r}), folder)" in page
    assert "Of what the agent really sees" in page


def test_what_the_encoders_own_check_found_is_told(made: Path, tmp_path: Path) -> None:
    encoder, store = tmp_path / "encoder", RolloutStore(made / "rollouts")
    shutil.copytree(made / "encoder", encoder)
    doubt, note = (
        Finding(severity=severity, name=severity, found="The dot is lost.", advice="Mend it.")
        for severity in ("doubtful", "note")
    )
    HEALTH.write(encoder, health().model_copy(update={"findings": (doubt, note)}))
    assert open_dynamics(made / "dynamics", encoder, [store], seed=0).doubts == (doubt,)
    assert open_dynamics(made / "dynamics", made / "encoder", [store], seed=0).doubts == ()


def test_a_twin_has_other_weights_in_the_same_units(made: Path) -> None:
    model, _ = load_dynamics(made / "dynamics")
    twin = untrained_twin(model, seed=1)
    for name, values in model.named_buffers():
        assert twin.get_buffer(name).equal(values)
    found = twin.predict(twin.initial(3), torch.zeros(3, model.action_size))
    rate = float(model.end_rate)
    assert found.end_probability.tolist() == pytest.approx([rate] * 3, rel=1e-3)
    weights = dict(twin.named_parameters())
    cells = [name for name in weights if ".cell." in name]
    assert any(not weights[name].equal(model.get_parameter(name)) for name in cells)


def test_four_steps_of_training_are_not_to_be_trusted(checked: Fidelity) -> None:
    assert checked.verdict != "trusted", checked.summary()
    assert checked.trained
    assert checked.pixels is not None
    assert checked.seconds.keys() >= {"reading", "dreams", "pixels"}


def test_dynamics_that_were_left_untrained_are_told(made: Path, tmp_path: Path) -> None:
    store = RolloutStore(made / "rollouts")
    make_untrained_dynamics(store, made / "encoder", TINY_DYNAMICS, tmp_path, seed=0)
    found = check_fidelity(tmp_path, made / "encoder", [store], seed=0)
    assert found.findings[0].name == "untrained"


def test_everything_is_written_beside_the_dynamics(
    made: Path, checked: Fidelity, tmp_path: Path
) -> None:
    write_fidelity(checked, tmp_path)
    assert read_checked_as(tmp_path / "fidelity.json", Fidelity, "") == checked
    assert FIDELITY.is_whole(tmp_path)
    assert is_whole_png(made / "dynamics" / FILM)


def test_the_command_on_the_page_does_the_same_again(made: Path, checked: Fidelity) -> None:
    folder = made / "dynamics"
    write_fidelity(checked, folder)
    again = repeated(folder)
    assert again.seed == 3
    assert again.model_copy(update={"seconds": checked.seconds}) == checked


def test_so_does_that_of_a_check_on_an_agent(made: Path, judged: Fidelity) -> None:
    again = repeated(made / "agent")
    assert again.held_out is not None
    assert again.model_copy(update={"seconds": judged.seconds}) == judged


def repeated(folder: Path) -> Fidelity:
    """Run the command on the page of a check again."""
    page = html.unescape((folder / "fidelity.html").read_text())
    (code,) = re.findall(
        r"from pathlib import Path.*?write_fidelity\(fidelity, folder\)", page, re.S
    )
    (folder / "fidelity.json").unlink()
    exec(code, {})
    return FIDELITY.read(folder)


def test_another_encoder_is_refused(made: Path, tmp_path: Path) -> None:
    make_encoder(DOTS, objective=AE()).save(tmp_path / "encoder")
    store = RolloutStore(made / "rollouts")
    with pytest.raises(ArtifactError, match="not the encoder whose latents"):
        check_fidelity(made / "dynamics", tmp_path / "encoder", store, seed=0)


def test_rollouts_of_other_decisions_are_refused(made: Path, tmp_path: Path) -> None:
    store = RolloutStore.create(tmp_path, DOTS.model_copy(update={"action_repeat": 2}))
    with pytest.raises(ArtifactError, match=f"decisions of 1 steps, {tmp_path} takes 2; set"):
        check_fidelity(made / "dynamics", made / "encoder", store, seed=0)


def test_a_store_without_held_out_episodes_is_told(made: Path, tmp_path: Path) -> None:
    short = RolloutStore.create(tmp_path / "rollouts", DOTS)
    collect(short, RolloutConfig(frames=100, num_envs=1), 0)
    with pytest.raises(ArtifactError, match="split holds no examples; collect more episodes"):
        check_fidelity(made / "dynamics", made / "encoder", short, seed=0)
