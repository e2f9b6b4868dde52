"""The sections of the page, with their words."""

from __future__ import annotations

from collections.abc import Iterator

from agents.explore.contents import ExplorerContents
from agents.explore.page_file import filled
from agents.explore.runtime_files import pins
from worldvae import html
from worldvae.wording import decisions_later

CODE = (
    "Choose a real frame that the encoder was not trained on. Its latents are the sliders, in "
    "deviations of the training frames, those first that tell most."
)
UNTRAINED = "This encoder has random weights: it is the control, and shows what training adds. "
DREAM = (
    "Nothing here is the environment: after a real frame, all that you see is what the dynamics "
    "imagine of your actions. Go back to any moment below the screen, and act otherwise."
)
AHEAD = " Pictures show the frame {later}, which is what this encoder was trained to draw."
TWIN = (
    "A held-out episode as it was recorded, and a dream that begins at the same frame and is told "
    "the same actions. A dream is one draw: it need not show the same, but the like of it. The "
    "page holds no environment, so that the real side was recorded when it was made."
)
PRIOR = "The prior is N(0, 1) of each latent: what the decoder draws where it knows nothing."
NO_PRIOR = "The objective has no prior; the spread of the training frames stands for it."
NO_DREAM = (
    "This run has no dynamics yet, so that there is nothing to dream. Learn them with "
    "python -m scripts.dynamics CONFIG, and write the page again."
)
SUBJECTS = (
    "What a latent is about is the variable of the true state of which a line through this latent "
    "alone explains most, in {frames:,} held-out frames; R² is the share. Nothing is said below "
    "a quarter."
)
KEYS = (
    ("arrows, W A S D", "act, by the environment's own names of its actions or along two axes"),
    ("0 to 9", "act, by the number of the action"),
    ("space", "fire, jump or use, where an action is called so; else play or pause"),
    ("P", "play or pause"),
    ("N", "a single step"),
    (",", "one decision back"),
    ("R", "begin again"),
    ("shift and click", "blend a held-out frame with the one that is shown"),
)


def sections(contents: ExplorerContents) -> Iterator[str]:
    """Yield the sections of the page: those that the run has parts for, and what it is about."""
    code = contents.code
    if contents.dream is not None:
        ahead = AHEAD.format(later=decisions_later(code.ahead)) if code.ahead else ""
        yield filled("dream.html", words=DREAM + ahead)
    yield filled(
        "code.html",
        words=("" if code.trained else UNTRAINED) + CODE,
        prior=PRIOR if code.has_prior else NO_PRIOR,
        subjects=SUBJECTS.format(frames=code.state_frames) if code.state_frames else "",
    )
    if contents.twins:
        yield filled("twin.html", words=TWIN, **_captions(code.ahead))
    yield _about(contents)


def _captions(ahead: int) -> dict[str, str]:
    """Return what is said of the pictures of a twin that are decoded."""
    if not ahead:
        return {"kept": "what its latents keep", "dreamed": "dream"}
    later = decisions_later(ahead)
    return {"kept": f"decoded: the frame {later}", "dreamed": f"dream: the frame {later}"}


def _about(contents: ExplorerContents) -> str:
    runtime = pins()
    versions = "\n".join(f"{name} {version}" for name, version in contents.versions.items())
    return html.section(
        "about",
        "About this page",
        *([] if contents.dream else [html.paragraph(NO_DREAM)]),
        html.paragraph(
            "It is one file and loads nothing: the networks of the run are inside, and "
            f"{runtime.package} {runtime.version} ({runtime.license}) computes them here. Frames "
            f"are of the {contents.split} episodes."
        ),
        '<p><button id="measure">how fast is it here?</button> '
        '<output id="measured" class="remark"></output></p>',
        html.details("Keys", html.terms(KEYS)),
        html.details("The command, to make it again", html.code(contents.command)),
        html.details("Versions", html.code(versions)),
    )
