"""What a process and its children take, against work whose size is known."""

import multiprocessing
import subprocess
import sys
import time

import numpy as np
import pytest

from agents.policy.resources import Meter, PeakMemory, resident_memory, used_cpu

SPIN = "import time\nwhile time.process_time() < {seconds}: pass"


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_processor_seconds_of_this_process() -> None:
    before = used_cpu()
    spin(0.3)
    assert used_cpu() - before == pytest.approx(0.3, abs=0.1)


def test_processor_seconds_of_children_that_run_and_that_have_ended() -> None:
    before = used_cpu()
    code = SPIN.format(seconds=0.5) + "\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        running = used_cpu() - before
        process.communicate(b"\n")
    ended = used_cpu() - before
    assert running == pytest.approx(0.55, abs=0.1)  # and what Python takes to begin
    assert ended == pytest.approx(running, abs=0.1)


def test_an_evaluation_is_not_charged_to_training() -> None:
    meter = Meter(10.0, 20.0, 5.0)
    spin(0.2)
    with meter.evaluating():
        spin(0.4)
    assert meter.cpu_seconds - 20 == pytest.approx(0.2, abs=0.1)
    assert meter.evaluation_seconds >= 5.4


PEAK = """
import numpy as np
from agents.policy.resources import PeakMemory, resident_memory

before = resident_memory()
with PeakMemory() as memory:
    held = np.ones(40_000_000)
    peak = memory.bytes
    del held
print(peak - before, memory.bytes - peak, resident_memory() - before)
"""


def test_the_peak_is_remembered_when_memory_is_free_again() -> None:
    """In a process of its own: children of earlier tests may end meanwhile."""
    output = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, check=True
    )
    rise, later, left = map(int, output.stdout.split())
    assert rise == pytest.approx(320e6, abs=20e6)
    assert later >= 0
    assert left < 100e6
    assert PeakMemory(before=10**15).bytes == 10**15


def test_what_a_forked_child_shares_is_counted_once() -> None:
    held = np.ones(40_000_000)
    before = resident_memory()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=time.sleep, args=(30,))
    child.start()
    try:
        assert resident_memory() - before < held.nbytes / 2
    finally:
        child.kill()
        child.join()
