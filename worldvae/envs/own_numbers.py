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

LOOK = 50
"""How many first resets and steps show from which generators an environment draws."""

AGAIN = 50
"""Of the later resets and steps one in so many is looked at, for what is drawn late.

To look takes 40 microseconds, as much as a fast environment's step; to keep NumPy's numbers apart
takes one, and is always done. What is first drawn from another between two looks is ours.
"""


class Generator(Protocol):
    """One of the process's generators, in which the environment's own numbers can take a turn."""

    def seed(self, seed: int | None) -> None:
        """Let the own numbers begin anew; None: anywhere."""

    def enter(self) -> None:
        """Let the own numbers be drawn in place of ours."""

    def leave(self) -> bool:
        """Let ours be drawn again, from where they were; return whether to do so at each step.

        It is where own numbers were drawn, and where it costs next to nothing.
        """


class OwnNumbers:
    """A block in which an environment draws its own numbers, the same for the same seed.

    In them our numbers and its own take turns, since both are drawn in this process.
    """

    def __init__(self) -> None:
        self._turns = 0
        self._generators: dict[str, Generator] = {
            "random": _Random(),
            "numpy": _Numpy(),
            "torch": _Torch(),
        }
        self._drawn: list[Generator] = []
        self.seed(None)

    def seed(self, seed: int | None) -> None:
        """Let the numbers follow from the seed of a reset; None: from nothing."""
        for name, generator in self._generators.items():
            generator.seed(None if seed is None else derive(seed, name))

    def __enter__(self) -> None:
        self._turns += 1
        self._looks = self._turns <= LOOK or self._turns % AGAIN == 0
        for generator in self._generators.values() if self._looks else self._drawn:
            generator.enter()

    def __exit__(self, *_: object) -> None:
        if self._looks:
            all_of_them = self._generators.values()
            self._drawn = [one for one in all_of_them if one.leave() or one in self._drawn]
        else:
            for generator in self._drawn:
                generator.leave()


class ProcessNumbers(OwnNumbers):
    """The block of an environment that is alone in its process: its numbers stay in their place.

    They are those of `OwnNumbers`, to the bit, and take neither turns nor looks.
    """

    def seed(self, seed: int | None) -> None:
        """Let the numbers of the process follow from the seed of a reset; None: from nothing."""
        super().seed(seed)
        for generator in self._generators.values():
            generator.enter()

    def __enter__(self) -> None:
        self._generators["numpy"].enter()  # forgets a second normal number, as a turn does

    def __exit__(self, *_: object) -> None:
        pass


_is_alone = False
_blocks = count()


def leave_process_to_environment() -> None:
    """Tell that from now on nothing in this process draws but one environment."""
    global _is_alone  # noqa: PLW0603
    _is_alone = True


def numbers_to_play() -> OwnNumbers:
    """Return the own numbers of an environment that is made in this process."""
    return ProcessNumbers() if _is_alone else OwnNumbers()


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

    def leave(self) -> bool:
        before, self._own = self._own, random.getstate()
        random.setstate(self._ours)
        return self._own != before


class _Numpy:
    """Exchanges the whole generator, which is a hundred times faster than its state.

    NumPy then forgets the second of two normal numbers that it has drawn together.
    """

    def seed(self, seed: int | None) -> None:
        self._own = np.random.MT19937(seed)

    def enter(self) -> None:
        self._ours = mtrand.get_bit_generator()
        mtrand.set_bit_generator(self._own)

    def leave(self) -> bool:
        mtrand.set_bit_generator(self._ours)
        return True


class _Torch:
    """The generator of the CPU, as soon as torch is loaded, which is not done for this alone."""

    def seed(self, seed: int | None) -> None:
        self._seed, self._own = seed, None

    def enter(self) -> None:
        self._ours = None
        if (torch := sys.modules.get("torch")) is not None:
            self._ours = torch.get_rng_state()
            self._own = self._begun(torch) if self._own is None else self._own
            torch.set_rng_state(self._own)

    def leave(self) -> bool:
        if (torch := sys.modules.get("torch")) is None:
            return False
        before, self._own = self._own, torch.get_rng_state()
        if self._ours is None:  # loaded in the block, which may have seeded it
            torch.default_generator.seed()
        else:
            torch.set_rng_state(self._ours)
        return before is None or not torch.equal(before, self._own)

    def _begun(self, torch: Any) -> Any:
        generator = torch.Generator()
        if self._seed is None:
            generator.seed()
        else:
            generator.manual_seed(self._seed)
        return generator.get_state()
