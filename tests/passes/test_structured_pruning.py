"""Pruning whole structures: independent arithmetic for scores, selections and what is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from passes import patterns
from passes.gradual_pruning import GradualPruning
from passes.insert_masks import InsertMasks
from passes.prune import Prune
from sparsify.analysis.structures import Part, Structure, Units
from sparsify.capture import capture
from sparsify.errors import Problem
from sparsify.pipeline import apply
from sparsify.program import Program
from tests.sparsify.programs import program, ran

LAYER = "bert.encoder.layer.{}."
SIZE = 8
"""Of a head: four of them in 32 channels, as these tests see them."""


def heads(number: int, frozen: str = "") -> Structure:
    """Four heads of one attention, as the analysis would find them."""
    layer = LAYER.format(number) + "attention."
    channels = np.arange(32).reshape(4, SIZE)
    makes = [
        Part(f"{layer}self.{part}.{what}", 0, False, channels)
        for part in ("query", "key", "value")
        for what in ("weight", "bias")
    ]
    reads = Part(f"{layer}output.dense.weight", 1, True, channels)
    return Structure("head", f"{layer}self.query.weight", Units((*makes, reads)), frozen)


def neurons(number: int) -> Structure:
    layer = LAYER.format(number)
    channels = np.arange(64)[:, None]
    parts = (
        Part(f"{layer}intermediate.dense.weight", 0, False, channels),
        Part(f"{layer}intermediate.dense.bias", 0, False, channels),
        Part(f"{layer}output.dense.weight", 1, True, channels),
    )
    return Structure("neuron", f"{layer}intermediate.dense.weight", Units(parts), "")


FOUND = [heads(0), neurons(0), heads(1), neurons(1)]


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> list[Structure]:
    known = list(FOUND)
    monkeypatch.setattr(patterns, "structures", lambda _program: known)
    return known


def prune(pattern: Any, **options: Any) -> Prune:
    return Prune.model_validate(
        {"criterion": "magnitude", "sparsity": 0.5, "pattern": pattern, **options}
    )


def by_hand(program: Program, structure: Structure) -> np.ndarray[Any, Any]:
    """The sum of |w| over every weight of every unit."""
    sums = []
    for unit in structure.units:
        total = 0.0
        for each in unit.slices:
            weight = program.tensor(each.parameter).detach().double().numpy()
            if weight.ndim == 2:
                total += np.abs(np.take(weight, each.indices, axis=each.axis)).sum()
        sums.append(total)
    return np.array(sums)


def dead(program: Program, structure: Structure) -> list[bool]:
    """Which units have nothing but zeros in all of their masks; the others have none."""
    masks = program.masks()
    found = []
    for unit in structure.units:
        parts = [
            np.take(masks[each.parameter].numpy(), each.indices, axis=each.axis)
            for each in unit.slices
            if each.parameter in masks
        ]
        assert len({bool(part.any()) for part in parts}) == 1
        found.append(not parts[0].any())
    return found


@pytest.mark.parametrize(("kind", "places"), [("head", FOUND[::2]), ("neuron", FOUND[1::2])])
@pytest.mark.parametrize("sparsity", [0.0, 0.25, 0.5, 0.75])
def test_the_smallest_units_of_every_structure_are_zeroed(
    kind: str, places: list[Structure], sparsity: float
) -> None:
    after = ran("bert", InsertMasks(), prune(kind, sparsity=sparsity))
    for structure in places:
        scores = by_hand(after, structure)
        gone = np.argsort(scores)[: round(sparsity * len(scores))]
        assert np.flatnonzero(dead(after, structure)).tolist() == sorted(gone)
    zeros = sum(int((mask == 0).sum()) for mask in after.masks().values())
    weights = {"head": 4 * 32 * 32, "neuron": 2 * 32 * 64}[kind]
    assert zeros == round(2 * weights * sparsity)


def test_together_they_are_ranked_by_their_share_of_the_structure() -> None:
    start = program("bert")
    with torch.no_grad():
        # a large scale alone must not save a structure
        for name in ("intermediate", "output"):
            start.tensor(f"{LAYER.format(0)}{name}.dense.weight").mul_(100)
        start.tensor(f"{LAYER.format(1)}intermediate.dense.weight")[:20].mul_(1e-3)
        start.tensor(f"{LAYER.format(1)}output.dense.weight")[:, :20].mul_(1e-3)
    apply([InsertMasks(), prune("neuron", scope="global", sparsity=0.25)], start)
    scores = [by_hand(start, each) for each in FOUND[1::2]]
    shares = np.concatenate([each / np.linalg.norm(each) for each in scores])
    expected = np.zeros(128, dtype=bool)
    expected[np.argsort(shares)[:32]] = True
    assert [*dead(start, FOUND[1]), *dead(start, FOUND[3])] == expected.tolist()
    assert sum(dead(start, FOUND[3])) == 20


def test_heads_and_neurons_one_after_the_other() -> None:
    after = ran("bert", InsertMasks(), prune("head"), prune("neuron"))
    assert [sum(dead(after, each)) for each in FOUND] == [2, 32, 2, 32]


@pytest.mark.parametrize("scope", ["weight", "global"])
def test_one_unit_of_every_structure_stays(scope: str) -> None:
    after = ran("bert", InsertMasks(), prune("head", sparsity=1.0, scope=scope))
    for structure in FOUND[::2]:
        (kept,) = np.flatnonzero(~np.array(dead(after, structure)))
        assert kept == by_hand(after, structure).argmax()


@pytest.mark.parametrize(
    ("sparsity", "round_to", "kept"),
    [(0.5, 8, 32), (0.5, 10, 40), (0.45, 8, 40), (0.99, 16, 16), (0.1, 48, 64), (0.0, 7, 64)],
)
def test_kept_units_are_rounded_up_to_a_multiple_or_all(
    sparsity: float, round_to: int, kept: int
) -> None:
    after = ran("bert", InsertMasks(), prune("neuron", sparsity=sparsity, round_to=round_to))
    for structure in FOUND[1::2]:
        gone = np.flatnonzero(dead(after, structure))
        expected = np.argsort(by_hand(after, structure))[: 64 - kept]
        assert gone.tolist() == sorted(expected)


def test_running_it_twice_equals_running_it_once_even_when_weights_have_changed() -> None:
    after = ran("bert", InsertMasks(), prune("head"))
    before = {name: mask.clone() for name, mask in after.masks().items()}
    with torch.no_grad():
        for name, mask in before.items():
            after.tensor(name)[mask == 0] += 10
    apply([prune("head")], after)
    assert all(torch.equal(mask, before[name]) for name, mask in after.masks().items())


def test_what_an_earlier_pass_zeroed_stays_zero() -> None:
    after = ran(
        "bert", InsertMasks(), Prune.model_validate({"criterion": "magnitude", "sparsity": 0.5})
    )
    before = {name: mask.clone() for name, mask in after.masks().items()}
    apply([prune("head")], after)
    for name, mask in after.masks().items():
        assert bool((mask <= before[name]).all())


def test_the_gradient_of_a_zeroed_unit_is_exactly_zero() -> None:
    after = ran("bert", InsertMasks(), prune("head"), prune("neuron"))
    after.module.train()
    logits = after.module(**after.inputs)
    (logits["logits"] if isinstance(logits, dict) else logits[0]).pow(2).sum().backward()
    for name, mask in after.masks().items():
        gradient = after.tensor(name).grad
        assert gradient is not None
        assert not gradient[mask == 0].any()
        assert gradient[mask == 1].any()


def test_the_report_counts_units_and_names_what_was_left(found: list[Structure]) -> None:
    found[2] = heads(1, frozen="goes through aten.gather")
    start = ran("bert", InsertMasks())
    (step,) = apply([prune("head")], start)
    query = "attention.self.query.weight"
    assert step.report.did == {LAYER.format(0) + query: "2 of 4 heads zero"}
    assert step.report.left == {LAYER.format(1) + query: "goes through aten.gather"}
    assert step.report.facts == {"sparsity_fraction": 0.5}


def test_targets_mean_structures_by_any_of_their_weights() -> None:
    start = ran("bert", InsertMasks())
    (step,) = apply([prune("neuron", targets=["*.1.output.*"])], start)
    assert list(step.report.did) == [FOUND[3].name]
    assert step.report.left == {FOUND[1].name: "no target"}
    assert not any(dead(start, FOUND[1]))


def test_a_program_without_such_structures_says_so(found: list[Structure]) -> None:
    found.clear()
    start = ran("bert", InsertMasks())
    (step,) = apply([prune("head")], start)
    assert step.report.left == {"head": "the program has none"}
    assert step.report.did == {}


def test_a_structure_with_a_weight_that_has_no_mask_is_refused() -> None:
    bare = f"{LAYER.format(0)}attention.output.dense.weight"
    with pytest.raises(Problem) as caught:
        ran("bert", InsertMasks(targets=["*.query.*", "*.key.*", "*.value.*"]), prune("head"))
    assert str(caught.value) == (
        f"passes[1]: the head units of '{LAYER.format(0)}attention.self.query.weight' reach "
        f"'{bare}', which has no mask; put `insert-masks` with the target '{bare}' before it"
    )


def test_only_structures_whose_weights_all_have_masks_are_pruned() -> None:
    start = ran("bert", InsertMasks(targets=["*.layer.0.*", "*.layer.1.intermediate.*"]))
    (step,) = apply([prune("neuron")], start)
    assert list(step.report.did) == [FOUND[1].name]
    assert step.report.left == {
        FOUND[3].name: f"reaches '{LAYER.format(1)}output.dense.weight', which has no mask"
    }


def test_a_schedule_zeroes_units_step_by_step_by_scores_that_are_learned() -> None:
    start = ran(
        "bert", InsertMasks(), prune("neuron", criterion="movement", schedule="linear", every=1)
    )
    (duty,) = start.plan.duties
    assert isinstance(duty, GradualPruning)
    assert duty.promises() == [
        "dense for 10% of the steps, then linear to 50.0% zero by movement, pattern neuron, "
        "4 weights, at the final sparsity for the last 25%"
    ]
    with torch.no_grad():
        for score in duty.scores.values():
            score.copy_(torch.randn(score.shape))
    run: Any = type("Steps", (), {"student": start, "steps": 20, "start": 0})()
    counts = []
    for step in range(21):
        duty.before_step(run, step)
        counts.append(sum(dead(start, FOUND[1])))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 32)
    up, down = (
        duty.scores[f"{LAYER.format(0)}{n}.dense.weight"] for n in ("intermediate", "output")
    )
    sums = (up.sum(1) + down.sum(0)).detach().double().numpy()
    assert np.flatnonzero(dead(start, FOUND[1])).tolist() == sorted(np.argsort(sums)[:32])


def test_while_training_a_unit_may_return() -> None:
    start = ran("bert", InsertMasks(), prune("neuron", schedule="linear", every=1))
    (duty,) = start.plan.duties
    assert isinstance(duty, GradualPruning)
    duty.rehearse()
    gone = dead(start, FOUND[1])
    back = gone.index(True)
    with torch.no_grad():
        start.tensor(f"{LAYER.format(0)}intermediate.dense.weight")[back] += 10
    duty.rehearse()
    assert not dead(start, FOUND[1])[back]
    assert sum(dead(start, FOUND[1])) == 32


@pytest.mark.parametrize(
    ("options", "zeros"),
    [
        ({"pattern": {"block": {"shape": [4, 1]}}}, "blocks"),
        ({"pattern": {"block": {"shape": [1, 4]}}}, "blocks"),
        ({"pattern": "row"}, "rows"),
        ({"pattern": "column"}, "columns"),
        ({"pattern": "n-of-m"}, ""),
    ],
)
def test_patterns_inside_one_weight_zero_whole_units(options: dict[str, Any], zeros: str) -> None:
    start = ran("bert", InsertMasks(targets=["*.intermediate.*"]))
    (step,) = apply([prune(**options)], start)
    for mask in start.masks().values():
        assert int((mask == 0).sum()) == mask.numel() / 2
        high, wide = {"blocks": tuple(options["pattern"]["block"]["shape"])
                      if zeros == "blocks" else (0, 0), "rows": (1, 32), "columns": (64, 1),
                      "": (1, 1)}[zeros]  # fmt: skip
        blocks = mask.reshape(64 // high, high, 32 // wide, wide).transpose(1, 2).flatten(2)
        assert bool((blocks.min(2).values == blocks.max(2).values).all())
    assert all(text.endswith(f"{zeros} zero".strip()) for text in step.report.did.values())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pattern": "n-of-m", "sparsity": 0.9},
         "passes[1]: sparsity: n-of-m leaves at most 50.0% zero"),
        ({"pattern": {"block": {"shape": [5, 1]}}},
         "passes[1]: 'bert.encoder.layer.0.attention.self.query.weight': "
         "32 x 32 does not divide into blocks of 5 x 1; leave it out of the targets, or choose "
         "another pattern"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("schedule", ["one-shot", "cubic"])
def test_what_a_pattern_cannot_give_is_refused_before_training(
    options: dict[str, Any], said: str, schedule: str
) -> None:
    with pytest.raises(Problem) as caught:
        ran("bert", InsertMasks(), prune(**options, schedule=schedule))
    assert str(caught.value) == said


class Turned(torch.nn.Module):
    """A product whose weight lies as [in, out]."""

    def __init__(self) -> None:
        super().__init__()
        self.words = torch.nn.Embedding(5, 4)
        self.weight = torch.nn.Parameter(torch.randn(4, 8))
        self.head = torch.nn.Linear(8, 2)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """f32[batch, sequence, 2] from i64[batch, sequence]."""
        logits: torch.Tensor = self.head(torch.relu(self.words(input_ids) @ self.weight))
        return logits


def test_a_weight_that_lies_the_other_way_round_is_grouped_as_the_product_sees_it() -> None:
    ids = torch.tensor([[0, 1, 2], [3, 4, 0]])
    dynamic = {"input_ids": {0: "batch", 1: "sequence"}}
    start = capture(Turned(), {"input_ids": ids}, dynamic)
    apply([InsertMasks(targets=["weight"]), prune("row", sparsity=0.25)], start)
    weight, mask = start.tensor("weight").detach(), start.masks()["weight"]
    gone = weight.abs().mean(0).argsort()[:2]
    assert torch.equal((mask == 0).all(0).nonzero()[:, 0], gone.sort().values)
    assert int((mask == 0).sum()) == 2 * 4
