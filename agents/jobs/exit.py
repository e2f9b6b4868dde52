"""How a command ends before its time: one line on standard error, and a status."""

from __future__ import annotations

import os
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


def run(command: Callable[[], None], typed: str | None = None) -> None:
    """Call `command`; what ends it before its time is one line on standard error, and a status.

    A user's mistake, a full disk and too little memory 2, Ctrl-C 130, SIGTERM 143; a reader of
    standard output that has gone 141, as for any command in a pipe, and no line. `typed` is what
    goes on after a signal; None: what was typed to start this process.
    """
    keep_freed_memory()
    warnings.formatwarning = lambda message, *_args, **_kwargs: f"warning: {message}\n"
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in the background of a shell
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
        place = error.filename or ("standard output" if _print_no_more(sys.stdout) else "a file")
        _end(f"error: {place}: {error.strerror or error}", 2)
    except MemoryError as error:
        _end(f"error: out of memory: {str(error) or 'use smaller batches or fewer of them'}", 2)


class _Terminated(BaseException):
    """SIGTERM; not an Exception, so that nothing on the way catches it."""


def _terminate(*_: object) -> NoReturn:
    raise _Terminated


def _end(line: str, status: int) -> NoReturn:
    """Print `line` and exit; a second Ctrl-C has no line of its own."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _print_no_more(sys.stdout)
    if line:
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
    _print_no_more(sys.stderr)
    sys.exit(status)


def _print_no_more(stream: TextIO) -> bool:
    """Empty what `stream` holds back before the exit does; if it fails, drop it and return True."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return True
    return False
