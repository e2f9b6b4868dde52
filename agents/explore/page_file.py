"""Puts the page together: one file of HTML with its scripts, styles, networks and arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

from agents.explore.assets import Asset
from agents.explore.contents import ExplorerContents
from agents.explore.runtime_files import LICENSE, MODULE, SCRIPT, WASM, runtime_file
from worldvae import html

FOLDER = Path(__file__).parent / "page"

SCRIPTS = (
    "assets",
    "elements",
    "random",
    "pictures",
    "runtime",
    "encoder",
    "actions",
    "thumbs",
    "temperature",
    "sliders",
    "code_view",
    "sampling",
    "dynamics",
    "dream",
    "presses",
    "controls",
    "clock",
    "charts",
    "timeline",
    "measure",
    "belief",
    "screen",
    "meters",
    "players",
    "player_input",
    "dream_view",
    "twin",
    "twin_view",
    "agent",
    "main",
)
"""The scripts, each after those that it imports."""

IMPORT = re.compile(r"^import [^;]*;\n", re.M)
EXPORT = re.compile(r"^export ", re.M)


def page_html(contents: ExplorerContents, sections: Iterable[str], assets: Iterable[Asset]) -> str:
    """Return the whole page."""
    code = contents.code
    latents = f"{len(code.latents)} latents"
    frame = f"frames of {code.height} x {code.width}"
    return Template(page_source("page.html")).substitute(
        title=escape(contents.title),
        lede=escape(" · ".join([contents.env_id, latents, frame])),
        style=html.style() + page_source("page.css"),
        sections="\n".join(sections),
        contents=contents.model_dump_json().replace("<", "\\u003c"),
        assets="\n".join(asset.html for asset in (*assets, *_runtime_assets())),
        runtime=f"/*\n{LICENSE.read_text(encoding='utf-8')}*/\n" + _inline(_runtime_script()),
        script=_inline(scripts()),
    )


def filled(name: str, **words: str) -> str:
    """Return one of the page's sections, with `words` in it."""
    return Template(page_source(name)).substitute(
        {key: escape(text) for key, text in words.items()}
    )


def scripts() -> str:
    """Return all scripts as one, in a scope of its own: their names are the same everywhere."""
    parts = [EXPORT.sub("", IMPORT.sub("", page_source(f"{name}.js"))) for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


def page_source(name: str) -> str:
    """Return the text of one of the page's files."""
    return (FOLDER / name).read_text(encoding="utf-8")


def _runtime_assets() -> tuple[Asset, Asset]:
    return Asset("ort-wasm", runtime_file(WASM)), Asset("ort-module", runtime_file(MODULE))


def _runtime_script() -> str:
    return runtime_file(SCRIPT).decode("utf-8")


def _inline(script: str) -> str:
    """Return a script that does not end the element it is put into."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
