"""What an environment is: an id, its actions, its frames, and what runs it."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from worldvae.config import Config
from worldvae.envs.frames import FrameConfig


class EnvConfig(Config):
    """Any `gymnasium.make` id, seen as frames."""

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
        description="Frames from the observation, from render(), or from whichever there is; "
        "none: black ones, for who sees only the true state.",
    )
    image_key: str | None = Field(
        None, description="Of a Dict observation, the key that holds the image; the rest is kept."
    )
    frame: FrameConfig = Field(FrameConfig(), description="Crop, size and colour of the frames.")
    action_repeat: int = Field(
        1, ge=1, le=1_000, description="Environment steps per decision; their rewards are summed."
    )
    action_map: Literal["auto", "none", "steer_throttle"] = Field(
        "auto",
        description="steer_throttle: CarRacing's (steer, gas, brake) as two axes in [-1, 1], "
        "gas when throttle is positive and brake when it is negative; auto: so on CarRacing.",
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
        "auto", description="What steps the environments; auto takes the fastest that fits."
    )
    workers: Literal["async", "sync"] = Field(
        "async", description="Gymnasium backend: one process per environment, or none."
    )

    @property
    def has_steer_throttle(self) -> bool:
        """Whether the agent's actions are (steer, throttle)."""
        is_car = self.id.partition("-v")[0] == "CarRacing"  # the version may be left out
        on_car = is_car and self.kwargs.get("continuous", True)
        return self.action_map == "steer_throttle" or (self.action_map == "auto" and on_car)

    def as_evaluated(self) -> EnvConfig:
        """The same task in Gymnasium's own environment, every episode played to its end."""
        return self.model_copy(update={"backend": "gymnasium", "give_up_after": None})

    def without_frames(self) -> EnvConfig:
        """The same task for who sees no frame: none is drawn.

        In Gymnasium's own environment, which alone shows the true state, and in this process: a
        step that draws nothing takes less time than handing it to another process.
        """
        return self.model_copy(update={"backend": "gymnasium", "pixels": "none", "workers": "sync"})

    def other_task(self, other: EnvConfig) -> str:
        """The first difference that changes what is played or seen: "env.frame is ..., not ...".

        Empty if there is none. What only says how it is run may differ: backend, workers, and
        when training gives up.
        """
        how = {"backend", "workers", "give_up_after"}
        for name in (name for name in EnvConfig.model_fields if name not in how):
            mine, theirs = getattr(self, name), getattr(other, name)
            if _as_lists(mine) != _as_lists(theirs):
                return f"env.{name} is {mine}, not {theirs}"
        return ""

    @model_validator(mode="before")
    @classmethod
    def _module_before_id(cls, values: Any) -> Any:
        """`id: module:name` is `import: module` and `id: name`, in Gymnasium's own short way."""
        if not (isinstance(values, dict) and isinstance(values.get("id"), str)):
            return values
        module, colon, name = values["id"].rpartition(":")
        known = values.get("import", values.get("import_"))
        if not colon or known not in {None, module}:
            if colon:
                raise ValueError(f"id names the module {module}, import names {known}")
            return values
        others = {key: value for key, value in values.items() if key != "import_"}
        return {**others, "id": name, "import": module}

    @field_validator("kwargs")
    @classmethod
    def _can_be_stored(cls, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Tuples stay tuples; files hold lists for them, which `other_task` takes for equal."""
        if "max_episode_steps" in kwargs:
            raise ValueError("max_episode_steps has a key of its own, env.max_episode_steps")
        try:
            stored = json.loads(json.dumps(kwargs, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise ValueError(f"a file has to hold them: {error}") from None
        if stored != _as_lists(kwargs):
            raise ValueError("a file has to hold them: keys of mappings have to be text")
        return kwargs

    @model_validator(mode="after")
    def _one_image(self) -> EnvConfig:
        if self.pixels == "render" and self.image_key is not None:
            raise ValueError("pixels: render shows the whole scene; image_key has no place there")
        return self


def _as_lists(value: Any) -> Any:
    """`value` with lists for tuples."""
    if isinstance(value, list | tuple):
        return [_as_lists(part) for part in value]
    if isinstance(value, dict):
        return {key: _as_lists(part) for key, part in value.items()}
    return value
