"""The rules about the latents and the data: information, duplicates, and missing measurements."""

from __future__ import annotations

from worldvae.autoencoders.config import NetworkConfig
from worldvae.diagnostics.finding import Finding
from worldvae.diagnostics.metrics.jackknife import LEAST_EPISODES, EpisodeInterval
from worldvae.diagnostics.metrics.neighbours import Closeness
from worldvae.diagnostics.metrics.reconstruction import DUPLICATE, Code
from worldvae.diagnostics.rules.advice import (
    finer_pixels,
    finer_still_pixels,
    join,
    more_information,
)
from worldvae.diagnostics.rules.evidence import Evidence

# Collapsed codes were seen at 0.2 to 0.3, those of sound encoders above 0.6 in one respect or more.
STRANGERS = 0.5
IDLE_SHARE = 0.5
BELOW_UNTRAINED = 0.05
TELLING = 0.5
# A group is lost if the latents' score above chance is surely below this share of a small
# picture's: the whole interval over test episodes is...
GROUP_KEPT = 0.3
# ...and if the small picture's score is at least this much above chance.
GROUP_VISIBLE = 0.2


def strangers(evidence: Evidence) -> Finding | None:
    """Find encoders for which frames with similar latents are alike in no respect."""
    near = evidence.neighbours
    respects = {"pixels": near.pixels, "moving pixels": near.moving, "state": near.state}
    known = {name: closeness for name, closeness in respects.items() if closeness}
    if not known or any(closeness.latents >= STRANGERS for closeness in known.values()):
        return None
    return Finding(
        severity="doubtful",
        name="strangers",
        found="Training frames with the nearest latents are not like the held-out frame: "
        f"{_closeness(known)} (0: as a random frame, 1: as the nearest there is).",
        advice=join(more_information(evidence.objective, evidence.pixels), "raise rollouts.frames"),
    )


def tells(evidence: Evidence) -> bool:
    """Return whether probes of latents gain at least half as much as those of a small picture."""
    if evidence.probes is None:
        return False
    mean = evidence.probes.mean
    return mean["latents"] - mean["majority"] > TELLING * (mean["pixels"] - mean["majority"])


def below_untrained(evidence: Evidence) -> Finding | None:
    gained = evidence.probes and evidence.probes.gained
    if not evidence.probes or not gained or gained.high >= -BELOW_UNTRAINED:
        return None
    mean = evidence.probes.mean
    return Finding(
        severity="doubtful",
        name="below_untrained",
        found=f"A linear probe reads less of the state from the latents ({mean['latents']:.2f}) "
        f"than from those of an untrained encoder ({mean['untrained']:.2f}): {-gained.high:.2f} to "
        f"{-gained.low:.2f} less, over test episodes.",
        advice=_keep_more(evidence),
    )


def variables_lost(evidence: Evidence) -> Finding | None:
    """Find groups of variables that probes predict from a small picture but not from latents."""
    groups = evidence.probes.groups if evidence.probes else {}
    kept = evidence.probes.kept if evidence.probes else {}
    lost = {name: groups[name] for name, share in kept.items() if is_lost(groups[name], share)}
    if not lost:
        return None
    each = ", ".join(
        f"{name or 'state'} {scores['latents']:.2f} ({scores['pixels']:.2f})"
        for name, scores in lost.items()
    )
    return Finding(
        severity="doubtful",
        name="variables_lost",
        found="Linear probes of the latents miss what those of a small picture (in brackets) "
        f"show: {each}.",
        advice=_keep_more(evidence),
    )


def _keep_more(evidence: Evidence) -> str:
    """Return advice to keep more of the state.

    Where pixels that stand still are lost more than those that move, what is missing stands still,
    and a weight on motion would take from it.
    """
    train, pixels = evidence.reconstruction.train, evidence.pixels
    more = more_information(evidence.objective, pixels)
    if train.moving and train.static and (train.static.lost or 0) > (train.moving.lost or 0):
        return join(*finer_still_pixels(pixels), more, "raise pretrain.steps")
    return join(finer_pixels(pixels), more)


def is_lost(scores: dict[str, float], kept: EpisodeInterval) -> bool:
    """Return whether latents surely gain much less than pixels over the mean or commonest class."""
    return scores["pixels"] - scores["majority"] > GROUP_VISIBLE and kept.high < GROUP_KEPT


def duplicates(evidence: Evidence) -> Finding | None:
    pairs = evidence.code.duplicates
    if not pairs:
        return None
    first = pairs[0]
    return Finding(
        severity="note",
        name="duplicates",
        found=f"{len(pairs)} pairs of latents say the same (correlation beyond {DUPLICATE}), such "
        f"as {first.first} and {first.second} ({first.correlation:+.2f}).",
        advice="They do no harm to an agent; fewer pretrain.latents, or pretrain.objective: "
        "dip_vae, would part them.",
    )


def idle_latents(evidence: Evidence) -> Finding | None:
    code = evidence.code
    if not code.active or len(code.dead) < IDLE_SHARE * code.latents:
        return None
    return Finding(
        severity="note",
        name="idle_latents",
        found=f"{len(code.dead)} of {code.latents} latents are dead.",
        advice=f"If nothing else is amiss, {_enough_latents(code, evidence.network)} would do.",
    )


def _enough_latents(code: Code, network: NetworkConfig) -> str:
    """Return how many latents hold the active ones, of those that the network may have."""
    if network.code == "grid":  # so many for each cell
        return "fewer pretrain.latents"
    return f"pretrain.latents: {min(code.active + 2, code.latents - 1)}"


def still(evidence: Evidence) -> Finding | None:
    errors = evidence.reconstruction
    if errors.held_out.moving and errors.train.moving:
        return None
    equal = errors.train.lost is None
    where = "held-out frames" if errors.train.moving else "frames"
    return Finding(
        severity="doubtful" if equal else "note",
        name="still",
        found="All training frames are equal." if equal else f"No pixel moves between {where}.",
        advice="Look at what was collected with python -m scripts.collect CONFIG --inspect; other "
        "rollouts.policies or env.action_repeat may move it.",
    )


def few_episodes(evidence: Evidence) -> Finding | None:
    if evidence.overfitting.low is not None:
        return None
    held_out = evidence.reconstruction.held_out.episodes
    return Finding(
        severity="note",
        name="few_episodes",
        found=f"Errors are of {held_out} held-out episode(s), too few for an interval.",
        advice="Raise rollouts.frames, or shorten episodes with env.max_episode_steps and another "
        "--name.",
    )


def few_probed(evidence: Evidence) -> Finding | None:
    if evidence.probes is None or evidence.probes.gained:
        return None
    return Finding(
        severity="note",
        name="few_probed",
        found=f"The state was probed in fewer than {LEAST_EPISODES} test episodes, too few to say "
        "whether latents lost some of it.",
        advice="Raise rollouts.frames, or shorten episodes with env.max_episode_steps and another "
        "--name.",
    )


def no_state(evidence: Evidence) -> Finding | None:
    if evidence.no_probes is None:
        return None
    return Finding(
        severity="note",
        name="no_state",
        found="What the latents tell of the true state was not probed.",
        advice=f"{evidence.no_probes[0].upper()}{evidence.no_probes[1:]}.",
    )


def _closeness(known: dict[str, Closeness]) -> str:
    return ", ".join(f"{name} {near.latents:.2f}" for name, near in known.items())
