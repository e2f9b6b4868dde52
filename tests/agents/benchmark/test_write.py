"""The table and the section of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.benchmark.results import Results
from agents.benchmark.scaling.curve import ScalingCurve
from agents.benchmark.write import describe, number, publish, replace_section, write_results
from tests.agents.benchmark.synthetic import NOISY, result
from worldvae.errors import WorldvaeError

LINEAR = ScalingCurve(
    stage="encoding", quantity="n", cost="s", expected=1, x=(1, 2, 4), y=(3, 6, 12)
)
DOCUMENT = "# Speed\n\n## The table\n\nold\n\n### Old part\n\n## Log\n\nkept\n"


def test_a_line_of_the_table() -> None:
    text = describe(Results(rows=(result(),)))
    assert (
        "| `encoder-8` | 8 envs in one batch | one torch call an env | 1 / 4 ms "
        "| 4.00 (3.00-6.00, 3) | 4 | yes |  |"
    ) in text
    assert (
        "Measured by `python -m x` on 2 cores of Abacus, networks on cpu with 1 threads, torch 9"
        in text
    )
    assert "other work" not in text


def test_what_a_reader_has_to_know_is_said() -> None:
    rows = (result("a"), result("b", (2,), bound=">=", note="capped", machine=NOISY))
    text = describe(Results(rows=rows))
    assert "| >= 2.00 (1) | 4 | **no** |  |" in text
    assert "`b`: capped." in text
    assert "3.0 cores busy before; **other work ran beside it** (b)." in text


def test_slopes_are_a_table_of_their_own() -> None:
    text = describe(Results(scaling=(LINEAR,)))
    assert "| encoding | s | n: 1 to 4 | 3 | 12 | 1.00 | at most 1 |" in text


@pytest.mark.parametrize(
    ("value", "text"), [(2350.4, "2,350"), (100, "100"), (12.34, "12.3"), (0.01234, "0.0123")]
)
def test_three_digits_count(value: float, text: str) -> None:
    assert number(value) == text


def test_the_section_is_replaced_and_the_others_stay() -> None:
    text = replace_section(DOCUMENT, "## The table", "new", Path("x.md"))
    assert text == "# Speed\n\n## The table\n\nnew\n\n## Log\n\nkept\n"
    assert replace_section(text, "## Log", "new", Path("x.md")).endswith("## Log\n\nnew\n")
    with pytest.raises(WorldvaeError, match=r"x\.md: no line '## Elsewhere'"):
        replace_section(text, "## Elsewhere", "new", Path("x.md"))


def test_everything_is_written_and_published(tmp_path: Path) -> None:
    results = Results(rows=(result(),), scaling=(LINEAR,))
    write_results(results, tmp_path / "run")
    document = tmp_path / "docs" / "performance.md"
    document.parent.mkdir()
    document.write_text(DOCUMENT)
    publish(results, tmp_path / "run", document)
    text = document.read_text()
    assert text.endswith("## Log\n\nkept\n")
    for name in ("benchmark.png", "scaling.png"):
        assert f"](images/{name})" in text
        published = (tmp_path / "docs" / "images" / name).read_bytes()
        assert published == (tmp_path / "run" / name).read_bytes()
    assert (tmp_path / "run" / "benchmark.md").read_text() in text
