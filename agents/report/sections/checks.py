"""The sections on what was examined before any agent was trained: its encoder, and its dreams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.report import markdown
from agents.run.records import Run
from worldvae import html
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.json_files import JsonFile


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
        """Return verdict and findings as HTML; "" if nothing was examined."""
        try:
            check = self.read(run)
        except WorldvaeError as error:
            return html.section(self.key, self.title, html.paragraph(str(error)))
        if check is None:
            return ""
        items = [(one.severity, one.found, one.advice) for one in check.findings]
        blocks = [html.paragraph(self.verdict(check)), *([html.judged(items)] if items else [])]
        return html.section(self.key, self.title, *blocks, html.paragraph(self._all_of_it))

    def text(self, run: Run) -> str:
        """Return the section in Markdown."""
        try:
            check = self.read(run)
        except WorldvaeError as error:
            return markdown.section(self.title, markdown.escaped(str(error)))
        if check is None:
            return ""
        found = [f"{one.severity}: {one.found} {one.advice}" for one in check.findings]
        verdict, findings = markdown.escaped(self.verdict(check)), markdown.bullets(found)
        return markdown.section(self.title, verdict, findings, self._all_of_it)

    def reasons(self, run: Run) -> str | None:
        """Return why what was examined is unfit; None if it is usable or nothing can be read."""
        try:
            check = self.read(run)
        except WorldvaeError:  # the section reports it
            return None
        if check is None or check.verdict != "unfit":
            return None
        return " ".join(one.found for one in check.findings if one.severity == "unfit")

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

    @property
    def _all_of_it(self) -> str:
        page = Path(self.file.name).with_suffix(".html")
        return (
            f"All of the check, with its figures: {page} in the folder {self.folder}, beside this "
            "page."
        )
