from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BeforeValidator, Discriminator, Field, Tag

from worldvae.config import Config, load_config, merge_sections, parse_overrides, to_yaml
from worldvae.errors import WorldvaeError
from worldvae.fields import Variants
from worldvae.keys import describe, dotted_keys


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
        ({"pretrain.beta": -1}, "command line: --pretrain.beta = -1: expected at least 0"),
        ({"steps": "many"}, "command line: --steps = 'many': expected a whole number"),
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
        ("pretrain: {beta: x}", "pretrain.beta = 'x': expected a number"),
        ("steps: [1", "not valid YAML"),
        ("- 1\n- 2", "expected `key: value` lines, got a list"),
        ("pretrain: 3", "pretrain = 3: expected keys below it"),
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


class Square(Config):
    """All sides are equal."""

    kind: Literal["square"] = "square"
    side: float = Field(1.0, gt=0, description="Length.")


class Ring(Config):
    """A circle in a circle."""

    kind: Literal["ring"] = "ring"
    inner: float = Field(1.0, gt=0, description="Radius of the hole.")
    outer: float = Field(2.0, gt=0, description="Radius.")


BY_KIND = Variants("kind", default="square")
Shape = Annotated[
    Annotated[Square, Tag("square")] | Annotated[Ring, Tag("ring")],
    Discriminator(BY_KIND.word_of),
    BeforeValidator(BY_KIND.spelled_out),
    BY_KIND,
]


class Drawing(Config):
    shape: Shape = Field(Square(), description="What is drawn.")
    side: str = Field("left", description="Where.")


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    path = tmp_path / "drawing.yaml"
    path.write_text("shape: ring\n")
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Ring()),
        (["--shape.inner", "0.5"], Ring(inner=0.5)),
        (["--shape", "square"], Square()),
        (["--shape", "square", "--shape.side", "3"], Square(side=3)),
        (["--shape.side", "3", "--shape", "square"], Square(side=3)),
        (["--shape", "{side: 3}"], Square(side=3)),
        (["--shape.kind", "square"], Square()),
        (["--shape", "null"], Square()),
    ],
)
def test_a_section_of_several_kinds_is_named_by_a_word(
    drawing: Path, words: list[str], expected: Config
) -> None:
    assert load_config(Drawing, drawing, parse_overrides(words, Drawing)).shape == expected


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--shape", "rig"], "shape.kind = 'rig': expected square or ring; did you mean ring?"),
        (
            ["--shape.side", "2"],
            "shape.side: no such key in ring, but in square; set shape.kind: square",
        ),
        (["--shape.iner", "2"], "shape.iner: no such key; did you mean shape.inner?"),
        (["--outer", "2"], "outer: no such key; did you mean shape.outer?"),
        (["--shape.outer", "-1"], "shape.outer = -1: expected more than 0"),
        (["--shape", "3"], "shape = 3: expected square or ring; did you mean "),
    ],
)
def test_a_mistake_in_a_section_of_several_kinds_is_one_line(
    drawing: Path, words: list[str], line: str
) -> None:
    with pytest.raises(WorldvaeError) as error:
        load_config(Drawing, drawing, parse_overrides(words, Drawing))
    assert str(error.value).startswith(f"command line: --{line}")
    assert "ring_" not in str(error.value)


def test_help_names_the_keys_of_every_kind() -> None:
    text = describe(Drawing)
    assert '--shape.kind (default: "square"), or for short --shape\n' in text
    assert "      ring: A circle in a circle.\n" in text
    assert "--shape.outer (default: 2.0), > 0; of ring\n      Radius." in text
    keys = ["shape", "shape.kind", "shape.side", "shape.inner", "shape.outer", "side"]
    assert list(dotted_keys(Drawing)) == keys


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"shape": {"inner": 0.5}}, {"kind": "ring", "outer": 9, "inner": 0.5}),
        ({"shape": {"kind": "ring", "inner": 0.5}}, {"kind": "ring", "outer": 9, "inner": 0.5}),
        ({"shape": {"kind": "square", "side": 3}}, {"kind": "square", "side": 3}),
        ({"shape": "square"}, {"kind": "square"}),
        ({"side": "right"}, {"kind": "ring", "outer": 9}),
    ],
)
def test_changes_of_a_section_keep_the_rest_unless_it_becomes_another(
    changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    values = {"shape": {"kind": "ring", "outer": 9}, "side": "left"}
    assert merge_sections(values, changes, Drawing) == {**values, **changes, "shape": expected}
