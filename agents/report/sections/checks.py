"""The sections on what was examined before any agent was trained: its encoder, and its dreams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.report import markdown
from agents.run.records import Run
from worldvae import html
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.json_files import JsonFile

Judged = tuple[str, str, str]
"""Severity, finding and advice."""


@dataclass(frozen=True)
class CheckSection:
    """The section on a check that has a verdict and findings."""

    key: str
    title: str
    folder: str
    """The folder in a run of what was examined."""
    file: JsonFile[Any]
    """The result in that folder; its page lies beside it."""
    script: str
    """The command that examines it again."""
    verdict: Callable[[Any], str]
    """The verdict on a result in a sentence or two."""

    def page(self, run: Run) -> str:
        """Return verdicts and findings as HTML; "" if nothing was examined."""
        blocks = list[str]()
        for told, items in self._checks(run):
            blocks += [html.paragraph(told), *([html.judged(items)] if items else [])]
        if not blocks:
            return ""
        return html.section(self.key, self.title, *blocks, html.paragraph(self._all_of_it(run)))

    def text(self, run: Run) -> str:
        """Return the section in Markdown."""
        blocks = list[str]()
        for told, items in self._checks(run):
            found = [f"{severity}: {found} {advice}" for severity, found, advice in items]
            blocks += [markdown.escaped(told), markdown.bullets(found)]
        return markdown.section(self.title, *blocks, self._all_of_it(run)) if blocks else ""

    def unfit(self, run: Run) -> dict[str, str]:
        """Return the name of each encoder of `run` with an unfit check -> what was found."""
        found = dict[str, str]()
        for name, part in run.encoders.items():
            with suppress(WorldvaeError):  # the section reports it
                check = self.read(part)
                if check is not None and check.verdict == "unfit":
                    severe = [one.found for one in check.findings if one.severity == "unfit"]
                    found[name] = " ".join(severe)
        return found

    def _checks(self, run: Run) -> Iterator[tuple[str, list[Judged]]]:
        """Yield verdict and findings of each examined encoder, or what is wrong with its file."""
        for name, part in run.encoders.items():
            lead = f"{name.capitalize()}. " if name else ""
            try:
                check = self.read(part)
            except WorldvaeError as error:
                yield f"{lead}{error}", []
                continue
            if check is not None:
                items = [(one.severity, one.found, one.advice) for one in check.findings]
                yield f"{lead}{self.verdict(check)}", items

    def read(self, run: Run) -> Any | None:
        """Return the result, None if there is none; ArtifactError if its file is damaged."""
        folder = run.folder / self.folder
        if not self.file.exists(folder):
            return None
        try:
            return self.file.read(folder)
        except WorldvaeError:
            command = f"python -m scripts.{self.script} {run.folder / 'config.yaml'}"
            raise ArtifactError(
                f"{self.folder}/{self.file.name} is damaged. Examine the {self.folder} again: "
                f"{command}"
            ) from None

    def _all_of_it(self, run: Run) -> str:
        page = Path(self.file.name).with_suffix(".html")
        folders = [part.folder / self.folder for part in run.encoders.values()]
        examined = [folder for folder in folders if self.file.exists(folder)]
        *first, last = [folder.relative_to(run.folder).as_posix() for folder in examined]
        where = f"folders {', '.join(first)} and {last}" if first else f"folder {last}"
        return f"All of the check, with its figures: {page} in the {where}, beside this page."


def of(name: str) -> str:
    """Return " of NAME" for one of several encoders, "" for the only one."""
    return f" of {name}" if name else ""
