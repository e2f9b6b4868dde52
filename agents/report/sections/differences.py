"""The section that states what differs between the arms: observation and first layers."""

from __future__ import annotations

from typing import Any

from agents.arms.observers import OBSERVERS
from agents.arms.registry import ARMS
from agents.report import markdown
from agents.run.records import Run
from worldvae import html

OF_UNKNOWN_ARM = ("see the configuration", "see the configuration")


TITLE = "What differs between the arms"


def differences(run: Run) -> str:
    """Return the section; "" before there is an arm."""
    if not run.arms:
        return ""
    header = ["arm", "the agent sees", _layers(run)]
    rows = [(arm, [(cells, "") for cells in _difference(arm)]) for arm in run.arms]
    table = html.table(header, rows, kind="words")
    return html.section("differences", TITLE, html.paragraph(_lead(run)), table)


def differences_text(run: Run) -> str:
    """Return the section in Markdown, as a list in place of the table."""
    if not run.arms:
        return ""
    rows = [(arm, *_difference(arm)) for arm in run.arms]
    items = (f"{arm} sees {sees}; {_layers(run)}: {layers}" for arm, sees, layers in rows)
    return markdown.section(TITLE, markdown.escaped(_lead(run)), markdown.bullets(items))


def _difference(name: str) -> tuple[str, str]:
    """Return what an arm's agents see, and which first layers of their own are trained."""
    arm = ARMS.get(name)
    return OF_UNKNOWN_ARM if arm is None else (arm.observation, arm.first_layers)


def _lead(run: Run) -> str:
    dreamers = [arm.name for arm in run.rows if arm.trains_in_dream]
    equal = "seeds, evaluation episodes" if dreamers else "seeds, env steps, evaluation episodes"
    lead = (
        "Only the observation, and with it the first layers of the network. Environment, "
        f"{equal} and all other settings of {algorithm_of(run)} are the same."
    )
    for more in (_other_simulator(run), _shifted_images(run)):
        lead = f"{lead} {more}".rstrip()
    if not dreamers:
        return lead
    return (
        f"{lead} The arm {', '.join(dreamers)} has another world to train in, too, and with it the "
        "steps and the number of environments that the section dream of the configuration states."
    )


def _other_simulator(run: Run) -> str:
    """Say which arms train in Gymnasium's simulator while others need not; "" if all do."""
    drawn = [arm.name for arm in run.rows if OBSERVERS[arm.observes].is_drawn]
    undrawn = [arm.name for arm in run.rows if arm.name not in drawn]
    backend = _setting(run, "env", "backend", "auto")
    if not drawn or not undrawn or backend == "gymnasium":
        return ""
    return (
        f"One thing more: the agents of {', '.join(undrawn)} need no frame and train in "
        f"Gymnasium's own simulator, those of {', '.join(drawn)} in that of env.backend: "
        f"{backend}, which is another one where envpool or ALE's own vector environment plays it. "
        "All are scored in Gymnasium's."
    )


def _shifted_images(run: Run) -> str:
    """Say which arms train on images that are shifted at random; "" if none does."""
    pixels = _setting(run, "agent", "random_shift", 0)
    arms = [arm.name for arm in run.rows if arm.observes_images]
    if not pixels or not arms:
        return ""
    return (
        f"{' and '.join(arms).capitalize()} train on replayed images that are shifted at random by "
        f"up to {pixels} pixels (agent.random_shift); the others observe no image to be shifted."
    )


def _layers(run: Run) -> str:
    return f"first layers of its own that {algorithm_of(run)} trains"


def algorithm_of(run: Run) -> str:
    """Return the algorithm that the configuration names, or "the algorithm" without one."""
    return str(_setting(run, "agent", "algorithm", "the algorithm"))


def _setting(run: Run, section: str, key: str, missing: Any) -> Any:
    return (run.settings.get(section) or {}).get(key, missing)
