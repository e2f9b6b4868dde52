"""What goes wrong in an environment that somebody else wrote, in one line that shows them where."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium

from worldvae.errors import ConfigError, WorldvaeError

OURS = Path(__file__).resolve().parents[1]
PACKAGES = "site-packages", "dist-packages"
STANDARD = sysconfig.get_paths()["stdlib"]
MAKERS = str(OURS), str(Path(gymnasium.__file__).parent), "<"
"""Where nobody has to look who wrote an environment."""

OPENGL = ("OpenGL", "GLFW", "GLEW", "gladLoadGL", "mjr_makeContext", "EGL")


def name_of(env: gymnasium.Env[Any, Any]) -> str:
    """The id of `env`, or whatever it calls itself."""
    return env.spec.id if env.spec else str(env.unwrapped)


@contextmanager
def in_user_code(what: str) -> Iterator[None]:
    """Turn whatever the block raises into a ConfigError: "{what}: {error} ({file}, line {line})".

    Also of SystemExit: a module that calls sys.exit when it is imported must not end the command.
    """
    try:
        yield
    except (Exception, SystemExit) as error:  # it may fail in any way
        raise failure(what, error) from error


def failure(what: str, error: BaseException) -> WorldvaeError:
    """What `in_user_code` raises; a WorldvaeError says all itself."""
    return error if isinstance(error, WorldvaeError) else ConfigError(f"{what}: {described(error)}")


def described(error: BaseException) -> str:
    """The error, and the innermost line of the user's own code that it came from, in one line."""
    place = _innermost(error)
    words = " ".join(str(error).split())
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {words}"  # which names file and line itself
    if not words and place is not None:  # of a bare assert its text is all that it tells
        words = linecache.getline(place.filename, place.lineno or 0).strip()
    said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    where = "" if place is None else f" ({place.filename}, line {place.lineno})"
    return f"{said}{where}{_hint(words)}"


def is_unpacked_by_gymnasium(error: BaseException) -> bool:
    """Whether a wrapper of Gymnasium's stumbled over what the environment returned."""
    if not (isinstance(error, TypeError | ValueError) and "unpack" in str(error)):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith(MAKERS)


def _innermost(error: BaseException) -> traceback.FrameSummary | None:
    """The last frame in a file of the user's; where there is none, the last of a package."""
    frames = [frame for one in _causes(error) for frame in traceback.extract_tb(one.__traceback__)]
    foreign = [frame for frame in frames if not frame.filename.startswith(MAKERS)]
    packaged = [frame for frame in foreign if any(part in frame.filename for part in PACKAGES)]
    own = [
        frame
        for frame in foreign
        if frame not in packaged and not frame.filename.startswith(STANDARD)
    ]
    return next(iter([*reversed(own), *reversed(packaged)]), None)


def _causes(error: BaseException) -> list[BaseException]:
    """`error` and what it was raised from, the last one first: Gymnasium raises errors again."""
    return [error] if error.__cause__ is None else [error, *_causes(error.__cause__)]


def _hint(words: str) -> str:
    needs_screen = any(name in words for name in OPENGL)
    return "; without a display, MuJoCo needs MUJOCO_GL=egl (or osmesa)" if needs_screen else ""
