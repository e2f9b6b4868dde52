"""A self-contained HTML page and its pieces: no network, no script, opens from the disk.

Every function escapes the text that it is given; blocks and sections are HTML already.
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
"""A value and a remark in small print below it."""


def document(kicker: str, title: str, lede: str, sections: Iterable[str]) -> str:
    """The whole page, light or dark as the reader's system is."""
    here = Path(__file__).parent
    return Template((here / "page.html").read_text(encoding="utf-8")).substitute(
        kicker=escape(kicker),
        title=escape(title),
        lede=escape(lede),
        style=(here / "page.css").read_text(encoding="utf-8"),
        sections="\n".join(sections),
    )


def section(name: str, title: str, *blocks: str) -> str:
    return f'<section id="{name}"><h2>{escape(title)}</h2>{"".join(blocks)}</section>'


def box(kind: str, name: str, title: str, *blocks: str) -> str:
    """A section that stands out: `kind` is "verdict" or "notice", and may name a severity."""
    return (
        f'<section class="{kind}" id="{name}"><h2>{escape(title)}</h2>{"".join(blocks)}</section>'
    )


def paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>"


def bullets(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def judged(items: Iterable[tuple[str, str, str]]) -> str:
    """A list of severity ("unfit", "doubtful", "note"), sentence, and what to do about it."""
    rows = "".join(
        f'<li class="{escape(kind)}"><b>{escape(kind)}</b>{paragraph(text)}'
        f'<p class="remark">{_text(remark)}</p></li>'
        for kind, text, remark in items
    )
    return f'<ul class="judged">{rows}</ul>'


def terms(items: Iterable[tuple[str, str]]) -> str:
    """A list of names, each with what is to be said of it."""
    pairs = "".join(f"<dt>{_text(name)}</dt><dd>{_text(text)}</dd>" for name, text in items)
    return f"<dl>{pairs}</dl>"


def code(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"


def details(title: str, *blocks: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{''.join(blocks)}</details>"


def beside(*blocks: str, layout: str = "pair") -> str:
    """Blocks side by side where the window is wide enough: "pair", "triple", "columns" or "film".

    In a "film" a video is as large as the letters in it need.
    """
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


def captioned(block: str, title: str, caption: str) -> str:
    """A block of HTML, such as a table or a drawing, below what it is and shows."""
    words = f"<b>{_text(title)}.</b> {_text(caption)}"
    return f"<figure><figcaption>{words}</figcaption>{block}</figure>"


def image(path: Path, title: str, caption: str) -> str:
    """A PNG inside the page; where the window is narrow it scrolls, for letters stay legible."""
    source = f"data:image/png;base64,{_base64(path)}"
    return (
        f'<figure><div class="scroll"><img alt="{escape(title)}" src="{source}"></div>'
        f"<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption></figure>"
    )


def video(path: Path, title: str, caption: str, still: bytes = b"") -> str:
    """A WebM inside the page; until it plays, `still` (PNG) is shown."""
    source = f"data:video/webm;base64,{_base64(path)}"
    first = base64.b64encode(still).decode("ascii")
    poster = f' poster="data:image/png;base64,{first}"' if still else ""
    return (
        f'<figure><video controls loop muted playsinline aria-label="{escape(title)}" '
        f'src="{source}"{poster}></video>'
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
