"""Lets finished agents of a run play one episode side by side, and films it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agents.arms.registry import ARMS
from agents.config.experiment import SETTINGS, Experiment
from agents.config.sections import EvaluationConfig
from agents.policy.agent import Agent
from agents.run.agent_card import read_card
from agents.run.agent_files import agent_folders, is_finished
from agents.run.seed_folders import seed_of
from agents.video.film import film, shrink
from agents.video.player import Player, short_return
from worldvae.envs.world import RealWorld
from worldvae.errors import ArtifactError, ConfigError, WorldvaeError
from worldvae.files import drop_unfinished, sha256_file
from worldvae.fingerprint import Fingerprint
from worldvae.folders import check_no_other, kind_of, wrong_folder
from worldvae.hub.address import beside
from worldvae.hub.download import local_folder
from worldvae.json_files import Content, JsonFile
from worldvae.locks import locked

FILM = "side_by_side.webm"
FILM_BYTES = 8_000_000
"""A larger film loses pictures until it fits, because it is embedded in the report."""
FILM_PATIENCE = 1_800.0
"""Seconds to wait for another process that films: a slow environment on a busy machine."""


class Played(Content):
    """What one agent achieved in a film."""

    arm: str
    seed: int
    model_sha256: str
    return_: float
    decisions: int
    ended: bool

    @property
    def text(self) -> str:
        """The record as a line, such as "pixels, seed 0: return 12.3 in 250 decisions"."""
        end = "" if self.ended else " so far"
        achieved = f"return {short_return(self.return_)} in {self.decisions} decisions{end}"
        return f"{self.arm}, seed {self.seed}: {achieved}"


class FilmRecord(Content):
    """The schema of `side_by_side.json`: what the film beside it shows."""

    episode: int
    agents: tuple[Played, ...]
    film_sha256: str


FILM_RECORD = JsonFile("side_by_side.json", FilmRecord, "compare again, which films anew")


def film_path(folder: Path, out: Path | None) -> Path:
    """Return `out`, or play.webm for the agents in `folder`; ConfigError unless it is a .webm."""
    path = out or beside(folder) / "play.webm"
    if path.suffix != ".webm":
        raise ConfigError(f"--out {path}: a film is written as WebM; give it a name in .webm")
    return path


def find_agents(
    folder: Path, arm: str | None = None, seed: int | None = None, trust: bool = False
) -> list[Path]:
    """Return folders of finished agents, one of each arm, in a run's or an agent's `folder`.

    Without `seed` it is the smallest seed of each arm. `folder` may be the address of an agent on
    the hub, which takes `trust`, since it will be unpickled. Raises ArtifactError if no agent is
    found.
    """
    folder = local_folder(folder, "agent", trust)
    check_no_other(folder, "run", "agent")
    if kind_of(folder) == "agent":
        card = read_card(folder)
        is_meant = arm in {None, card.arm} and seed in {None, card.seed}
        found = [folder] if is_meant and is_finished(folder) else []
    else:
        every = [_of_arm(folder, name, seed) for name in ([arm] if arm else ARMS)]
        found = [path for paths in every for path in paths[:1]]
    if not found and kind_of(folder) is None:
        raise wrong_folder(folder, "run", "agent")
    if not found:
        which = f" of {arm}" if arm else ""
        which += "" if seed is None else f" with seed {seed}"
        raise ArtifactError(
            f"{folder}: no finished agent{which} here; python -m scripts.train CONFIG trains one"
        )
    return found


def _of_arm(run: Path, arm: str, seed: int | None) -> list[Path]:
    """Return the folders of an arm's finished agents, the smallest seed first."""
    return [
        path
        for path in agent_folders(run, arm)
        if seed in {None, seed_of(path)} and is_finished(path)
    ]


def evaluation_settings(folder: Path) -> EvaluationConfig:
    """Return the evaluation settings of the agent in `folder`, the defaults if it has none."""
    path = folder / SETTINGS
    if not path.exists():
        return EvaluationConfig()
    Fingerprint.read(path)
    return Experiment.load(path).evaluation


@contextmanager
def playing(folders: Sequence[Path], episode: int) -> Iterator[list[Player]]:
    """Yield a player for the agent in each of `folders`, all at the start of the same episode."""
    with ExitStack() as stack:
        players = []
        for folder in folders:
            card, deterministic = read_card(folder), evaluation_settings(folder).deterministic
            agent = Agent.load(folder, deterministic=deterministic)
            name = f"{card.arm}, seed {card.seed}"
            players.append(Player(name, agent, RealWorld(card.env.as_evaluated()), episode))
            stack.callback(players[-1].close)
        yield players


def played(folders: Sequence[Path], players: Sequence[Player]) -> tuple[Played, ...]:
    """Return what the players of the agents in `folders` have achieved so far."""
    cards = [read_card(folder) for folder in folders]
    return tuple(
        Played(
            arm=card.arm,
            seed=card.seed,
            model_sha256=card.model_sha256,
            return_=player.total,
            decisions=player.decisions,
            ended=player.ended,
        )
        for card, player in zip(cards, players, strict=True)
    )


def film_exclusively(players: Sequence[Player], path: Path) -> None:
    """Film the players' episode to `path`; ArtifactError if another process films to it."""
    with locked(path.parent, "filming", f".{path.name}.lock"):
        film(players, path)


def film_side_by_side(run: Path) -> None:
    """Film the first seed of each arm in the first evaluation episode, unless that film exists.

    Waits if another process is filming them.
    """
    with locked(run, "filming", f".{FILM}.lock", FILM_PATIENCE):
        drop_unfinished(run, names=[Path(FILM).stem])
        if read_film(run) is not None:
            return
        folders = find_agents(run)
        episode = evaluation_settings(folders[0]).seed
        with playing(folders, episode) as players:
            film(players, run / FILM)
            shrink(run / FILM, FILM_BYTES)
            record = FilmRecord(
                episode=episode,
                agents=played(folders, players),
                film_sha256=sha256_file(run / FILM),
            )
        FILM_RECORD.write(run, record)


def read_film(run: Path) -> FilmRecord | None:
    """Return the record of the film in `run`.

    None if the film is missing or damaged, or shows other agents than those that are there now.
    """
    if not (run / FILM).exists():
        return None
    try:
        record = FILM_RECORD.read(run)
        cards = [read_card(folder) for folder in find_agents(run)]
        is_whole = record.film_sha256 == sha256_file(run / FILM)
    except WorldvaeError:
        return None
    shown = [(agent.arm, agent.seed, agent.model_sha256) for agent in record.agents]
    current = [(card.arm, card.seed, card.model_sha256) for card in cards]
    return record if is_whole and shown == current else None
