"""Tables and lists in Markdown."""

from __future__ import annotations

import pytest

from worldvae.markdown import bullets, table


def test_a_table_has_a_line_for_each_row() -> None:
    rows = [("a", "1"), ("b", "2")]
    assert table(("", "x"), rows) == "|  | x |\n| --- | --- |\n| a | 1 |\n| b | 2 |"
    assert table(("", "x", "y"), (), numeric=True).splitlines()[1] == "| :-- | --: | --: |"


@pytest.mark.parametrize("cell", ["a|b", r"a\|b"])
def test_a_bar_in_a_cell_does_not_end_it(cell: str) -> None:
    assert table(("x",), [(cell,)]).splitlines()[-1] == r"| a\|b |"


def test_a_list_has_an_item_a_line() -> None:
    assert bullets(iter(["`a`", "b"])) == "- `a`\n- b"
