"""Markdown that stays the text it was made of."""

from __future__ import annotations

import pytest

from agents.report import markdown
from agents.report.tables.table import Table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed_3 of a_b", "seed_3 of a_b"),
        ("_a_ *b* `c`", "\\_a\\_ \\*b\\* \\`c\\`"),
        ("a|b\n# c", "a\\|b \\# c"),
        ("p < 0.001, a <b", "p < 0.001, a \\<b"),
        ("[x](y) <z> &lt;", "\\[x\\](y) \\<z\\> \\&lt;"),
    ],
)
def test_text_is_one_line_without_marks(text: str, expected: str) -> None:
    assert markdown.escaped(text) == expected


def test_a_table_has_its_remarks_in_brackets() -> None:
    table = Table(("", "x|y"), (("row", (("1.0", "0 to 2"),)), ("other", (("2", ""),))))
    assert markdown.table(table).splitlines() == [
        "|  | x\\|y |",
        "| :-- | --: |",
        "| row | 1.0 (0 to 2) |",
        "| other | 2 |",
    ]
    assert markdown.table(Table(("a",), ())) == ""


def test_a_section_without_content_is_nothing() -> None:
    assert markdown.section("Title", "", "") == ""
    assert markdown.section("Title", "a", "", "b") == "## Title\n\na\n\nb"


def test_code_is_left_as_it_is_behind_a_longer_fence() -> None:
    assert markdown.code(["a", "```", "b"]) == "````console\na\n```\nb\n````"
