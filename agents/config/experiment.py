"""The schema of an experiment, which is one YAML file, and the folders of its results."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from agents.config.agent import ALGORITHMS, AgentConfig
from agents.config.gap import GapConfig
from agents.config.sections import (
    CompareConfig,
    DriftConfig,
    EvaluationConfig,
    StudyConfig,
    SweepConfig,
    TaskConfig,
)
from worldvae.autoencoders.config import PretrainConfig
from worldvae.checksum import check_yaml
from worldvae.config import Config, load_config, merge, read_yaml
from worldvae.dynamics.config import KEPT_BURN_IN, DreamConfig, DynamicsConfig
from worldvae.envs import EnvConfig
from worldvae.errors import ConfigError
from worldvae.fields import FolderPath, Name, Seed, check_name, folder_name, shortened
from worldvae.fingerprint import Fingerprint
from worldvae.keys import explain
from worldvae.rollouts.config import RolloutConfig

EDIT_ANOTHER = (
    "take the CONFIG that it was made from, or remove its first line and its last to make it yours"
)
"""The advice for a resolved configuration that was edited."""

Scope = Literal["encoder", "environment", "all"]
"""What a command works on: one encoder, all of one environment, or all there are."""


class Experiment(Config):
    """All settings that determine a result."""

    name: Name | None = Field(
        None,
        description="Folder of the results (null: the file's name and the environment).",
    )
    runs: FolderPath = Field(
        Path("runs"), description="Folder that holds the folders of experiments."
    )
    seed: Seed = Field(
        0,
        description="Seed of collection and pretraining; with compare.encoder_per_seed the one of "
        "compare.seeds whose encoder a command works on.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where networks compute; auto: on a GPU if torch sees one."
    )
    env: EnvConfig = Field(EnvConfig(), description="The environment.")
    rollouts: RolloutConfig = Field(RolloutConfig(), description="Collecting frames.")
    pretrain: PretrainConfig = Field(PretrainConfig(), description="Pretraining the encoder.")
    encoder: FolderPath | None = Field(
        None,
        description="A finished encoder that is taken as it is, a folder or hf://USER/NAME, "
        "instead of pretraining one; scripts.sweep and scripts.study make their own.",
    )
    dynamics: DynamicsConfig = Field(DynamicsConfig(), description="Learning how the latents move.")
    dream: DreamConfig = Field(
        DreamConfig(), description="Dreams of the dynamics, and training in them."
    )
    gap: GapConfig = Field(GapConfig(), description="Policies in reality and in the dream.")
    agent: AgentConfig = Field(AgentConfig(), description="The agents, the same for every arm.")
    evaluation: EvaluationConfig = Field(EvaluationConfig(), description="Scoring agents.")
    drift: DriftConfig = Field(DriftConfig(), description="Watching frozen encoders.")
    compare: CompareConfig = Field(CompareConfig(), description="Arms and seeds.")
    sweep: SweepConfig = Field(SweepConfig(), description="Choosing beta.")
    study: StudyConfig = Field(StudyConfig(), description="Encoders side by side.")

    @model_validator(mode="after")
    def _refits_no_replay(self) -> Experiment:
        if self.drift.refresh and ALGORITHMS[self.agent.algorithm].replays:
            others = [name for name, row in ALGORITHMS.items() if not row.replays]
            raise ValueError(
                f"drift.refresh: {self.agent.algorithm} learns from latents that the encoder gave "
                f"before it was refitted; use {' or '.join(others)}"
            )
        return self

    @model_validator(mode="after")
    def _dynamics_can_make_the_dream(self) -> Experiment:
        if self.dream.burn_in > KEPT_BURN_IN:
            raise ValueError(
                f"dream.burn_in: {self.dream.burn_in} real steps before a start are more than the "
                f"{KEPT_BURN_IN} that dynamics keep; use at most as many"
            )
        if self.dream.max_disagreement is not None and self.dynamics.members == 1:
            raise ValueError(
                "dream.max_disagreement: one network cannot disagree; raise dynamics.members, or "
                "leave it out"
            )
        return self

    @model_validator(mode="after")
    def _shares_a_taken_encoder(self) -> Experiment:
        if self.encoder is not None and self.compare.encoder_per_seed:
            raise ValueError(
                "compare.encoder_per_seed: an encoder that is taken (encoder) is one for all "
                "seeds; leave one of the two out"
            )
        return self

    @classmethod
    def load(cls, path: Path, overrides: dict[str, Any] | None = None) -> Experiment:
        """Load the experiment in the YAML file `path`.

        Its default name is that of the file and the environment. `overrides` are nested keys that
        replace those of the file.
        """
        check_yaml(path, EDIT_ANOTHER)
        experiment = load_config(cls, path, overrides)
        if not overrides and not read_yaml(path):
            raise ConfigError(f"{path}: empty; name the environment at least: env: {{id: ...}}")
        if experiment.name is not None:
            return experiment
        is_single = len(experiment.tasks) == 1
        name = folder_name(f"{path.stem}-{experiment.env.id}" if is_single else path.stem)
        try:
            return experiment.model_copy(update={"name": check_name(name)})
        except ValueError as error:
            raise ConfigError(
                f"{shortened(name)} cannot be the name: {error}; set --name"
            ) from None

    @property
    def tasks(self) -> dict[str, Experiment]:
        """Gymnasium id -> the experiment in that environment, with a folder of its own.

        Raises ConfigError if the keys of an environment are invalid.
        """
        envs = self.compare.envs
        if not envs or (envs.keys() == {self.env.id} and not envs[self.env.id].env):
            return {self.env.id: self}
        return {env_id: self._task(env_id, task) for env_id, task in self.compare.envs.items()}

    def task(self, env_id: str | None = None) -> Experiment:
        """Return the experiment in one environment, that of `env_id` if there are several.

        Raises ConfigError if it is not named, or is none of them.
        """
        tasks = self.tasks
        if len(tasks) == 1 and env_id is None:
            return next(iter(tasks.values()))
        if env_id not in tasks:
            asked = "is in several environments" if env_id is None else f"is not in {env_id}"
            raise ConfigError(
                f"the experiment {asked} (compare.envs); set --env.id to {' or '.join(tasks)}"
            )
        return tasks[env_id]

    def within(self, scope: Scope, env_id: str | None, seed: int) -> Experiment:
        """Return the experiment in the environment `env_id`, and with the encoder of `seed`.

        Of the scope "all" it is in all environments if none is named; of this and "environment"
        with the encoders of all seeds (`compare.encoder_per_seed`). Raises ConfigError as `task`,
        and for a seed that is not compared and of which nothing was made.
        """
        one = self if scope == "all" and env_id is None else self.task(env_id)
        if scope != "encoder" or not one.compare.encoder_per_seed:
            return one
        part = one.of_seed(seed)
        if seed not in one.compare.seeds and not part.folder.exists():
            seeds = " or ".join(map(str, one.compare.seeds))
            raise ConfigError(
                f"seed = {seed}: compare.seeds, each of which has an encoder of its own, does not "
                f"name it; set --seed to {seeds}"
            )
        return part

    def _task(self, env_id: str, task: TaskConfig) -> Experiment:
        values = {**merge(self.env.model_dump(by_alias=True), task.env), "id": env_id}
        try:
            env = EnvConfig.model_validate(values)
        except ValidationError as error:
            key, words = explain(error, EnvConfig)
            raise ConfigError(f"compare.envs.{env_id}.env.{key}{words}") from None
        scale = task.model_copy(update={"env": {}})  # its keys are in `env` now
        compare = self.compare.model_copy(update={"envs": {env_id: scale}})
        return self.model_copy(
            update={
                "runs": self.folder,
                "name": folder_name(env_id),
                "env": env,
                "compare": compare,
            }
        )

    def of_seed(self, seed: int) -> Experiment:
        """Return the experiment of one seed of the comparison, the whole one if all share encoders.

        Where each seed has an encoder of its own, its folder is that of a run of its own, whose
        rollouts and encoder are made with the seed of its agents.
        """
        if not self.compare.encoder_per_seed:
            return self
        compare = self.compare.model_copy(update={"seeds": (seed,), "encoder_per_seed": False})
        return self.model_copy(
            update={"runs": self.folder, "name": f"seed_{seed}", "seed": seed, "compare": compare}
        )

    @property
    def parts(self) -> tuple[Experiment, ...]:
        """The experiments with rollouts and encoders of their own: one for each seed, or itself."""
        if not self.compare.encoder_per_seed:
            return (self,)
        return tuple(map(self.of_seed, self.compare.seeds))

    @property
    def folder(self) -> Path:
        """The folder of all results of the experiment."""
        return self.runs / (self.name or "unnamed")

    @property
    def rollouts_folder(self) -> Path:
        """The folder of the collected frames."""
        return self.folder / "rollouts"

    @property
    def encoder_folder(self) -> Path:
        """The folder of the pretrained encoder."""
        return self.folder / "encoder"

    @property
    def untrained_encoder_folder(self) -> Path:
        """The folder of the control arm's untrained encoder."""
        return self.folder / "untrained_encoder"

    @property
    def dynamics_folder(self) -> Path:
        """The folder of the dynamics of the pretrained encoder's latents."""
        return self.folder / "dynamics"

    @property
    def untrained_dynamics_folder(self) -> Path:
        """The folder of the control arm's untrained dynamics."""
        return self.folder / "untrained_dynamics"

    @property
    def gap_folder(self) -> Path:
        """The folder of the gap report."""
        return self.folder / "gap"

    @property
    def sweep_folder(self) -> Path:
        """The folder of the encoders of a sweep over beta."""
        return self.folder / "sweep"

    def agent_folder(self, arm: str, seed: int) -> Path:
        """Return the folder of one agent."""
        return self.folder / "agents" / arm / f"seed_{seed}"


SETTINGS = "settings.yaml"
"""The file in the folder of whatever a run holds: the settings that decided it."""


def check_settings(folder: Path, experiment: Experiment, sections: Iterable[str]) -> None:
    """Raise ArtifactError if `folder` was made with other `sections` than those of `experiment`.

    A setting that did not exist yet when it was written had its default.
    """
    path = folder / SETTINGS
    if not path.exists():
        return
    wanted, made = _settings(experiment, sections), Fingerprint.read(path).sections
    made_with = Fingerprint({name: made[name] for name in sections if name in made})
    advice = "choose another --name, or remove that folder"
    wanted.check(made_with, folder, advice, _defaults(Experiment()))


def _defaults(config: Config, prefix: str = "") -> dict[str, Any]:
    """Return the value of each field of `config` by its dotted name, but for mappings."""
    values, found = config.model_dump(mode="json", by_alias=True), dict[str, Any]()
    for name, field in type(config).model_fields.items():
        value, key = getattr(config, name), field.alias or name
        if isinstance(value, Config):
            found |= _defaults(value, f"{prefix}{key}.")
        elif not isinstance(value, dict):
            found[f"{prefix}{key}"] = values[key]
    return found


def record_settings(folder: Path, experiment: Experiment, sections: Iterable[str]) -> None:
    """Write those sections of the resolved configuration to `folder`, for `check_settings`."""
    _settings(experiment, sections).write(folder / SETTINGS)


def _settings(experiment: Experiment, sections: Iterable[str]) -> Fingerprint:
    return Fingerprint(experiment.model_dump(mode="json", by_alias=True, include=set(sections)))
