"""Ends a command that fails or is interrupted: one line on standard error, and an exit status."""

from __future__ import annotations

import os
import re
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TextIO

from agents.run.command import exact_command
from worldvae.errors import WorldvaeError
from worldvae.machine import keep_freed_memory

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
READER_GONE = 128 + signal.SIGPIPE

GYMNASIUM_ADDS = re.compile(r"\x1b\[[0-9;]*m(WARN: )?")


def run(command: Callable[[], None], typed: str | None = None) -> None:
    """Call `command`; if it fails or is interrupted, print one line on standard error and exit.

    The exit status is 2 after a user's mistake, a full disk or too little memory, 130 after Ctrl-C,
    143 after SIGTERM, and 141, without a line, if the reader of standard output has gone. `typed`
    is the command line that resumes the work after a signal; None is the one of this process.
    """
    keep_freed_memory()
    warnings.formatwarning = _plain
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # a shell's background jobs ignore it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        command()
        sys.stdout.flush()
    except WorldvaeError as error:
        _end(f"error: {error}", 2)
    except KeyboardInterrupt:
        _end(f"interrupted; to go on from here: {typed or exact_command()}", INTERRUPTED)
    except _Terminated:
        _end(f"terminated; to go on from here: {typed or exact_command()}", TERMINATED)
    except BrokenPipeError:
        _end("", READER_GONE)
    except OSError as error:
        place = error.filename or ("standard output" if _flush_or_discard(sys.stdout) else "a file")
        _end(f"error: {place}: {error.strerror or error}", 2)
    except MemoryError as error:
        _end(f"error: out of memory: {str(error) or 'use smaller batches or fewer of them'}", 2)


class _Terminated(BaseException):
    """Raised on SIGTERM; it is no Exception, so that no `except Exception` catches it."""


def _terminate(*_: object) -> NoReturn:
    raise _Terminated


def _end(line: str, status: int) -> NoReturn:
    """Print `line` and exit with `status`; a second Ctrl-C prints nothing more."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _flush_or_discard(sys.stdout)
    if line:
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
    _flush_or_discard(sys.stderr)
    sys.exit(status)


def _plain(message: Warning | str, *_args: object, **_kwargs: object) -> str:
    """Return the one line of a warning, without the colours and the word that Gymnasium adds."""
    return f"warning: {GYMNASIUM_ADDS.sub('', str(message))}\n"


def _flush_or_discard(stream: TextIO) -> bool:
    """Flush `stream`; if that fails, discard its buffer and return True.

    The interpreter flushes again when it exits, and would fail there.
    """
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return True
    return False
