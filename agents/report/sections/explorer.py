"""The section that leads to the explorer, a page in which the run can be played."""

from __future__ import annotations

from agents.run.records import Run
from worldvae import html
from worldvae.diagnostics.page.figures import EXPLORER

WORDS = (
    "The explorer is a page in which the latents of {whose} can be moved, its dreams played, and "
    "its agents watched as they play them."
)


def explorer(run: Run) -> str:
    """Return a link to the explorer, or the command that writes it; "" without an encoder."""
    name, shown = run.shown
    if shown.card is None:
        return ""
    words = WORDS.format(whose=name or "this run")
    page = shown.folder / EXPLORER
    if page.is_file():
        ways = html.link(page.relative_to(run.folder).as_posix(), "Open the explorer")
    else:
        ways = html.code(f"python -m scripts.explore {shown.folder / 'config.yaml'}")
    return html.section("explorer", "Look inside", html.paragraph(words), ways)
