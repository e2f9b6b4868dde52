"""Rows against other libraries exist where these are installed."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from agents.benchmark.bench import Bench
from agents.benchmark.dreams import our_side
from agents.benchmark.peers import peer_rows
from agents.benchmark.table import all_rows
from tests.agents.benchmark.test_run import tiny

PEERS = "simulusion", "mbrl"


def test_there_is_no_row_without_the_library(tmp_path: Path) -> None:
    names = [row.name for row in all_rows(tiny(tmp_path))]
    for peer in PEERS:
        assert (f"dream-{peer}" in names) == (find_spec(peer) is not None)
    assert names.index("dream") > names.index("latent-env")


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_is_measured(tmp_path: Path, peer: str) -> None:
    pytest.importorskip(peer, reason="it is not among our dependencies")
    config = tiny(tmp_path)
    for row in peer_rows(our_side(config)):
        assert row.compare(Bench(config)).median > 0
