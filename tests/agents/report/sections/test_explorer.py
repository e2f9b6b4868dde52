"""The section that leads to the explorer: a link if it is there, else how to make it."""

from pathlib import Path

from agents.report.sections.explorer import explorer
from agents.run.load import read_run
from tests.encoders import DOTS, make_encoder


def test_it_links_to_the_explorer_or_says_how_to_make_it(tmp_path: Path) -> None:
    assert explorer(read_run(tmp_path)) == ""
    make_encoder(DOTS).save(tmp_path / "encoder")
    command = f"python -m scripts.explore {tmp_path / 'config.yaml'}"
    assert command in explorer(read_run(tmp_path))
    (tmp_path / "explorer.html").write_text("")
    shown = explorer(read_run(tmp_path))
    assert '<a href="explorer.html">' in shown
    assert command not in shown
