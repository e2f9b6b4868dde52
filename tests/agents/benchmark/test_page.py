"""What docs/performance.md says by hand is what its table says, which the benchmark writes."""

from pathlib import Path

PAGE = Path("docs/performance.md").read_text()
HEAD, TABLE, MISSES = "| worldvae, against |", "| name | ours |", "| row | ratio |"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first line begins with `heading`."""
    lines = PAGE[PAGE.index(f"\n{heading}") :].strip().split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def ratio(cell: str) -> str:
    return cell.split(maxsplit=1)[0]


def test_the_short_answer_is_of_the_table() -> None:
    measured = {(*cells[3].split()[::2][:2], ratio(cells[4])) for cells in rows(TABLE)}
    short = {(ours.split()[0], theirs.split()[0], one) for _, ours, theirs, one in rows(HEAD)}
    assert short
    assert short <= measured


def test_each_miss_of_the_table_is_explained() -> None:
    missed = {cells[0]: ratio(cells[4]) for cells in rows(TABLE) if cells[6] == "**no**"}
    assert {ratio(cells[0]): ratio(cells[1]) for cells in rows(MISSES)} == missed
