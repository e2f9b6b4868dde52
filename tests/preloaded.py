"""Imports what commands import: `tests.commands` forks them from a process that has done so."""

import torch._dynamo  # noqa: F401  the first optimiser imports it

import agents.benchmark.run
import agents.compare
import agents.export.command
import agents.gap.examine
import agents.sweep.run
import agents.train  # noqa: F401
