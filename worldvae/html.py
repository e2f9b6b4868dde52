"""Functions that write a self-contained HTML page, without scripts or resources from a network.

Every function escapes its text arguments; blocks and sections are HTML already.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from matplotlib.figure import Figure

from worldvae.plots.style import to_svg

Cell = tuple[str, str]
"""A value, and a remark that is shown in small print below it."""


def document(kicker: str, title: str, lede: str, sections: Iterable[str]) -> str:
    """Return the whole page, which is light or dark as the reader's system is."""
    here = Path(__file__).parent
    return Template((here / "page.html").read_text(encoding="utf-8")).substitute(
        kicker=escape(kicker),
        title=escape(title),
        lede=escape(lede),
        style=style(),
        sections="\n".join(sections),
    )


def style() -> str:
    """Return the style that all pages share."""
    return (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


def section(name: str, title: str, *blocks: str) -> str:
    return f'<section id="{name}"><h2>{escape(title)}</h2>{"".join(blocks)}</section>'


def box(kind: str, name: str, title: str, *blocks: str) -> str:
    """Return a highlighted section; `kind` is "verdict" or "notice", and may name a severity."""
    return (
        f'<section class="{kind}" id="{name}"><h2>{escape(title)}</h2>{"".join(blocks)}</section>'
    )


def paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>"


def link(address: str, text: str) -> str:
    """Return a paragraph that is a link to a file beside the page."""
    return f'<p><a href="{escape(address)}">{escape(text)}</a></p>'


def bullets(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def judged(items: Iterable[tuple[str, str, str]]) -> str:
    """Return a list of findings: severity ("unfit", "doubtful" or "note"), sentence and advice."""
    rows = "".join(
        f'<li class="{escape(kind)}"><b>{escape(kind)}</b>{paragraph(text)}'
        f'<p class="remark">{_text(remark)}</p></li>'
        for kind, text, remark in items
    )
    return f'<ul class="judged">{rows}</ul>'


def terms(items: Iterable[tuple[str, str]]) -> str:
    """Return a list of terms, each with its description."""
    pairs = "".join(f"<dt>{_text(name)}</dt><dd>{_text(text)}</dd>" for name, text in items)
    return f"<dl>{pairs}</dl>"


def code(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"


def details(title: str, *blocks: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{''.join(blocks)}</details>"


def beside(*blocks: str, layout: str = "pair") -> str:
    """Return blocks side by side, if the window is wide enough.

    `layout` is "pair", "triple", "columns", or "film", in which text in a video stays legible.
    """
    return f'<div class="{layout}">{"".join(blocks)}</div>'


def table(
    header: Sequence[str], rows: Iterable[tuple[str, Sequence[Cell]]], kind: str = "numbers"
) -> str:
    """Return a table; a row is a name and a cell for each further column, `kind` is its style."""
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


def captioned(block: str, title: str, caption: str) -> str:
    """Return a block of HTML, such as a table or a drawing, below its title and caption."""
    text = f"<b>{_text(title)}.</b> {_text(caption)}"
    return f"<figure><figcaption>{text}</figcaption>{block}</figure>"


def image(path: Path, title: str, caption: str) -> str:
    """Return a PNG embedded in the page; in a narrow window it scrolls, to stay legible."""
    source = f"data:image/png;base64,{_base64(path)}"
    return (
        f'<figure><div class="scroll"><img alt="{escape(title)}" src="{source}"></div>'
        f"<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption></figure>"
    )


def video(path: Path, title: str, caption: str, still: bytes = b"") -> str:
    """Return a WebM embedded in the page; until it plays, `still` (PNG) is shown."""
    source = f"data:video/webm;base64,{_base64(path)}"
    first = base64.b64encode(still).decode("ascii")
    poster = f' poster="data:image/png;base64,{first}"' if still else ""
    return (
        f'<figure><video controls loop muted playsinline aria-label="{escape(title)}" '
        f'src="{source}"{poster}></video>'
        f"<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption></figure>"
    )


def _text(text: str) -> str:
    """Escape `text`, and keep each per cent sign on the line of its number."""
    return escape(text).replace(" %", "&nbsp;%")


def _cell(cell: Cell) -> str:
    value, remark = cell
    small = f"<small>{escape(remark)}</small>" if remark else ""
    return f"<td>{escape(value)}{small}</td>"


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
