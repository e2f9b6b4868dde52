"""What an experiment says, and which folders it refuses."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agents.config.experiment import SETTINGS, Experiment, check_settings, record_settings
from tests.tiny import TINY
from worldvae.autoencoders.objectives import WithBeta
from worldvae.checksum import write_checked_yaml
from worldvae.config import to_yaml
from worldvae.errors import ConfigError, WorldvaeError

SECTIONS = ("rollouts", "pretrain")
MADE = Experiment.model_validate({"rollouts": {"policies": {"random": 1.0}}})


@pytest.fixture
def noted(tmp_path: Path) -> Path:
    """A folder whose settings are recorded."""
    record_settings(tmp_path, MADE, SECTIONS)
    return tmp_path


def test_the_same_settings_pass(noted: Path) -> None:
    check_settings(noted, MADE, SECTIONS)
    check_settings(noted / "none", MADE, SECTIONS)


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("pretrain", {"first_stride": 4}, "pretrain.first_stride = 2, now it is 4"),
        ("pretrain", {"latents": 8}, "pretrain.latents = 32, now it is 8"),
        (
            "rollouts",
            {"policies": {"random": 1.0, "smooth": 1.0}},
            "no rollouts.policies.smooth, now",
        ),
    ],
)
def test_other_settings_are_refused(
    noted: Path, section: str, values: dict[str, object], message: str
) -> None:
    changed = {**MADE.model_dump(by_alias=True), section: values}
    if section == "pretrain":
        changed["rollouts"] = MADE.rollouts.model_dump(by_alias=True)
    with pytest.raises(WorldvaeError, match=message):
        check_settings(noted, Experiment.model_validate(changed), SECTIONS)


def test_settings_that_were_edited_are_one_line(noted: Path) -> None:
    """An emptied file once had every default, and so fitted any folder of defaults."""
    path = noted / SETTINGS
    for data in (b"", path.read_bytes().replace(b"0.8", b"0.9"), path.read_bytes()[:-2]):
        path.write_bytes(data)
        with pytest.raises(
            WorldvaeError, match=r"settings\.yaml: damaged, or edited .* delete it if"
        ):
            check_settings(noted, MADE, SECTIONS)


def test_a_resolved_configuration_that_was_edited_is_no_config(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    write_checked_yaml(path, to_yaml(MADE))
    assert Experiment.load(path) == MADE.model_copy(update={"name": "config-CarRacing-v3"})
    whole = path.read_bytes()
    for data in (whole.replace(b"latents: 32", b"latents: 33"), whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(
            WorldvaeError, match=r"config\.yaml: damaged, .* first line and its last"
        ):
            Experiment.load(path)
    _, *lines, _ = whole.replace(b"latents: 32", b"latents: 33").splitlines(keepends=True)
    path.write_bytes(b"".join(lines))
    assert Experiment.load(path).pretrain.latents == 33
    with pytest.raises(WorldvaeError, match="No such file"):
        Experiment.load(tmp_path / "none.yaml")


SEVERAL = {
    "worldvae/Dots-v0": {"random_score": 0.0, "reference_score": 10.0},
    "worldvae/BusyDots-v0": {"random_score": 1, "reference_score": 5, "env": {"action_repeat": 3}},
}


def test_several_environments_are_an_experiment_each() -> None:
    experiment = Experiment.load(TINY, {"compare.envs": SEVERAL})
    assert experiment.name == "tiny"
    dots, busy = experiment.tasks.values()
    assert (dots.env.id, dots.env.action_repeat) == ("worldvae/Dots-v0", 2)
    assert (busy.env.id, busy.env.action_repeat) == ("worldvae/BusyDots-v0", 3)
    assert dots.folder == experiment.folder / "worldvae-Dots-v0"
    assert busy.agent == experiment.agent
    again = Experiment.model_validate(dots.model_dump(by_alias=True))
    assert again.tasks == {"worldvae/Dots-v0": again}, "its own config.yaml makes it again"


def test_each_of_several_environments_may_name_its_module() -> None:
    scale = {"random_score": 0, "reference_score": 1}
    faster = {**scale, "env": {"action_repeat": 3}}
    envs = {"mine:me/A-v0": scale, "other.envs:B-v0": faster, "worldvae/Dots-v0": scale}
    experiment = Experiment.load(TINY, {"compare.envs": envs})
    tasks = experiment.tasks
    assert {name: (one.env.id, one.env.import_) for name, one in tasks.items()} == {
        "me/A-v0": ("me/A-v0", "mine"),
        "B-v0": ("B-v0", "other.envs"),
        "worldvae/Dots-v0": ("worldvae/Dots-v0", None),
    }
    assert tasks["B-v0"].env.action_repeat == 3
    for name, one in tasks.items():
        again = Experiment.model_validate(one.model_dump(by_alias=True))
        assert again.tasks == {name: again}, "its own config.yaml makes it again"
    for both, told in (
        ({"mine:A-v0": scale, "yours:A-v0": scale}, "two of them are A-v0"),
        ({"mine:A-v0": {**scale, "env": {"import": "yours"}}}, "module mine, import names yours"),
        ({"mine:A-v0": 3}, r"compare\.envs\.A-v0 = 3: expected"),
        ({"mine:A-v0": {**scale, "env": 3}}, r"compare\.envs\.A-v0\.env = 3: expected"),
    ):
        with pytest.raises(ConfigError, match=told):
            _ = Experiment.load(TINY, {"compare.envs": both}).tasks


def test_what_works_in_one_environment_is_told_which() -> None:
    experiment = Experiment.load(TINY, {"compare.envs": SEVERAL})
    assert (
        experiment.task("worldvae/BusyDots-v0").folder == experiment.folder / "worldvae-BusyDots-v0"
    )
    both = r"\(compare\.envs\); set --env\.id to worldvae/Dots-v0 or worldvae/BusyDots-v0"
    with pytest.raises(WorldvaeError, match=f"the experiment is in several environments {both}"):
        experiment.task()
    with pytest.raises(WorldvaeError, match=f"the experiment is not in me/Robot-v0 {both}"):
        experiment.task("me/Robot-v0")
    alone = Experiment.load(TINY)
    assert alone.task() == alone.task(alone.env.id) == alone


def test_keys_of_one_environment_leave_their_neighbours_as_they_are() -> None:
    frame = {"height": 84, "width": 84, "crop": {"top": 10}}
    gray = {"color": "gray", "crop": {"bottom": 5}}
    envs = {
        **SEVERAL,
        "worldvae/Dots-v0": {"random_score": 0, "reference_score": 1, "env": {"frame": gray}},
    }
    dots = Experiment.load(TINY, {"env.frame": frame, "compare.envs": envs}).tasks[
        "worldvae/Dots-v0"
    ]
    assert (dots.env.frame.height, dots.env.frame.color) == (84, "gray")
    assert (dots.env.frame.crop.top, dots.env.frame.crop.bottom) == (10, 5)


@pytest.mark.parametrize("name", ["dots (copy)", "-- a+b", ".hidden"])
def test_a_file_of_any_name_names_a_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_text(TINY.read_text())
    experiment = Experiment.load(path)
    path.write_text(to_yaml(experiment))
    assert Experiment.load(path) == experiment, "what the workers read"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}"])
def test_a_file_that_says_nothing_starts_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yaml: empty; name the environment at least"):
        Experiment.load(path)
    assert Experiment.load(path, {"env.id": "worldvae/Dots-v0"}).env.id == "worldvae/Dots-v0"


def test_one_environment_is_the_experiment_itself() -> None:
    experiment = Experiment.load(TINY)
    assert experiment.tasks == {"worldvae/Dots-v0": experiment}


def test_a_wrong_key_of_one_environment_is_one_line() -> None:
    wrong = {
        "worldvae/Dots-v0": {"random_score": 0, "reference_score": 1, "env": {"action_repeats": 2}}
    }
    with pytest.raises(
        WorldvaeError, match=r"compare\.envs\.worldvae/Dots-v0\.env\.action_repeats: no such key"
    ):
        _ = Experiment.load(TINY, {"compare.envs": wrong}).tasks


def test_the_two_scores_of_a_scale_must_differ() -> None:
    equal = {"worldvae/Dots-v0": {"random_score": 1, "reference_score": 1}}
    with pytest.raises(WorldvaeError, match="random_score and reference_score are both 1"):
        Experiment.load(TINY, {"compare.envs": equal})


WEIGHED = "pretrain: {objective: {name: beta_vae, beta: 4}, pixels: {motion_weight: 5}}\n"


@pytest.mark.parametrize(
    ("overrides", "beta", "motion_weight"),
    [
        ({}, 4.0, 5.0),
        ({"objective": "beta_vae"}, 4.0, 5.0),
        ({"objective.name": "beta_vae"}, 4.0, 5.0),
        ({"objective": "dip_vae"}, 1.0, 5.0),
        ({"objective.name": "dip_vae"}, 1.0, 5.0),
        ({"objective.beta": 2, "objective.name": "dip_vae"}, 2.0, 5.0),
        ({"objective": {"name": "beta_vae", "noise": 0.1}}, 1.0, 5.0),
        ({"pixels": "gaussian"}, 4.0, 5.0),
        ({"pixels": {"standardise": False}}, 4.0, 0.0),
        ({"pixels": "bernoulli"}, 4.0, 0.0),
        ({"pixels.likelihood": "bernoulli"}, 4.0, 0.0),
    ],
)
def test_an_option_leaves_of_a_section_what_is_of_the_same_kind(
    tmp_path: Path, overrides: dict[str, Any], beta: float, motion_weight: float
) -> None:
    """The long and the short way to name a kind say the same; another kind begins anew.

    As for every section, a mapping takes the place of all of it.
    """
    path = tmp_path / "weighed.yaml"
    path.write_text(WEIGHED)
    options = {f"pretrain.{key}": value for key, value in overrides.items()}
    pretrain = Experiment.load(path, options).pretrain
    assert isinstance(pretrain.objective, WithBeta)
    assert (pretrain.objective.beta, pretrain.pixels.motion_weight) == (beta, motion_weight)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dream": {"burn_in": 33}}, r"dream\.burn_in: 33 real steps .* the 32 that dynamics keep"),
        ({"dream": {"max_disagreement": 0.5}}, r"one network cannot disagree; raise dynamics\.mem"),
    ],
)
def test_a_dream_that_the_dynamics_cannot_make_is_refused_before_anything_is_made(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Experiment(**options)
    Experiment(dream={"burn_in": 32, "max_disagreement": 0.5}, dynamics={"members": 2})
