"""Keeps the numbers that an environment draws from the process's generators apart from ours.

Environments are asked to draw from their `np_random`. Many draw from `random`, `numpy.random` or
torch, from which agents explore and choose what to replay, and some seed these at each reset: then
an agent would explore in the same way in each episode, without a word.
"""

from __future__ import annotations

import pickle
import random
import sys
import zlib
from itertools import count
from typing import Any, Protocol

import numpy as np
from numpy.random import mtrand

from worldvae.seeding import derive

LOOK = 32
"""How many first resets and steps show from which generators an environment draws.

To look takes a tenth of a millisecond each time. To keep numbers apart takes a few microseconds,
and nothing for a generator from which nothing was drawn.
"""


class Generator(Protocol):
    """One of the process's generators, in which the environment's own numbers can take a turn."""

    def seed(self, seed: int | None) -> None:
        """Let the own numbers begin anew; None: anywhere."""

    def enter(self) -> None:
        """Let the own numbers be drawn in place of ours."""

    def leave(self) -> None:
        """Let ours be drawn again, from where they were."""

    def place(self) -> Any:
        """Return what changes with each own number that is drawn."""


class OwnNumbers:
    """A block in which an environment draws its own numbers, the same for the same seed."""

    def __init__(self) -> None:
        self._looks = LOOK
        self._generators: dict[str, Generator] = {
            "random": _Random(),
            "numpy": _Numpy(),
            "torch": _Torch(),
        }
        self._drawn: set[str] = set()
        self.seed(None)

    def seed(self, seed: int | None) -> None:
        """Let the numbers follow from the seed of a reset; None: from nothing."""
        for name, generator in self._generators.items():
            generator.seed(None if seed is None else derive(seed, name))

    def __bool__(self) -> bool:
        """Whether there is anything to keep apart."""
        return bool(self._generators)

    def __enter__(self) -> None:
        for generator in self._generators.values():
            generator.enter()
        self._before = self._places() if self._looks else {}

    def __exit__(self, *_: object) -> None:
        after = self._places() if self._looks else {}
        for generator in self._generators.values():
            generator.leave()
        if self._looks:
            self._look(after)

    def _look(self, after: dict[str, Any]) -> None:
        self._drawn |= {name for name, place in after.items() if place != self._before[name]}
        self._looks -= 1
        if not self._looks:
            self._generators = {name: self._generators[name] for name in sorted(self._drawn)}

    def _places(self) -> dict[str, Any]:
        return {name: generator.place() for name, generator in self._generators.items()}


_blocks = count()


def numbers_to_make() -> OwnNumbers:
    """Return own numbers for one block that imports or makes an environment.

    They follow from where NumPy's generator is, so that the seed of a process decides them, and
    from the number of such blocks before, so that no two of them draw the same.
    """
    place = zlib.crc32(pickle.dumps(np.random.get_state()))
    numbers = OwnNumbers()
    numbers.seed(derive(place, "make", next(_blocks)))
    return numbers


class _Random:
    def seed(self, seed: int | None) -> None:
        self._own = random.Random(seed).getstate()

    def enter(self) -> None:
        self._ours = random.getstate()
        random.setstate(self._own)

    def leave(self) -> None:
        self._own = random.getstate()
        random.setstate(self._ours)

    def place(self) -> Any:
        return random.getstate()


class _Numpy:
    """Exchanges the whole generator, which is a hundred times faster than its state.

    NumPy then forgets the second of two normal numbers that it has drawn together.
    """

    def seed(self, seed: int | None) -> None:
        self._own = np.random.MT19937(seed)

    def enter(self) -> None:
        self._ours = mtrand.get_bit_generator()
        mtrand.set_bit_generator(self._own)

    def leave(self) -> None:
        mtrand.set_bit_generator(self._ours)

    def place(self) -> Any:
        state = self._own.state["state"]
        return state["pos"], state["key"].tobytes()


class _Torch:
    """The generator of the CPU, as soon as torch is loaded, which is not done for this alone."""

    def seed(self, seed: int | None) -> None:
        self._seed, self._own = seed, None

    def enter(self) -> None:
        self._ours = None
        if (torch := sys.modules.get("torch")) is not None:
            self._ours = torch.get_rng_state()
            torch.set_rng_state(self._begun(torch) if self._own is None else self._own)

    def leave(self) -> None:
        if (torch := sys.modules.get("torch")) is None:
            return
        self._own = torch.get_rng_state()
        if self._ours is None:  # loaded in the block, which may have seeded it
            torch.default_generator.seed()
        else:
            torch.set_rng_state(self._ours)

    def place(self) -> Any:
        torch = sys.modules.get("torch")
        return None if torch is None else torch.get_rng_state().numpy().tobytes()

    def _begun(self, torch: Any) -> Any:
        generator = torch.Generator()
        if self._seed is None:
            generator.seed()
        else:
            generator.manual_seed(self._seed)
        return generator.get_state()
