from pathlib import Path

import pytest
from pydantic import Field

from worldvae.config import Config, describe, dotted_keys, load_config, parse_overrides, to_yaml
from worldvae.errors import WorldvaeError


class Inner(Config):
    beta: float = Field(1.0, ge=0, description="Weight of the KL term.")
    name: str = "x"


class Outer(Config):
    pretrain: Inner = Field(Inner(), description="Pretraining.")
    import_: str | None = Field(None, alias="import", description="Module.")
    steps: int = Field(3, gt=0, description="Steps.")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "car.yaml"
    path.write_text("steps: 5\npretrain:\n  beta: 2\n")
    return path


def test_file_then_overrides(file: Path) -> None:
    config = load_config(Outer, file, {"pretrain.beta": 4, "import": "my_envs"})
    assert config == Outer(**{"pretrain": Inner(beta=4), "import": "my_envs", "steps": 5})


def test_an_empty_section_means_its_defaults(file: Path) -> None:
    file.write_text("pretrain:\nsteps: 4\n")
    assert load_config(Outer, file, {"pretrain.beta": 2}) == Outer(
        pretrain=Inner(beta=2), steps=4, import_=None
    )


def test_resolved_yaml_reads_back_equal(tmp_path: Path) -> None:
    config = Outer(**{"pretrain": {"beta": 0.001}, "import": "m"})
    path = tmp_path / "resolved.yaml"
    path.write_text(to_yaml(config))
    assert load_config(Outer, path) == config


def test_exponents_without_a_dot_are_numbers() -> None:
    assert parse_overrides(["--pretrain.beta", "1e-3"], Outer) == {"pretrain.beta": 1e-3}


def test_overrides_take_yaml_values_and_both_spellings() -> None:
    words = ["--a.b=[1, 2]", "--c-d", "null", "--e", "true", "--f", "ALE/Pong-v5"]
    assert parse_overrides(words, Outer) == {
        "a.b": [1, 2],
        "c_d": None,
        "e": True,
        "f": "ALE/Pong-v5",
    }


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (
            {"pretrain.bta": 1},
            "command line: --pretrain.bta: no such key; did you mean pretrain.beta?",
        ),
        ({"stesp": 1}, "command line: --stesp: no such key; did you mean steps?"),
        ({"beta": 1}, "command line: --beta: no such key; did you mean pretrain.beta?"),
        ({"pretrain.beta": -1}, "command line: --pretrain.beta = -1: input should be greater"),
        ({"steps": "many"}, "command line: --steps = 'many': input should be a valid integer"),
        ({"steps.deep": 1}, "command line: --steps.deep: 'steps' is a value"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(
    file: Path, overrides: dict[str, object], expected: str
) -> None:
    with pytest.raises(WorldvaeError) as error:
        load_config(Outer, file, overrides)
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pretrain: {bta: 1}", "pretrain.bta: no such key; did you mean pretrain.beta?"),
        ("pretrain: {beta: x}", "pretrain.beta = 'x': input should be a valid number"),
        ("steps: [1", "not valid YAML"),
        ("- 1\n- 2", "expected `key: value` lines, got list"),
        ("pretrain: 3", "pretrain = 3: input should be a valid dictionary"),
    ],
)
def test_a_mistake_in_the_file_names_file_and_key(file: Path, text: str, expected: str) -> None:
    file.write_text(text)
    with pytest.raises(WorldvaeError) as error:
        load_config(Outer, file)
    assert str(error.value).startswith(f"{file}: {expected}")
    assert "\n" not in str(error.value)


def test_a_missing_file_names_the_nearest(file: Path) -> None:
    with pytest.raises(WorldvaeError, match=r"No such file.*did you mean .*car\.yaml"):
        load_config(Outer, file.with_name("cr.yaml"))


def test_a_binary_file_is_one_line(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WorldvaeError, match="not UTF-8 text"):
        load_config(Outer, file)


@pytest.mark.parametrize("words", [["beta", "1"], ["--beta"]])
def test_words_that_are_no_option_are_refused(words: list[str]) -> None:
    with pytest.raises(WorldvaeError, match="command line"):
        parse_overrides(words, Outer)


def test_help_names_every_key_with_meaning_bound_and_default() -> None:
    text = describe(Outer)
    assert "--pretrain.beta (default: 1.0), >= 0\n      Weight of the KL term." in text
    assert "--import (default: null)" in text
    assert set(dotted_keys(Outer)) == {
        "pretrain",
        "pretrain.beta",
        "pretrain.name",
        "import",
        "steps",
    }
