"""Turns errors in a user's environment into one line that names the file and line to mend."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from worldvae.envs.own_numbers import numbers_to_make
from worldvae.errors import ConfigError, WorldvaeError

OURS = Path(__file__).resolve().parents[1]
PACKAGES = "site-packages", "dist-packages"
STANDARD = sysconfig.get_paths()["stdlib"]
MAKERS = str(OURS), str(Path(gymnasium.__file__).parent), "<"
"""Files that start with one of these are never the place that a user has to mend."""

FOLDER, GRADIENTS, TYPE = "the working directory", "torch's gradients", "torch's type"

OPENGL = ("OpenGL", "GLFW", "GLEW", "gladLoadGL", "mjr_makeContext", "EGL")


def name_of(env: gymnasium.Env[Any, Any]) -> str:
    """Return the id of `env`; without a spec, the text that `str` makes of it."""
    return env.spec.id if env.spec else str(env.unwrapped)


@contextmanager
def in_user_code(what: str) -> Iterator[None]:
    """Turn any error in the block into a ConfigError: "{what}: {error} ({file}, line {line})".

    SystemExit is turned too, since a module that calls sys.exit on import must not end the command.
    """
    try:
        yield
    except (Exception, SystemExit) as error:  # user code may raise anything
        raise user_error(what, error) from error


@cache
def warn_once(line: str) -> None:
    """Issue a warning the first time that it is called with this line."""
    warnings.warn(line, stacklevel=2)


@contextmanager
def settings_kept(name: str) -> Iterator[None]:
    """Set back what importing or making `name` in the block changes of the whole process.

    These are the filters of warnings, NumPy's handling of errors, the working directory, and
    torch's type and gradients: whatever else runs here relies on them. A warning names those of
    them that `name` itself may rely on. What is drawn in the block is its own, see `OwnNumbers`.
    """
    before = _settings()
    try:
        with warnings.catch_warnings(), np.errstate(), numbers_to_make():
            yield
    finally:
        changed = {what: now for what, now in _settings().items() if now != before[what]}
        if changed:
            _set_back(before)
    if changed:
        told = " and ".join(f"{what} {now}" for what, now in changed.items())
        warn_once(f"{name} sets for the whole process: {told}; set back")


def _settings() -> dict[str, Any]:
    settings = {FOLDER: os.getcwd(), GRADIENTS: True, TYPE: "torch.float32"}
    if (torch := sys.modules.get("torch")) is not None:  # not imported for this alone
        settings[GRADIENTS] = torch.is_grad_enabled()
        settings[TYPE] = str(torch.get_default_dtype())
    return settings


def _set_back(settings: dict[str, Any]) -> None:
    os.chdir(settings[FOLDER])
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_grad_enabled(settings[GRADIENTS])
        torch.set_default_dtype(getattr(torch, settings[TYPE].removeprefix("torch.")))


def user_error(what: str, error: BaseException) -> WorldvaeError:
    """Return the error that `in_user_code` raises; a WorldvaeError is returned unchanged."""
    return error if isinstance(error, WorldvaeError) else ConfigError(f"{what}: {described(error)}")


def described(error: BaseException) -> str:
    """Return one line with the error and the innermost line of the user's code that raised it.

    A WorldvaeError is such a line already.
    """
    if isinstance(error, WorldvaeError):
        return str(error)
    error = _unnamed(error)
    place = _innermost(error)
    message = " ".join(str(error).split())
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {message}"  # its message names file and line
    if not message and place is not None:  # a bare assert has no message, so its source is shown
        message = linecache.getline(place.filename, place.lineno or 0).strip()
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    where = "" if place is None else f" ({place.filename}, line {place.lineno})"
    return f"{text}{where}{_hint(message)}"


def is_unpacked_by_gymnasium(error: BaseException) -> bool:
    """Return whether a wrapper of Gymnasium's could not unpack what the environment returned."""
    if not (isinstance(error, TypeError | ValueError) and "unpack" in str(error)):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith(MAKERS)


def _innermost(error: BaseException) -> traceback.FrameSummary | None:
    """Return the innermost stack frame in the user's own files, else in an installed package."""
    frames = [frame for one in _causes(error) for frame in traceback.extract_tb(one.__traceback__)]
    foreign = [frame for frame in frames if not frame.filename.startswith(MAKERS)]
    packaged = [frame for frame in foreign if any(part in frame.filename for part in PACKAGES)]
    own = [
        frame
        for frame in foreign
        if frame not in packaged and not frame.filename.startswith(STANDARD)
    ]
    return next(iter([*reversed(own), *reversed(packaged)]), None)


def _unnamed(error: BaseException) -> BaseException:
    """Return the error of an environment's constructor without the id that Gymnasium appends."""
    cause = error.__cause__
    return cause if cause is not None and str(error).startswith(f"{cause} was raised") else error


def _causes(error: BaseException) -> list[BaseException]:
    """Return `error` and its causes, the outermost first, since Gymnasium re-raises errors."""
    return [error] if error.__cause__ is None else [error, *_causes(error.__cause__)]


def _hint(message: str) -> str:
    if "render_modes" in message or "unsupported render mode" in message:
        return "; frames take a render mode 'rgb_array', which its metadata['render_modes'] lists"
    if "takes no arguments" in message or "argument 'render_mode'" in message:
        return (
            "; frames take an environment whose __init__ takes render_mode, whose "
            "metadata['render_modes'] lists 'rgb_array', and whose render() returns them"
        )
    needs_screen = any(name in message for name in OPENGL)
    return "; without a display, MuJoCo needs MUJOCO_GL=egl (or osmesa)" if needs_screen else ""
