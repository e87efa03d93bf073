"""What a method does, drawn by running it on something small."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from docs.generate import svg
from sparsify.kinds import Kind, Member, criterion, loss, pattern, schedule
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.schema.said import read

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ROWS, COLUMNS, UNITS, SAMPLES = 12, 24, 12, 4
LAYER = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "output",
    "intermediate.dense": "up",
    "output.dense": "down",
}


def picture(kind: Kind, member: Member) -> tuple[str, str] | None:
    """The drawing of a method and what it shows, where there is something to draw."""
    drawers = {
        criterion.name: of_criterion,
        pattern.name: of_pattern,
        schedule.name: of_schedule,
        loss.name: of_loss,
    }
    drawer = drawers.get(kind.name)
    return drawer(member) if drawer else None


def of_criterion(member: Member) -> tuple[str, str]:
    given = measured()
    scores = member.function(**{need: given[need] for need in member.given}).detach()
    matrix = scores.reshape(-1, scores.shape[-1]).numpy().astype(np.float64)
    # each row keeps its share only by chance: the whole matrix is ranked
    kept = matrix >= np.median(matrix)
    depth = matrix / matrix.max()
    shown = [("scores", depth), ("kept at 50%", np.where(kept, depth, 0.0))]
    what = "twelve units" if len(matrix) == 1 else f"a random weight of {ROWS} x {COLUMNS}"
    return svg.grids(shown), f"Its scores of {what}, darker is larger, and what stays at 50%."


def of_pattern(member: Member) -> tuple[str, str]:
    program = encoder()
    # structures reach through weights of every role
    targets = ["*"] if "program" in member.given else ["body"]
    steps = ["clean", {"insert-masks": {"targets": targets}}]
    prune = {"criterion": "magnitude", "sparsity": 0.5, "pattern": member.name}
    apply(read([*steps, {"prune": prune}]).passes, program, check=False)
    return svg.grids(layer_masks(program)), (
        "What it keeps of one layer of a small BERT (2 layers, 16 wide, 4 heads) at 50% by "
        "magnitude; weights lie as [out, in]."
    )


def of_schedule(member: Member) -> tuple[str, str]:
    t = np.linspace(0.0, 1.0, 201)
    share = np.array([member.function(t=float(each)) for each in t])
    return svg.curve(t, share, "t", "share of the sparsity"), "With its default options."


def of_loss(member: Member) -> tuple[str, str]:
    teacher = torch.tensor([[1.0, -1.0, 0.5]])
    away = torch.tensor([[-1.0, 2.0, 0.5]])
    steps = np.linspace(-1.0, 1.0, 101)
    values = [float(member.function(student=teacher + s * away, teacher=teacher)) for s in steps]
    across = "distance along a line through the teacher's logits"
    drawn = svg.curve(steps, np.array(values), across, "loss")
    return drawn, "For three classes; at 0 student and teacher are equal."


@cache
def measured() -> dict[str, Any]:
    """What criteria are given, drawn at random."""
    draw = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw)

    weight = normal(ROWS, COLUMNS)
    return {
        "weight": weight,
        "name": "weight",
        "scores": weight.abs() + 0.5 * normal(ROWS, COLUMNS).abs(),
        "gradient": normal(ROWS, COLUMNS),
        "input_norm": normal(1, COLUMNS).abs(),
        "unit_gradients": normal(SAMPLES, UNITS),
    }


def encoder() -> Program:
    """A small BERT of random weights, with random rows to calibrate on."""
    return captured().clone()


def classifier(layers: int = 2) -> PreTrainedModel:
    """A small BERT of random weights."""
    from transformers import AutoModelForSequenceClassification, BertConfig

    sizes = {"hidden_size": 16, "num_attention_heads": 4, "intermediate_size": 32}
    config = BertConfig(
        vocab_size=40, num_hidden_layers=layers, max_position_embeddings=32, **sizes
    )
    made: PreTrainedModel = AutoModelForSequenceClassification.from_config(config)
    return made


def one_layer() -> PreTrainedModel:
    """The same with a single layer, for programs that are shown whole."""
    return classifier(1)


@cache
def captured() -> Program:
    from sparsify.capture import capture
    from sparsify.models import example_inputs
    from sparsify.models.source import Source

    torch.manual_seed(0)
    model = classifier()
    inputs, dynamic = example_inputs(Source(model, model.config, None, "small", None))
    program = capture(model, inputs, dynamic)
    rows = torch.randint(5, 40, (16, 8), generator=torch.Generator().manual_seed(0))
    ones = torch.ones_like(rows)
    batch = {"input_ids": rows, "attention_mask": ones, "token_type_ids": 0 * ones}
    program.samples = ({**batch, "labels": rows[:, 0] % 2},)
    return program


def layer_masks(program: Program) -> list[tuple[str, np.ndarray]]:
    """The masks of the first layer's weights, by their names."""
    masks = program.masks()
    found = []
    for part, name in LAYER.items():
        path = next(each for each in masks if f".layer.0.{part}.weight" in each)
        found.append((name, masks[path].numpy().astype(np.float64)))
    return found
