"""The user's own Trainer with the mixin: the same weights as a run of ours, and it resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import (
    AutoModelForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

import sparsify
from sparsify import SparsifyTrainerMixin
from sparsify.data import batches_by_length
from sparsify.recipe import Optimization
from tests.sparsify.programs import model, rows
from tests.sparsify.training.runs import run, session

STEPS = 24
PRUNE = {"criterion": "movement", "sparsity": 0.8, "schedule": "cubic", "every": 3}
MAGNITUDE = PRUNE | {"criterion": "magnitude"}
RECIPES: dict[str, list[Any]] = {
    "magnitude": ["insert-masks", {"prune": MAGNITUDE}],
    "movement and a teacher": ["insert-masks", {"prune": PRUNE}, {"distill": {"hidden": {}}}],
}


class Stop(Exception):
    """An interruption."""


class Rows(Dataset[Any]):
    """The rows of a session of ours in the order of its steps."""

    def __init__(self) -> None:
        self.data = rows(40)
        steps = batches_by_length(self.data.lengths, 4, STEPS, 1)
        self.order = torch.cat(list(steps)).tolist()

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, place: int) -> int:
        return int(self.order[place])

    def collate(self, chosen: list[int]) -> dict[str, Tensor]:
        return {**self.data.batch(chosen), "labels": self.data.labels[chosen]}


class Own(SparsifyTrainerMixin, Trainer):
    """A user's Trainer, which sees the rows in their order and may be interrupted."""

    stop = 0

    def get_train_dataloader(self) -> DataLoader[Any]:
        # with a generator of its own, as ours has: the global one gives the same dropout
        loader: DataLoader[Any] = DataLoader(
            self.train_dataset,  # type: ignore[arg-type]
            batch_size=self.args.train_batch_size,
            collate_fn=self.data_collator,
            generator=torch.Generator(),
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        if self.stop and self.state.global_step == self.stop:
            raise Stop
        return super().training_step(*args, **kwargs)


def teacher() -> nn.Module:
    found = model("bert")
    with torch.no_grad():
        found.classifier.bias.add_(0.5)  # type: ignore[union-attr, operator]
    return found


def own(folder: Path, recipe: Any, **options: Any) -> Own:
    data = Rows()
    settings = {
        "per_device_train_batch_size": 4,
        "max_steps": STEPS,
        "learning_rate": 1e-3,
        "warmup_steps": round(0.1 * STEPS),
        "save_steps": 5,
        "max_grad_norm": 1e3,
        "report_to": "none",
        "disable_tqdm": True,
        "logging_steps": 6,
        "use_cpu": True,
        "seed": 1,
        "remove_unused_columns": False,
    }
    torch.manual_seed(1)
    return Own(
        model=model("bert"),
        args=TrainingArguments(output_dir=str(folder), **{**settings, **options}),
        train_dataset=data,
        data_collator=data.collate,
        recipe=recipe,
        teacher=teacher(),
    )


@pytest.mark.parametrize("name", RECIPES)
def test_it_ends_with_the_weights_of_a_run_of_ours(name: str, tmp_path: Path) -> None:
    recipe = sparsify.read(RECIPES[name])
    ours = session(tmp_path / "ours", *recipe.passes, steps=STEPS)
    run(ours, Optimization(batch=4, learning_rate=1e-3, max_grad_norm=1e3))
    trainer = own(tmp_path / "own", recipe)
    trainer.train()
    found = dict(trainer.model.named_parameters())  # type: ignore[union-attr]
    if name == "magnitude":
        assert all(torch.equal(each, ours.student.effective(n)) for n, each in found.items())
    for weight in ours.student.masks():
        # ours encodes the teacher's values once, in other batches: the last bits differ
        difference = (found[weight] - ours.student.effective(weight)).abs()
        assert float((difference > 1e-4).float().mean()) < 0.01, weight
        assert float((found[weight] == 0).float().mean()) == pytest.approx(0.8, abs=1e-3)
    assert "forward" not in vars(trainer.model)
    assert trainer.state.log_history[0]["sparsity_fraction"] > 0


def test_interrupted_and_resumed_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    recipe = RECIPES["movement and a teacher"]
    whole = own(tmp_path / "whole", recipe)
    whole.train()
    cut = own(tmp_path / "cut", recipe)
    cut.stop = 12
    with pytest.raises(Stop):
        cut.train()
    assert (tmp_path / "cut" / "checkpoint-10" / "sparsify.safetensors").is_file()
    again = own(tmp_path / "cut", recipe)
    again.train(resume_from_checkpoint=True)
    expected = dict(whole.model.named_parameters())  # type: ignore[union-attr]
    for name, value in again.model.named_parameters():  # type: ignore[union-attr]
        assert torch.equal(value, expected[name]), name


class Looking(TrainerCallback):
    """Compares the model, while it is trained, with the same model after its masks are folded."""

    def __init__(self) -> None:
        self.differences: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any, **kwargs: Any) -> None:
        if state.global_step != STEPS - 1:
            return
        batch = rows(6, 2).batch(list(range(6)))
        labels = torch.zeros(6, dtype=torch.long)
        model.eval()
        with torch.no_grad():
            masked, unlabelled = model(**batch, labels=labels), model(**batch)
            folded = AutoModelForSequenceClassification.from_config(model.config).eval()
            weights = model.forward.run.student
            state_dict = {n: weights.effective(n) for n, _ in model.named_parameters()}
            folded.load_state_dict(state_dict, strict=False)
            plain = folded(**batch)
        model.train()
        found = (masked.logits, unlabelled.logits, plain.logits)
        self.differences += [float((found[0] - each).abs().max()) for each in found[1:]]
        assert masked.loss is not None
        assert unlabelled.loss is None


def test_masks_hold_in_evaluation_and_in_prediction_without_labels(tmp_path: Path) -> None:
    trainer = own(tmp_path, RECIPES["magnitude"], save_strategy="no")
    looking = Looking()
    trainer.add_callback(looking)
    trainer.train()
    assert len(looking.differences) == 2
    assert max(looking.differences) < 1e-5


def test_a_loss_of_the_users_own_is_kept(tmp_path: Path) -> None:
    seen: list[float] = []

    def loss(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        assert "loss" not in outputs
        found = nn.functional.cross_entropy(outputs["logits"], labels)
        seen.append(float(found))
        return found

    trainer = own(tmp_path, RECIPES["magnitude"], save_strategy="no", max_steps=4)
    trainer.compute_loss_func = loss
    trainer.train()
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (["insert-masks", "distill"], "`distill` needs a teacher; give a fine-tuned `teacher=`"),
        (
            [{"drop-layers": {"which": "top", "count": 1}}],
            "'bypass' changes the structure of the model that is trained; "
            "remove structure afterwards, with `sparsify.apply`",
        ),
        (
            ["contrast"],
            "a pass asks which rows of the training set a batch holds, and a Trainer of your own "
            "does not tell; train with `sparsify run`, or drop the pass (`contrast`)",
        ),
    ],
)
def test_what_cannot_be_done_is_said_before_the_first_step(
    recipe: list[Any], says: str, tmp_path: Path
) -> None:
    trainer = own(tmp_path, recipe)
    if "distill" in recipe:
        trainer.teacher = None
    with pytest.raises(sparsify.Problem) as caught:
        trainer.train()
    assert str(caught.value) == says
    assert "forward" not in vars(trainer.model)


def test_an_optimizer_of_the_users_own_cannot_learn_scores_and_that_is_said(tmp_path: Path) -> None:
    trainer = own(tmp_path, ["insert-masks", {"prune": PRUNE}])
    trainer.optimizer = torch.optim.SGD(trainer.model.parameters(), 0.1)  # type: ignore[union-attr]
    with pytest.raises(sparsify.Problem, match="and the optimizer is there already; leave"):
        trainer.train()
