import numpy as np
import pytest
import torch
from torch import nn

from tests.autoencoders.tiny import SHAPE, Frames, KilledError, squares, tiny
from tests.training.data import Memory, NumberExamples, Sequences
from worldvae.autoencoders.examples import FrameExamples
from worldvae.autoencoders.model import Autoencoder
from worldvae.config import Config
from worldvae.errors import WorldvaeError
from worldvae.json_files import JsonFile
from worldvae.jsonl import read_jsonl
from worldvae.training.config import FitConfig
from worldvae.training.device import resolve_precision
from worldvae.training.fit import fit
from worldvae.training.metrics_log import METRICS
from worldvae.training.result import TrainingResult
from worldvae.training.run import TrainingRun

TRAIN, VALIDATION = squares(50, 0), squares(20, 1)
SHORT = FitConfig(steps=12, batch_size=8, evaluate_every=3, precision="float32")


def train(folder, config=SHORT, seed=0, dies_at=None, data=TRAIN, **objective):
    model = Autoencoder(tiny(**objective), SHAPE, seed)
    train, validation = FrameExamples(Frames(data, dies_at)), FrameExamples(Frames(VALIDATION))
    result = fit(model, train, validation, config, folder, seed)
    return model, result


def rows(folder):
    return [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in read_jsonl(folder / "metrics.jsonl")
    ]


def tensors(folder):
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    moments = [value for slot in state["optimizer"]["state"].values() for value in slot.values()]
    return [*state["model"].values(), *moments, *state["best"].values()]


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "objective",
    [
        {"beta": 2, "beta_schedule": "linear", "beta_steps": 9, "sigma": "learned"},
        {"name": "dae", "noise": 0.1, "mask": 0.1},
    ],
)
@pytest.mark.parametrize("dies_at", [2, 6, 9])
def test_a_resumed_run_equals_an_unbroken_one_to_the_bit(tmp_path, precision, objective, dies_at):
    config = SHORT.model_copy(update={"precision": precision})
    expected, result = train(tmp_path / "unbroken", config, **objective)
    with pytest.raises(KilledError):
        train(tmp_path / "killed", config, dies_at=dies_at, **objective)
    model, resumed = train(tmp_path / "killed", config, **objective)
    assert equal(model.state_dict().values(), expected.state_dict().values())
    assert equal(tensors(tmp_path / "killed"), tensors(tmp_path / "unbroken"))
    assert rows(tmp_path / "killed") == rows(tmp_path / "unbroken")
    assert (resumed.metrics, resumed.best_step) == (result.metrics, result.best_step)


def test_rows_written_after_the_checkpoint_are_dropped(tmp_path, monkeypatch):
    def killed(_):
        raise KilledError

    train(tmp_path / "unbroken")
    with monkeypatch.context() as patch:
        patch.setattr("worldvae.training.run.TrainingRun.save", killed)
        with pytest.raises(KilledError):
            train(tmp_path / "killed")
    assert len(rows(tmp_path / "killed")) == 2
    train(tmp_path / "killed")
    assert rows(tmp_path / "killed") == rows(tmp_path / "unbroken")


def test_a_finished_run_is_not_trained_again(tmp_path):
    expected, result = train(tmp_path)
    model, again = train(tmp_path, dies_at=2)  # the first batch shows the frames' shape
    assert (again.steps, again.stopped, again.metrics) == (12, "steps", result.metrics)
    assert equal(model.state_dict().values(), expected.state_dict().values())


def test_the_seed_decides_the_run(tmp_path):
    first, again, other = (train(tmp_path / str(k), seed=k // 2)[0] for k in (0, 1, 2))
    assert equal(first.state_dict().values(), again.state_dict().values())
    assert not equal(first.state_dict().values(), other.state_dict().values())


def test_metrics_are_written_for_both_splits_and_tensorboard(tmp_path):
    train(tmp_path)
    steps = [(row["step"], row["split"]) for row in rows(tmp_path)]
    assert steps == [(k, split) for k in (3, 6, 9, 12) for split in ("train", "validation")]
    assert rows(tmp_path)[0].keys() >= {"loss", "rate", "distortion", "mse", "sigma", "beta"}
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_training_rows_are_means_over_the_steps_since_the_last(tmp_path):
    train(tmp_path, beta=4, beta_schedule="linear", beta_steps=10)
    betas = [row["beta"] for row in rows(tmp_path) if row["split"] == "train"]
    assert betas == pytest.approx([0.4, 1.6, 2.8, 11.6 / 3])


def test_held_out_frames_are_judged_by_the_full_beta(tmp_path):
    train(tmp_path, beta=4, beta_schedule="linear", beta_steps=10)
    assert {row["beta"] for row in rows(tmp_path) if row["split"] == "validation"} == {4.0}


def test_held_out_frames_are_rebuilt_better_than_by_the_mean_frame(tmp_path):
    settings = {"steps": 300, "batch_size": 32, "evaluate_every": 100, "learning_rate": 3e-3}
    data = squares(400, 0)
    _, result = train(tmp_path, SHORT.model_copy(update=settings), data=data, sigma="learned")
    by_mean_frame = np.square((VALIDATION - data.mean(0)) / 255).mean()
    assert result.metrics["mse"] < 0.6 * by_mean_frame
    losses = [row["loss"] for row in rows(tmp_path) if row["split"] == "train"]
    assert losses == sorted(losses, reverse=True)


class Pull(nn.Module):
    """(w - mean)^2 with one parameter: training pulls w to the mean of its numbers."""

    def __init__(self):
        super().__init__()
        self.config = Config()
        self.w = nn.Parameter(torch.zeros(()))

    def loss(self, batch, generator, step):
        loss = (self.w - batch.values.mean()).square()
        return loss, {"loss": loss.detach()}


def pull(folder, w=0.0, **changes):
    """Train on ones, hold out 0.2: w passes the best weight on its way."""
    settings = {"steps": 100, "learning_rate": 0.05, "schedule": "constant", "evaluate_every": 1}
    config = FitConfig(**{**settings, "batch_size": 4, "precision": "float32", **changes})
    model = Pull()
    nn.init.constant_(model.w, w)
    train, validation = NumberExamples(*[1.0] * 8), NumberExamples(*[0.2] * 8)
    return model, fit(model, train, validation, config, folder, seed=0, is_trained=w != 0)


def test_training_stops_when_held_out_frames_get_worse(tmp_path):
    model, result = pull(tmp_path, patience=3)
    assert (result.stopped, result.best_step, result.steps) == ("patience", 4, 7)
    assert model.w.item() == pytest.approx(0.2, abs=0.01)
    _, again = pull(tmp_path, patience=3)
    assert (again.stopped, again.steps) == ("patience", 7)


def test_training_on_keeps_the_weights_that_it_began_with_if_none_are_better(tmp_path):
    model, result = pull(tmp_path, w=0.21, evaluate_every=20, patience=0)
    assert (result.best_step, result.steps) == (0, 100)
    assert model.w.item() == pytest.approx(0.21)
    assert result.metrics["loss"] == pytest.approx(0.01**2, rel=1e-3)
    steps = [(row["step"], row["split"]) for row in rows(tmp_path)]
    assert steps[:3] == [(0, "validation"), (20, "train"), (20, "validation")]


def test_training_on_that_was_killed_is_judged_from_its_start_once(tmp_path, monkeypatch):
    learn, steps = TrainingRun.learn, iter(range(100))

    def killed(run, batch):
        if next(steps) == 30:
            raise KilledError
        learn(run, batch)

    monkeypatch.setattr(TrainingRun, "learn", killed)
    with pytest.raises(KilledError):
        pull(tmp_path, w=0.21, evaluate_every=20, patience=0)
    monkeypatch.setattr(TrainingRun, "learn", learn)
    _, result = pull(tmp_path, w=0.21, evaluate_every=20, patience=0)
    assert result.best_step == 0
    assert [row["step"] for row in rows(tmp_path)].count(0) == 1


@pytest.mark.parametrize("native", [True, False])
def test_the_result_says_in_which_precision_it_was_computed(tmp_path, monkeypatch, native):
    """`auto` differs between processors, and so what is learned from the same seeds."""
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": native})
    _, result = pull(tmp_path, precision="auto", patience=0, steps=1)
    assert result.precision == ("bfloat16" if native else "float32")


def test_patience_0_is_off(tmp_path):
    model, result = pull(tmp_path, patience=0)
    assert (result.stopped, result.best_step, result.steps) == ("steps", 4, 100)
    assert model.w.item() == pytest.approx(0.2, abs=0.01)


def test_the_clock_stops_a_run_and_more_minutes_let_it_go_on(tmp_path):
    _, result = pull(tmp_path, max_minutes=1e-9, patience=0, steps=5)
    assert (result.stopped, result.steps) == ("minutes", 1)
    _, result = pull(tmp_path, max_minutes=10, patience=0, steps=5)
    assert (result.stopped, result.steps) == ("steps", 5)


def test_gradients_are_clipped_to_their_norm(tmp_path):
    clipped, _ = pull(tmp_path / "clipped", gradient_clip=1e-12, steps=1)
    free, _ = pull(tmp_path / "free", steps=1)
    assert abs(clipped.w.item()) < 1e-4 < abs(free.w.item())


@pytest.mark.parametrize("learning_rate", [1e3, 1e30])
def test_a_diverging_loss_says_what_to_change(tmp_path, learning_rate):
    config = SHORT.model_copy(update={"learning_rate": learning_rate})
    with pytest.raises(WorldvaeError) as error:
        train(tmp_path, config)
    message = str(error.value)
    assert "diverged: loss" in message
    assert f"lower learning_rate (now {learning_rate:g})" in message
    assert "gradient_clip" in message
    assert "\n" not in message


def test_an_empty_split_is_refused(tmp_path):
    with pytest.raises(WorldvaeError, match="train split holds no examples; collect more"):
        train(tmp_path, data=TRAIN[:0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "fit.seed = 0, now it is 1"),
        ({"beta": 4.0}, r"model.objective.beta = 1.0, now it is 4.0"),
        ({"data": TRAIN[:40]}, "data.train.examples = 50, now it is 40"),
        ({"config": SHORT.model_copy(update={"batch_size": 4})}, "batch_size = 8, now it is 4"),
    ],
)
def test_a_folder_of_another_run_is_refused(tmp_path, changes, message):
    train(tmp_path)
    with pytest.raises(WorldvaeError, match=message):
        train(tmp_path, **changes)


def test_a_damaged_checkpoint_is_named(tmp_path):
    """A flipped bit of a weight is no less than a file cut short."""
    train(tmp_path)
    path = tmp_path / "checkpoint.pt"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for data in (b"", whole[:100], whole[:-100], flipped, whole + b"\n"):
        path.write_bytes(data)
        with pytest.raises(WorldvaeError, match=r"checkpoint\.pt: damaged, .*; delete it to train"):
            train(tmp_path)


def remember(folder, dies_at=None, **changes):
    model, config = Memory(), SHORT.model_copy(update=changes)
    fit(model, Sequences(30, 0, dies_at), Sequences(7, 1), config, folder, seed=4)
    return model


@pytest.mark.parametrize("dies_at", [2, 5, 9])
def test_sequences_with_masks_resume_to_the_bit(tmp_path, dies_at):
    expected = remember(tmp_path / "unbroken")
    with pytest.raises(InterruptedError):
        remember(tmp_path / "killed", dies_at)
    model = remember(tmp_path / "killed")
    assert equal(model.state_dict().values(), expected.state_dict().values())
    assert equal(tensors(tmp_path / "killed"), tensors(tmp_path / "unbroken"))
    assert rows(tmp_path / "killed") == rows(tmp_path / "unbroken")


def test_held_out_means_count_each_example_once(tmp_path):
    """7 walks of 2 to 6 latents, so 1 to 5 steps, in batches of 4 and 3."""
    remember(tmp_path, steps=1, batch_size=4)
    assert rows(tmp_path)[-1]["steps"] == pytest.approx((1 + 2 + 3 + 4 + 5 + 1 + 2) / 7)


class Overflowing(Pull):
    """Has a finite loss, and metrics that are none."""

    def loss(self, batch, generator, step):
        loss, metrics = super().loss(batch, generator, step)
        return loss, {**metrics, "nats": torch.tensor(torch.inf), "rest": torch.tensor(torch.nan)}


def test_a_metric_that_overflows_ends_no_training(tmp_path):
    """The log and the result say what it was, and are read again."""
    held_out = NumberExamples(*[1.0] * 8)
    result = fit(Overflowing(), held_out, held_out, SHORT, tmp_path, seed=0)
    file = JsonFile("result.json", TrainingResult, "")
    file.write(tmp_path, result)
    for metrics in (file.read(tmp_path).metrics, METRICS.read(tmp_path)[-1].metrics):
        assert metrics["nats"] == torch.inf
        assert metrics["rest"] != metrics["rest"]


class Judge(Pull):
    """Judges by the mean of a batch, and says nothing of one that is below 0."""

    def loss(self, batch, generator, step):
        loss, _ = super().loss(batch, generator, step)
        mean = batch.values.mean()
        return loss, {"loss": mean} if mean > 0 else {}


@pytest.mark.parametrize(
    ("held_out", "loss"),
    [([4.0] * 4 + [-1.0] * 2, 4.0), ([4.0] * 4 + [1.0] * 2, 3.0), ([-1.0] * 4 + [-2.0] * 2, 2.0)],
    ids=["some", "all", "none: what is minimised"],
)
def test_held_out_means_are_those_of_the_batches_that_tell(tmp_path, held_out, loss):
    config = SHORT.model_copy(update={"batch_size": 4})
    run = TrainingRun(Judge(), config, tmp_path, 0, torch.device("cpu"))
    assert run.evaluate(NumberExamples(*held_out)) == {"loss": pytest.approx(loss)}


def test_the_cosine_falls_from_the_learning_rate_to_0():
    config = FitConfig(steps=100, learning_rate=0.2)
    rates = [config.learning_rate_at(step) for step in (0, 50, 100)]
    assert rates == pytest.approx([0.2, 0.1, 0.0])
    assert FitConfig(schedule="constant").learning_rate_at(9_999) == 1e-3


def test_auto_precision_asks_the_processor(monkeypatch):
    cpu = torch.device("cpu")
    for native, expected in ((True, "bfloat16"), (False, "float32")):
        capabilities = {"avx512_bf16": native, "amx_bf16": False, "avx2": True}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda c=capabilities: c, raising=False)
        assert resolve_precision("auto", cpu) == expected
    assert resolve_precision("bfloat16", cpu) == "bfloat16"
