"""The fidelity check: up to which horizon, and at which temperature, dreams can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from worldvae.autoencoders.encoder import Encoder, folder_of
from worldvae.diagnostics.clock import PartClock
from worldvae.diagnostics.fidelity.cut import PAST
from worldvae.diagnostics.fidelity.measure import measure_fidelity
from worldvae.diagnostics.fidelity.page.film import draw_film
from worldvae.diagnostics.fidelity.page.write import write_page
from worldvae.diagnostics.fidelity.reading import open_dynamics
from worldvae.diagnostics.fidelity.rules.evidence import FIDELITY, Fidelity
from worldvae.diagnostics.fidelity.rules.findings import find, verdict_of
from worldvae.diagnostics.fidelity.subject import ExaminedDynamics, HeldOut
from worldvae.files import if_writable
from worldvae.rollouts import RolloutStore


def check_fidelity(
    dynamics: str | Path,
    encoder: Encoder | str | Path,
    stores: RolloutStore | Sequence[RolloutStore],
    seed: int = 0,
    command: str | None = None,
    held_out: HeldOut | None = None,
    burn_in: int = PAST,
) -> Fidelity:
    """Compare dreams with the test episodes of `stores`, which were not used in training.

    Args:
        dynamics: The folder of the dynamics; the codes of all episodes of `stores` are kept in it.
        encoder: The encoder whose latents they read, its folder, or its address on the hub.
        stores: The rollouts that they were learned from.
        seed: Decides the noise of the dreams.
        command: What was typed, if the check is part of a command.
        held_out: Other episodes that no model was trained on, such as an agent's. If given, dreams
            are judged by all of these alone, and only what is known beforehand is of `stores`: the
            mean, the codes that training shows, the probes of the state.
        burn_in: Real decisions that are remembered before a dream starts, as `dream.burn_in`; of
            more than 64 the last 64 are.

    Raises ArtifactError if a folder is missing or damaged, if the encoder is another one, or if
    there are too few held-out episodes.
    """
    folder, latents_of = Path(dynamics), folder_of(encoder)
    several = [stores] if isinstance(stores, RolloutStore) else [*stores]
    report = folder if held_out is None else held_out.report
    clock = PartClock()
    with clock.part("reading"):
        subject = open_dynamics(folder, latents_of, several, seed, held_out, burn_in)
    fidelity = judge_dynamics(subject, seed, clock)
    with if_writable():
        draw_film(subject, fidelity.temperature, seed, report)
    return fidelity.model_copy(
        update={
            "dynamics": str(dynamics),
            "rollouts": tuple(str(store.folder) for store in several),
            "held_out": None if held_out is None else str(held_out.store.folder),
            "encoder": str(latents_of if isinstance(encoder, Encoder) else encoder),
            "command": command,
        }
    )


def judge_dynamics(subject: ExaminedDynamics, seed: int, clock: PartClock) -> Fidelity:
    """Measure dreams of `subject` and draw the conclusions."""
    evidence = measure_fidelity(subject, seed, clock)
    findings = find(evidence)
    return Fidelity(
        **dict(evidence),
        verdict=verdict_of(findings),
        findings=findings,
        seconds=clock.seconds,
        seed=seed,
        rollouts=(),
    )


def write_fidelity(fidelity: Fidelity, folder: Path) -> None:
    """Write `fidelity.html` and then `fidelity.json` into `folder`.

    A folder with `fidelity.json` counts as checked.
    """
    write_page(fidelity, folder)
    FIDELITY.write(folder, fidelity)
