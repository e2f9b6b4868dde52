"""Checks `agent.settings`: with some values Stable-Baselines3 divides by zero or never ends."""

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

RESERVED = {"self", "policy", "env", "learning_rate", "gamma", "seed", "device", "policy_kwargs"}
"""Arguments that other keys of the configuration or the arm decide."""

UNSUPPORTED = {
    *("_init_setup_model", "action_noise", "monitor_wrapper", "replay_buffer_class"),
    *("rollout_buffer_class", "tensorboard_log"),
}
"""Arguments that YAML cannot express, or that worldvae decides itself."""

COUNTS = {
    **dict.fromkeys(("n_steps", "batch_size", "n_epochs", "buffer_size", "train_freq"), 1),
    **dict.fromkeys(("target_update_interval", "gradient_steps", "stats_window_size"), 1),
    "policy_delay": 1,
    **dict.fromkeys(("learning_starts", "top_quantiles_to_drop_per_net"), 0),
}
"""Whole-number arguments -> the smallest value with which training makes progress."""

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
"""Arguments -> their smallest value, their largest, and both in words."""

ANY_NUMBER = -math.inf, math.inf, "a number"

LIBRARIES = {"stable_baselines3", "sb3_contrib"}


def with_whole_counts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with counts such as 1e5, which YAML reads as a float, as whole numbers."""
    return {
        name: int(value)
        if name in COUNTS and isinstance(value, float) and value.is_integer()
        else value
        for name, value in settings.items()
    }


def check_arguments(algorithm: str, kind: type[Any], settings: Mapping[str, Any]) -> None:
    """Raise ValueError unless `settings` are valid arguments of the algorithm's class `kind`."""
    parameters = inspect.signature(kind).parameters
    supported = set(parameters) - RESERVED - UNSUPPORTED
    for name, value in settings.items():
        if name in RESERVED:
            raise ValueError(f"settings.{name} has no place there; see the other keys of agent")
        if name in UNSUPPORTED:
            raise ValueError(f"settings.{name} has no place there; it is no value that YAML holds")
        if name not in supported:
            suggestion = difflib.get_close_matches(name[:100], supported, 1, cutoff=0.0)[0]
            raise ValueError(
                f"settings.{shortened(name, '')}: {algorithm} has no such argument; did you mean "
                f"{suggestion}?"
            )
        expected = _expected(name, value, parameters[name].default)
        if expected:
            raise ValueError(f"settings.{name} = {shortened(value)}: expected {expected}")


def _expected(name: str, value: Any, default: Any) -> str:
    """Return what is expected in place of `value`; empty if it is valid."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if name in COUNTS:
        return _expected_count(name, value)
    is_free = name not in NUMBERS and not isinstance(default, int | float)
    if is_free or (value is None and default is None):
        return ""
    low, high, description = NUMBERS.get(name, ANY_NUMBER)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if is_number and math.isfinite(value) and low <= value <= high else description


def _expected_count(name: str, value: Any) -> str:
    if value == -1 and name == "gradient_steps":  # as many as there were steps
        return ""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and COUNTS[name] <= value <= LARGEST_COUNT:
        return ""
    return f"a whole number from {COUNTS[name]} to {LARGEST_COUNT:,}"


@contextmanager
def library_errors(algorithm: str) -> Iterator[None]:
    """Turn errors that Stable-Baselines3 raises in the block into a TrainingError.

    Its message names the line of the library that raised. Errors of other origin pass unchanged.
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
    """Return the line of the library that raised; None if code outside of packages raised."""
    frames = traceback.extract_tb(error.__traceback__)
    of_library = [bool(LIBRARIES & {*Path(frame.filename).parts}) for frame in frames]
    if not any(of_library):
        return None
    last = len(of_library) - 1 - of_library[::-1].index(True)
    if any("site-packages" not in frame.filename for frame in frames[last:]):
        return None
    frame = frames[last]
    return f"{'/'.join(Path(frame.filename).parts[-3:])}, line {frame.lineno}"
