"""The settings of an environment: its id, actions, frames and backend."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from worldvae.config import Config
from worldvae.envs.frames import FrameConfig
from worldvae.fields import in_yaml


def split_id(env_id: str) -> tuple[str | None, str]:
    """Return the module and the id of Gymnasium's short form `module:id`, no module without it."""
    module, colon, name = env_id.rpartition(":")
    return (module if colon else None), name


def importing(module: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` of an EnvConfig with `module` as the one to import.

    Raises ValueError if they name another.
    """
    imported = values.get("import", values.get("import_"))
    if imported not in {None, module}:
        raise ValueError(
            f"id names the module {module}, import names {imported}; name the same one "
            f"(env.import: {module}), or none before the id"
        )
    others = {key: value for key, value in values.items() if key != "import_"}
    return {**others, "import": module}


class EnvConfig(Config):
    """An environment that `gymnasium.make` can make, observed as frames."""

    id: str = Field(
        "CarRacing-v3",
        min_length=1,
        max_length=100,
        description="Gymnasium id of the environment; module:id imports the module first.",
    )
    import_: str | None = Field(
        None,
        alias="import",
        description="Module to import first: the one that registers your own environment.",
    )
    kwargs: dict[str, Any] = Field({}, description="Keyword arguments of `gymnasium.make`.")
    pixels: Literal["auto", "observation", "render", "none"] = Field(
        "auto",
        description="Frames from the observation or from render(); auto takes render() if the "
        "observation holds no image; none: black frames, for agents that observe only the true "
        "state.",
    )
    image_key: str | None = Field(
        None,
        description="Key of the image in a Dict observation; the other keys are observed too.",
    )
    other_keys: tuple[str, ...] | None = Field(
        None,
        description="Keys of a Dict observation that are observed beside the image (null: all).",
    )
    frame: FrameConfig = Field(
        FrameConfig(), description="Size, colour, crop and pooling of frames."
    )
    action_repeat: int = Field(
        1, ge=1, le=1_000, description="Environment steps per decision; their rewards are summed."
    )
    action_map: Literal["auto", "none", "steer_throttle"] = Field(
        "auto",
        description="steer_throttle: CarRacing's (steer, gas, brake) as two axes in [-1, 1], "
        "gas when throttle is positive and brake when it is negative; auto: on CarRacing only.",
    )
    max_episode_steps: int | None = Field(
        None,
        ge=1,
        le=10**9,
        description="Truncate after so many environment steps (null: the id's limit).",
    )
    give_up_after: int | None = Field(
        None,
        ge=1,
        le=10**9,
        description="Training and collection only: truncate after so many environment steps "
        "without a positive reward (null: never). Evaluation always plays to the end.",
    )
    backend: Literal["auto", "gymnasium", "ale", "envpool"] = Field(
        "auto",
        description="Implementation that steps the environments; auto takes the fastest that can.",
    )
    workers: Literal["async", "sync"] = Field(
        "async",
        description="Gymnasium backend: one process per environment (async), or this one for all.",
    )

    @property
    def has_steer_throttle(self) -> bool:
        """Whether agents choose (steer, throttle) in place of the environment's own actions."""
        is_car = self.id.partition("-v")[0] == "CarRacing"  # the version may be left out
        on_car = is_car and self.kwargs.get("continuous", True)
        return self.action_map == "steer_throttle" or (self.action_map == "auto" and on_car)

    def renamed(self, env_id: str) -> EnvConfig:
        """Return the same settings for `env_id`, of this module unless it names one of its own.

        Raises ValidationError if it is no id.
        """
        module, name = split_id(env_id)
        values = {**self.model_dump(by_alias=True), "id": name}
        return EnvConfig.model_validate(values if module is None else {**values, "import": module})

    def as_evaluated(self) -> EnvConfig:
        """Return the same task on the Gymnasium backend, with each episode played to its end."""
        return self.model_copy(update={"backend": "gymnasium", "give_up_after": None})

    def without_frames(self) -> EnvConfig:
        """Return the same task for agents that observe no frames, so that none are drawn.

        It takes the Gymnasium backend, since the others do not show the true state, and no worker
        processes, since a step without drawing is shorter than its way to another process.
        """
        return self.model_copy(update={"backend": "gymnasium", "pixels": "none", "workers": "sync"})

    def other_task(self, other: EnvConfig) -> str:
        """Return the first difference of the two tasks, such as "env.frame is ..., not ...".

        Returns "" if they are the same. Backend, workers and `give_up_after` are not compared,
        since they do not change the task.
        """
        not_compared = {"backend", "workers", "give_up_after"}
        for name in (name for name in EnvConfig.model_fields if name not in not_compared):
            mine, theirs = getattr(self, name), getattr(other, name)
            if _as_lists(mine) != _as_lists(theirs):
                return f"env.{name} is {in_yaml(mine, '')}, not {in_yaml(theirs, '')}"
        return ""

    @model_validator(mode="before")
    @classmethod
    def _module_before_id(cls, values: Any) -> Any:
        """Read Gymnasium's short form `id: module:name` as `import: module` and `id: name`."""
        if not (isinstance(values, dict) and isinstance(values.get("id"), str)):
            return values
        module, name = split_id(values["id"])
        if module is None:
            return values
        return {**importing(module, values), "id": name}

    @field_validator("kwargs")
    @classmethod
    def _can_be_stored(cls, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Refuse values that JSON cannot store.

        Tuples stay tuples here and become lists in a file; `other_task` takes both for equal.
        """
        if "max_episode_steps" in kwargs:
            raise ValueError("max_episode_steps has a key of its own, env.max_episode_steps")
        try:
            stored = json.loads(json.dumps(kwargs, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise ValueError(f"a file has to hold them: {error}") from None
        if stored != _as_lists(kwargs):
            raise ValueError("a file has to hold them: keys of mappings have to be text")
        return kwargs

    @field_validator("other_keys")
    @classmethod
    def _in_one_order(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Sort the names: observations are in the order of the environment's space."""
        return None if names is None else tuple(sorted({*names}))

    @model_validator(mode="after")
    def _one_image(self) -> EnvConfig:
        if self.pixels == "render" and self.image_key is not None:
            raise ValueError("pixels: render shows the whole scene; image_key has no place there")
        if self.other_keys is not None and self.image_key is None:
            raise ValueError("other_keys are those beside the image, which image_key has to name")
        if self.image_key in (self.other_keys or ()):
            raise ValueError(f"{self.image_key} is the image (image_key) and none of other_keys")
        return self

    @model_validator(mode="after")
    def _pools_two_steps(self) -> EnvConfig:
        if self.frame.max_pool and self.action_repeat == 1:
            raise ValueError(
                "frame.max_pool takes the last two steps of a decision, which has one; set "
                "action_repeat to 2 or more (for Atari kwargs: {frameskip: 1}, action_repeat: 4)"
            )
        return self


def _as_lists(value: Any) -> Any:
    """Return `value` with all tuples, also nested ones, turned into lists."""
    if isinstance(value, list | tuple):
        return [_as_lists(part) for part in value]
    if isinstance(value, dict):
        return {key: _as_lists(part) for key, part in value.items()}
    return value
