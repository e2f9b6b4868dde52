"""What may stand in `agent.settings`: Stable-Baselines3 divides by it, and waits for it."""

from __future__ import annotations

import difflib
import inspect
import math
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from worldvae.errors import TrainingError, WorldvaeError
from worldvae.fields import shortened

ELSEWHERE = {"self", "policy", "env", "learning_rate", "gamma", "seed", "device", "policy_kwargs"}
"""Said by a key of its own, or by the arm."""

UNSAYABLE = {
    *("_init_setup_model", "action_noise", "monitor_wrapper", "replay_buffer_class"),
    *("rollout_buffer_class", "tensorboard_log"),
}
"""Objects and classes, which no YAML holds, and what `worldvae` decides itself."""

COUNTS = {
    **dict.fromkeys(("n_steps", "batch_size", "n_epochs", "buffer_size", "train_freq"), 1),
    **dict.fromkeys(("target_update_interval", "gradient_steps", "stats_window_size"), 1),
    **dict.fromkeys(("learning_starts", "top_quantiles_to_drop_per_net"), 0),
}
"""Whole numbers, and the smallest with which training neither stops nor stands still."""

LARGEST_COUNT = 10**9

ABOVE_ZERO = math.ulp(0.0), math.inf, "a number above 0"
SHARE = 0.0, 1.0, "a number from 0 to 1"
NUMBERS = {
    **dict.fromkeys(("clip_range", "clip_range_vf", "target_kl"), ABOVE_ZERO),
    **dict.fromkeys(("max_grad_norm", "rms_prop_eps"), ABOVE_ZERO),
    **dict.fromkeys(("tau", "gae_lambda"), SHARE),
    **dict.fromkeys(("exploration_initial_eps", "exploration_final_eps"), SHARE),
    "exploration_fraction": (math.ulp(0.0), 1.0, "a number above 0 and up to 1"),
}
"""Smallest, largest, and both in words."""

ANY_NUMBER = -math.inf, math.inf, "a number"

LIBRARIES = {"stable_baselines3", "sb3_contrib"}


def check_arguments(algorithm: str, kind: type[Any], settings: Mapping[str, Any]) -> None:
    """Raise ValueError unless `settings` are arguments of `kind` that it can train with."""
    parameters = inspect.signature(kind).parameters
    known = set(parameters) - ELSEWHERE - UNSAYABLE
    for name, value in settings.items():
        if name in ELSEWHERE:
            raise ValueError(f"settings.{name} has no place there; see the other keys of agent")
        if name in UNSAYABLE:
            raise ValueError(f"settings.{name} has no place there; it is no value that YAML holds")
        if name not in known:
            close = difflib.get_close_matches(name[:100], known, 1, cutoff=0.0)[0]
            raise ValueError(
                f"settings.{shortened(name, '')}: {algorithm} has no such argument; did you mean "
                f"{close}?"
            )
        expected = _unlike(name, value, parameters[name].default)
        if expected:
            raise ValueError(f"settings.{name} = {shortened(value)}: expected {expected}")


def _unlike(name: str, value: Any, default: Any) -> str:
    """What was expected in the place of `value`; empty if it will do."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if name in COUNTS:
        return _no_count(name, value)
    is_free = name not in NUMBERS and not isinstance(default, int | float)
    if is_free or (value is None and default is None):
        return ""
    low, high, words = NUMBERS.get(name, ANY_NUMBER)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if is_number and math.isfinite(value) and low <= value <= high else words


def _no_count(name: str, value: Any) -> str:
    if value == -1 and name == "gradient_steps":  # as many as there were steps
        return ""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and COUNTS[name] <= value <= LARGEST_COUNT:
        return ""
    return f"a whole number from {COUNTS[name]} to {LARGEST_COUNT:,}"


@contextmanager
def library_errors(algorithm: str) -> Iterator[None]:
    """Turn what Stable-Baselines3 raises in the block over its arguments into a TrainingError.

    Told with the line of the library that did not take them; errors from elsewhere stay.
    """
    try:
        yield
    except (WorldvaeError, OSError):
        raise
    except Exception as error:
        place = _place(error)
        if place is None:
            raise
        reason = " ".join(str(error).split()) or "no reason given"
        raise TrainingError(
            f"agent.algorithm = {algorithm!r}: {type(error).__name__}: {reason[:300]} "
            f"({place}); see agent.settings and agent.learning_rate"
        ) from error


def _place(error: Exception) -> str | None:
    """Where in the library it was raised, if no code of this project stands behind that."""
    frames = traceback.extract_tb(error.__traceback__)
    of_library = [bool(LIBRARIES & {*Path(frame.filename).parts}) for frame in frames]
    if not any(of_library):
        return None
    last = len(of_library) - 1 - of_library[::-1].index(True)
    if any("site-packages" not in frame.filename for frame in frames[last:]):
        return None
    frame = frames[last]
    return f"{'/'.join(Path(frame.filename).parts[-3:])}, line {frame.lineno}"
