"""Pieces of an HTML page; every function escapes the text that it is given."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

from worldvae.plots import to_svg

Cell = tuple[str, str]
"""A value and a remark in small print below it."""


def section(name: str, title: str, *blocks: str) -> str:
    return f'<section id="{name}"><h2>{escape(title)}</h2>{"".join(blocks)}</section>'


def box(kind: str, name: str, title: str, *blocks: str) -> str:
    """A section that stands out: `kind` is "verdict" or "notice"."""
    return (
        f'<section class="{kind}" id="{name}"><h2>{escape(title)}</h2>{"".join(blocks)}</section>'
    )


def paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>"


def bullets(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def code(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"


def details(title: str, *blocks: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{''.join(blocks)}</details>"


def beside(*blocks: str, layout: str = "pair") -> str:
    """Blocks side by side where the window is wide enough: "pair", "triple" or "columns"."""
    return f'<div class="{layout}">{"".join(blocks)}</div>'


def table(
    header: Sequence[str], rows: Iterable[tuple[str, Sequence[Cell]]], kind: str = "numbers"
) -> str:
    """Rows are a name and a cell for each further column; `kind` styles the table."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{_text(name)}</th>{"".join(map(_cell, cells))}</tr>'
        for name, cells in rows
    )
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def drawing(figure: Figure, alt: str, caption: str) -> str:
    return f"<figure>{to_svg(figure, alt)}<figcaption>{_text(caption)}</figcaption></figure>"


def image(path: Path, title: str, caption: str) -> str:
    """A PNG inside the page."""
    source = f"data:image/png;base64,{_base64(path)}"
    return (
        f'<figure><img alt="{escape(title)}" src="{source}">'
        f"<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption></figure>"
    )


def video(path: Path, title: str, caption: str) -> str:
    """A WebM inside the page."""
    source = f"data:video/webm;base64,{_base64(path)}"
    return (
        f'<figure><video controls loop muted playsinline aria-label="{escape(title)}" '
        f'src="{source}"></video>'
        f"<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption></figure>"
    )


def _text(text: str) -> str:
    """Escaped, and a per cent sign stays with its number."""
    return escape(text).replace(" %", "&nbsp;%")


def _cell(cell: Cell) -> str:
    value, remark = cell
    small = f"<small>{escape(remark)}</small>" if remark else ""
    return f"<td>{escape(value)}{small}</td>"


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
