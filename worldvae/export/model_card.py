"""The model card of a folder on the hub: README.md with metadata that the hub reads."""

from __future__ import annotations

from dataclasses import dataclass

from worldvae import markdown

NO_LICENCE = "Its author has named no licence: ask them before you use it."
TAG = "worldvae"


@dataclass(frozen=True)
class HubResult:
    """A mean return for the hub's table of results, as "0.92 +/- 0.27"."""

    env_id: str
    text: str


@dataclass(frozen=True)
class CardSection:
    """A heading of a model card, and the Markdown beneath it."""

    heading: str
    text: str


@dataclass(frozen=True)
class ModelCardText:
    """What a model card says, whatever the folder holds.

    Args:
        title: One line.
        about: A paragraph on what it is.
        facts: Name -> value of what a reader looks up.
        sections: What follows, such as the verdict of the health check.
        code: Python that uses it.
        notes: A paragraph beneath the code.
        tags: Words that the hub finds it by.
        scores: The results that the hub shows.
    """

    title: str
    about: str
    facts: dict[str, str]
    sections: tuple[CardSection, ...]
    code: str
    notes: str
    tags: tuple[str, ...]
    scores: tuple[HubResult, ...] = ()

    def markdown(self, repo_id: str, licence: str | None = None) -> str:
        """Return README.md; `licence` is one of the hub's names, such as mit, or None."""
        metadata = _metadata(self, repo_id, licence)
        licensed = NO_LICENCE if licence is None else f"`{licence}`"
        sections = [
            *self.sections,
            CardSection("Use", f"```python\n{self.code.strip()}\n```\n\n{self.notes}"),
            CardSection("Licence", licensed),
        ]
        texts = [f"## {one.heading}\n\n{one.text}" for one in sections]
        facts = markdown.table(("", ""), self.facts.items())
        parts = [f"---\n{metadata}\n---", f"# {self.title}", self.about, facts, *texts]
        return "\n\n".join(part.strip() for part in parts) + "\n"


def _metadata(card: ModelCardText, repo_id: str, licence: str | None) -> str:
    """Return the YAML that the hub reads."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type="reinforcement-learning",
            dataset_type=score.env_id,
            dataset_name=score.env_id,
            metric_type="mean_reward",
            metric_name="mean return",
            metric_value=score.text,
        )
        for score in card.scores
    ]
    data = ModelCardData(
        library_name=TAG,
        tags=[TAG, *card.tags],
        license=licence,
        pipeline_tag="reinforcement-learning" if results else None,
        model_name=repo_id.rsplit("/", maxsplit=1)[-1] if results else None,
        eval_results=results or None,
    )
    return str(data.to_yaml()).strip()
