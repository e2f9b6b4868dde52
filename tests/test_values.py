"""Every key with values that nobody means: taken as they are, or refused in one line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agents.benchmark.config import BenchmarkConfig
from agents.config.experiment import Experiment
from agents.study.cells import grid
from scripts.option_types import seed
from tests.tiny import TINY
from worldvae.config import LARGEST_NUMBER, Config, load_config, parse_overrides, read_yaml
from worldvae.errors import WorldvaeError
from worldvae.fields import fields_of, kinds_of, sections_of
from worldvae.yaml_values import dump_yaml, parse_yaml

NASTY: list[Any] = [
    *(0, -1, 1, 0.5, 1e-300, 1e9, 10**400, -(10**400), math.nan, math.inf, True, False, None),
    *("", " ", "a/b", "../x", "..", ".", "x" * 256, "é" * 200, "yes", "2026-02-30", "a #1", "~"),
    *([], [0], [-1], [1e9], [math.nan], [10**400], ["a"], [[]], [True], ["x" * 256], [1, 1]),
    *({}, {"a": 1}, {"../x": {}}, {"": {}}, {"x" * 256: {}}, {"a": {"trained": "maybe"}}),
]

THEIRS = re.compile(
    "[Ii]nput (should|is)|valid (integer|number|tuple|dict|string|bool|path)|should have|unable to|"
    "<class|pydantic|required|Extra inputs|<unicode string>|tuple"
)
"""Words of the libraries that read a configuration, which mean nothing to who wrote it."""


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key that is no section."""
    for name, field in fields_of(model).items():
        sections = sections_of(field)
        if not sections:
            yield f"{prefix}{name}", field
        for section in sections:
            yield from leaves(section, f"{prefix}{name}.")


def numbers(value: Any) -> Iterator[float]:
    """All numbers in `value`."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict):
        yield from (number for below in value.values() for number in numbers(below))
    elif isinstance(value, list | tuple):
        yield from (number for below in value for number in numbers(below))


def check_line(error: WorldvaeError) -> None:
    line = str(error)
    assert "\n" not in line
    assert len(line) < 500
    assert "Traceback" not in line
    assert not THEIRS.search(line), line


def kinds(model: type[Config]) -> Iterator[tuple[str, FieldInfo]]:
    """Each key once, that several variants of a section have: of the first."""
    once: dict[str, FieldInfo] = {}
    for key, field in leaves(model):
        once.setdefault(key, field)
    yield from once.items()


@pytest.mark.parametrize("model", [Experiment, BenchmarkConfig])
def test_every_key_takes_a_value_or_says_why_not(model: type[Config], tmp_path: Path) -> None:
    taken = refused = 0
    path = tmp_path / "empty.yaml"
    path.write_text("")
    for key, field in kinds(model):
        for value in NASTY:
            try:
                made = load_config(model, path, {key: value})
            except WorldvaeError as error:
                check_line(error)
                refused += 1
                continue
            taken += 1
            if Any not in kinds_of(field.annotation):
                assert all(
                    -LARGEST_NUMBER <= number <= LARGEST_NUMBER
                    for number in numbers(made.model_dump())
                )
            if isinstance(made, Experiment):
                check_inside(made.model_copy(update={"name": made.name or "x"}))
    assert taken > 100
    assert refused > 2_000


def check_inside(experiment: Experiment) -> None:
    """All folders lie in `runs`, each name is one that a file system takes."""
    runs = experiment.runs.resolve()
    try:
        folders = [task.folder for task in experiment.tasks.values()]
        folders += [cell.folder for cell in grid(experiment)]
    except WorldvaeError as error:
        check_line(error)
        return
    for folder in folders:
        assert runs in folder.resolve().parents
        assert all(len(part.encode()) < 256 for part in folder.parts)


@pytest.mark.parametrize("model", [Experiment, BenchmarkConfig])
def test_every_value_on_the_command_line_is_taken_or_one_line(model: type[Config]) -> None:
    """Text is taken as it is, up to the last letter."""
    texts = ["a #1", "2026-02-30", "yes", "[", "{a: ", "&a [*a]", "9" * 5000, "[" * 40, "'", "\t"]
    for key, field in kinds(model):
        for text in texts:
            wants_text = kinds_of(field.annotation) <= {str, Path, type(None)}
            try:
                (value,) = parse_overrides([f"--{key}={text}"], model).values()
            except WorldvaeError as error:
                check_line(error)
                assert not wants_text or text == "\t"
            else:
                assert value == text or not wants_text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--runs", "a #1"], {"runs": "a #1"}),
        (["--name", "2026-02-30"], {"name": "2026-02-30"}),
        (["--name", "007"], {"name": "007"}),
        (["--name", "null"], {"name": None}),
        (["--compare.envs.ALE/Pong-v5.env.id=1"], {"compare.envs.ALE/Pong-v5.env.id": 1}),
        (["--compare.tuning-trials", "{latent: 3}"], {"compare.tuning_trials": {"latent": 3}}),
        (["--study.encoders.my-own.beta", "4"], {"study.encoders.my-own.beta": 4}),
        (["--pretrain.pixels.sigma", "learned"], {"pretrain.pixels.sigma": "learned"}),
        (["--seed", "010"], {"seed": 10}),
    ],
)
def test_what_the_command_line_means(words: list[str], told: dict[str, Any]) -> None:
    assert parse_overrides(words, Experiment) == told


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--compare.seeds", "[1] #2"], "--compare.seeds: not valid YAML: `#` begins a comment"),
        (["--seed", "9" * 5000], "--seed: not valid YAML: a number of 5,000 digits"),
        (["--seed", "yes"], "--seed = true: expected a number, not true or false"),
        (["--seed", "12:30"], "--seed = '12:30': expected a whole number"),
        (["--seed", "4294967296"], "--seed = 4294967296: expected at most"),
        (["--compare.seeds", "[0, true]"], "expected a number, not true or false"),
        (["--name", "x" * 256], "it names a folder, and is longer than 100 bytes"),
        (["--name", ""], "--name = '': it names a folder: expected letters"),
        (["--runs", ""], "--runs = '': expected a folder"),
        (["--pretrain.channels", "[0]"], "--pretrain.channels[0] = 0: expected at least"),
        (["--pretrain.channels", "[1e9]"], "= 1000000000.0: expected at most"),
        (["--agent.net_arch", "[-1]"], "--agent.net_arch[0] = -1: expected at least"),
        (["--pretrain.batch_size", "1e9"], "expected at most 65536"),
        (["--study.encoders", "{../../evil: {}}"], "it names a folder: expected letters"),
        (["--study.encoders", "{a: {trained: maybe}}"], "trained: expected true or false"),
        (["--study.envs", "[a/b, a-b]"], "a/b and a-b would share the folder a-b"),
        (["--" + "a." * 5000, "1"], "none has more than 30 dots"),
        (["--" + "x" * 5000, "1"], "no such key; see --help"),
    ],
)
def test_a_value_that_cannot_be_meant_is_one_line(words: list[str], line: str) -> None:
    with pytest.raises(WorldvaeError) as error:
        Experiment.load(TINY, parse_overrides(words, Experiment))
    check_line(error.value)
    assert line in str(error.value)


NAMES = ["n_epochs", "n_steps", "batch_size", "target_kl", "clip_range", "gae_lambda", "ent_coef"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        *(({name: "many"}, f"settings.{name} = 'many': expected a") for name in NAMES),
        *(({name: math.nan}, f"settings.{name} = .nan: expected a") for name in NAMES),
        ({"n_epochs": -1}, "settings.n_epochs = -1: expected a whole number from 1 to"),
        ({"n_epochs": 0}, "settings.n_epochs = 0: expected a whole number from 1 to"),
        ({"n_steps": 0}, "settings.n_steps = 0: expected a whole number"),
        ({"n_steps": 128.5}, "settings.n_steps = 128.5: expected a whole number"),
        ({"n_steps": 1e300}, "settings.n_steps = 1000000"),
        ({"batch_size": 0}, "settings.batch_size = 0: expected a whole number"),
        ({"batch_size": 10**400}, "settings.batch_size = 1000000"),
        ({"normalize_advantage": "x"}, "settings.normalize_advantage = 'x': expected true or"),
        ({"_init_setup_model": False}, "settings._init_setup_model has no place there"),
        ({"x" * 5000: 1}, "PPO has no such argument; did you mean"),
    ],
)
def test_settings_with_which_nothing_trains_are_refused(
    settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(WorldvaeError) as error:
        Experiment.load(TINY, {"agent.settings": settings})
    check_line(error.value)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("DQN", {"train_freq": 0}),
        ("DQN", {"target_update_interval": 0}),
        ("DQN", {"exploration_fraction": 0}),
        ("DQN", {"gradient_steps": 0}),
        ("SAC", {"tau": 2}),
        ("SAC", {"buffer_size": -1}),
        ("A2C", {"n_steps": 0}),
    ],
)
def test_so_are_those_of_other_algorithms(algorithm: str, settings: dict[str, Any]) -> None:
    (name,) = settings
    with pytest.raises(WorldvaeError, match=rf"settings\.{name} = -?\d: expected"):
        Experiment.load(TINY, {"agent": {"algorithm": algorithm, "settings": settings}})


def test_a_count_with_an_exponent_is_a_whole_number_as_in_other_keys() -> None:
    words = ["--agent.settings", "{n_steps: 1.024e3, gae_lambda: 1.0}"]
    settings = Experiment.load(TINY, parse_overrides(words, Experiment)).agent.settings
    assert settings == {"n_steps": 1_024, "gae_lambda": 1.0}
    assert [type(value) for value in settings.values()] == [int, float]


@pytest.mark.parametrize("folder", [".", "./.", "runs/.."])
def test_the_present_folder_may_hold_runs(folder: str) -> None:
    assert Experiment.load(TINY, {"runs": folder}).runs == Path(folder)


def test_settings_that_the_library_takes_are_taken() -> None:
    taken = {
        "PPO": {"target_kl": None, "clip_range_vf": 0.2, "ent_coef": 0.0, "n_steps": 32},
        "DQN": {"gradient_steps": -1, "learning_starts": 0, "train_freq": 4},
        "SAC": {"ent_coef": "auto_0.1", "tau": 1, "buffer_size": 100},
    }
    for algorithm, settings in taken.items():
        agent = {"algorithm": algorithm, "settings": settings}
        assert Experiment.load(TINY, {"agent": agent}).agent.settings == settings


@pytest.mark.parametrize("text", ["-1", "x", "", "9" * 5000, "4294967296", "1.5"])
def test_a_seed_on_the_command_line(text: str) -> None:
    with pytest.raises(WorldvaeError, match=r"--seed = .*: expected a number from 0 to 2147483647"):
        seed(text)
    assert seed("7") == 7


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed: " + "[" * 3000, "more than 30 levels deep"),
        ("\n".join(" " * level + "a:" for level in range(1000)), "more than 30 levels deep"),
        (BOMB, "more than 100,000 values"),
        ("a: &a [*a]", "an alias stands for what it is a part of"),
        ("x" * 2_000_000, "more than 1,000,000 characters"),
        ("seed: " + "9" * 5000, "a number of 5,000 digits"),
        ("seed: 1\nseed: 2", "'seed' is said twice (lines 1 and 2); keep one of them"),
        ("env:\n\tid: a", "line 2: a tab; indent with spaces"),
        ("env:\n  id: a\n   frame: 3", "line 3: a `: ` that no key can have here"),
        ("env:\n id: 'a", "a bracket or a quote is opened and not closed"),
        ("true: 1", "true: no such key; keys are words"),
        ("a: \x03", "the character U+0003, so it is no text file"),
        ('name: "\\0"', "a character that is no text"),
        ("name: !!python/object:os.system x", "a tag, `!...`, which is not read"),
        ("seed: !!int ''", "not valid YAML"),
        ("- 1", "expected `key: value` lines"),
        ("1: 2", "no such key; keys are words"),
        ("a: [", "not valid YAML"),
        ('{"a": 1}\n{"b": 2}', "line 2: neither a `key: value` line nor a part of what is above"),
        ("a: 1\n---\nb: 2", "line 2: a second document, after `---`; keep one"),
    ],
)
def test_a_file_that_no_experiment_writes_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(WorldvaeError) as error:
        read_yaml(path)
    check_line(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pretrain: {steps: 1.5}", "pretrain.steps = 1.5: expected a whole number"),
        ("pretrain: {steps: null}", "pretrain.steps = null: expected a whole number"),
        ("agent: {whiten: maybe}", "agent.whiten = 'maybe': expected true or false"),
        ("agent: {gamma: 2}", "agent.gamma = 2: expected at most 1"),
        ("agent: {algorithm: PP0}", "expected PPO, RecurrentPPO, A2C, .* did you mean PPO?"),
        ("agent: {algorithm: sac}", "expected PPO, RecurrentPPO, A2C, .* did you mean SAC?"),
        ("env: CarRacing-v3", "env = 'CarRacing-v3': expected keys below it, {key: value}"),
        ("pretrain:\n- steps: 3", "pretrain = [{steps: 3}]: expected keys below it"),
        ("compare: {arms: latent}", "'latent': expected a list, [value, value]; write [latent]"),
        ("compare: {arms: 'latent, pixels'}", "a list, [value, value]; write [latent, pixels]"),
        ("pretrain: {channels: '16,64'}", "a list, [value, value]; write [16, 64]"),
        ("pretrain: {channels: (16 64)}", "a list, [value, value]; write [16, 64]"),
        ("compare: {seeds: 5}", "expected a list: [0, 1, 2] for three seeds, [5] for this one"),
        ("study: {agent_seeds: 5}", "study.agent_seeds = 5: expected a list: [0, 1, 2] for three"),
        ("steps: 100", "steps: no such key; did you mean pretrain.steps?"),
        ("agent: {steps: 100}", "agent.steps: no such key; did you mean agent.env_steps?"),
        ("lr: 1e-3", ": lr: no such key; see --help for all keys"),
        (
            "env: {frame: {size: 64}}",
            "env.frame.size: no such key; env.frame has height, width, color, crop",
        ),
        ("compare: {arms: ''}", "compare.arms = '': expected a list, [value, value]"),
        ("compare: {arms: [latnt]}", "compare.arms[0] = 'latnt': .*; did you mean latent?"),
        ("compare: {primary: [[latent]]}", "primary[0] = ['latent']: expected at least 2 values"),
        ("compare: {envs: {A: {}}}", "compare.envs.A.random_score: missing (Return of random"),
        ("gap: {policies: [{hold: 3}]}", "no such key; did you mean gap.policies[0].held?"),
        (
            "gap: {policies: [{held: x}]}",
            "[0].held = 'x': expected a whole number or a list, [value, value]",
        ),
        (
            "gap: {policies: [{cycle: 3}]}",
            "[0].cycle = 3: expected a list, [value, value]; write [3]",
        ),
        ("gap: {policies: [{held: [3]}]}", "[0].held = [3]: expected at least 2 values"),
        ("sweep: {beta: [1, 2, 3]}", "sweep.beta = [1, 2, 3]: expected at most 2 values"),
        ("runs: 3", "runs = 3: expected a path"),
        ("rollouts: {policies: {random: -1}}", "rollouts.policies.random = -1: expected at least"),
        ("rollouts: {policies: {random: 0}}", "policies = {random: 0}: expected a weight above"),
        ("rollouts: {policies: {}}", "rollouts.policies = {}: expected a weight above 0 for at"),
        ("rollouts: {held: [60, 3]}", "rollouts.held = [60, 3]: expected the least and the most"),
        ("rollouts: {sweep_noise: [2]}", "rollouts.sweep_noise[0] = 2: expected at most 1"),
        ("rollouts: {sweep_noise: []}", "rollouts.sweep_noise = []: expected at least 1 value"),
        ("rollouts: {drift: 1}", "drift = 1: expected a list, [value, value]; write [1]"),
        ("gap: {temperatures: [11]}", "gap.temperatures[0] = 11: expected at most 10"),
        ("gap: {temperatures: [1, 1]}", "gap.temperatures = [1, 1]: holds one of them twice"),
    ],
)
def test_a_mistake_is_told_in_words_of_the_file(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(WorldvaeError) as error:
        load_config(Experiment, path)
    check_line(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert re.search(re.escape(told).replace(r"\.\*", ".*"), str(error.value))


@pytest.mark.parametrize(
    "text", ["rollouts: {held: 3}", "gap: {policies: random}", "compare: {primary: [latent]}"]
)
def test_a_list_that_would_be_refused_is_not_advised(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(WorldvaeError, match=r": expected a list, \[value, value\]$"):
        load_config(Experiment, tmp_path / "x.yaml")


def test_every_list_that_an_option_is_has_its_form_told() -> None:
    """Whatever is in it; where a value alone may stand for it, that is no mistake."""
    listed = {
        key for key, field in leaves(Experiment) if kinds_of(field.annotation) & {tuple, list}
    }
    assert {"pretrain.channels", "compare.arms", "gap.temperatures"} <= listed
    for key in listed:
        with pytest.raises(WorldvaeError) as error:
            load_config(Experiment, TINY, parse_overrides([f"--{key}", "1.5,x"], Experiment))
        assert "[value, value]" in str(error.value), key


def test_what_no_option_can_be_is_refused_where_it_was_given(tmp_path: Path) -> None:
    for words, told in (
        (["--", "3"], "command line: '--' names no key"),
        (["--=3"], "command line: '--=3' names no key"),
        (["--seed.x", "3"], "command line: --seed.x: 'seed' is a value, it has no keys below"),
        (["--compare.arms", "[x]"], "command line: --compare.arms[0] = 'x'"),
    ):
        with pytest.raises(WorldvaeError, match=f"^{re.escape(told)}"):
            load_config(Experiment, TINY, parse_overrides(words, Experiment))


def test_a_folder_is_no_file_and_that_of_a_run_holds_one(tmp_path: Path) -> None:
    with pytest.raises(WorldvaeError, match="Is a directory; give a YAML file"):
        read_yaml(tmp_path)
    (tmp_path / "config.yaml").touch()
    with pytest.raises(WorldvaeError, match=r"Is a directory; did you mean .*config\.yaml"):
        read_yaml(tmp_path)


def test_a_file_that_is_no_text_or_no_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path, told in (
        (tmp_path / "bytes", "not UTF-8 text"),
        (tmp_path, "Is a directory"),
        (tmp_path / ("x" * 256), "File name too long"),
    ):
        with pytest.raises(WorldvaeError, match=told):
            read_yaml(path)


def test_anchors_and_merges_are_read() -> None:
    assert parse_yaml("a: &x {b: 1}\nc: {<<: *x, d: [*x]}") == {
        "a": {"b": 1},
        "c": {"b": 1, "d": [{"b": 1}]},
    }


@pytest.mark.parametrize(
    "text",
    ["1e3", "yes", "2026-02-30", "12:30", "010", "null", "0x1f", "a # b", ".5", "~", "", "<<", "="],
)
def test_what_is_written_is_read_back_as_text(text: str) -> None:
    assert parse_yaml(dump_yaml({"a": text})) == {"a": text}
