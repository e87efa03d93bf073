"""What flows into weights equals what hooks on the eager model see."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from passes.insert_masks import InsertMasks
from sparsify.errors import Problem
from sparsify.program import Program
from sparsify.statistics import inflows, input_norms, unmeasured
from tests.sparsify.programs import calibrated, model, program, ran

TOLERANCE = 2e-5
KINDS = ("bert", "roberta", "distilbert", "plain")


def masked(kind: str) -> Program:
    return calibrated(ran(kind, InsertMasks()))


def seen_by_hooks(kind: str, found: Program) -> dict[str, np.ndarray]:
    """f64[tokens, in]: the inputs of every linear of the eager model at the places of tokens."""
    module = model(kind).eval()
    seen: dict[str, list[Tensor]] = {}
    mask = torch.empty(0)

    def look(name: str) -> object:
        def hook(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
            if given[0].ndim == 3:
                seen.setdefault(name, []).append(given[0].detach()[mask])

        return hook

    for name, part in module.named_modules():
        if isinstance(part, nn.Linear):
            part.register_forward_pre_hook(look(f"{name}.weight"))  # type: ignore[arg-type]
    for batch in found.samples:
        given = {name: value for name, value in batch.items() if name != "labels"}
        mask = given["attention_mask"].bool()
        # gradients keep torch from its fused path, which calls no submodule
        module(**given)
    return {name: torch.cat(rows).double().numpy() for name, rows in seen.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_squares_and_gram_are_those_of_the_models_own_inputs_without_padding(kind: str) -> None:
    found = masked(kind)
    expected = seen_by_hooks(kind, found)
    checked = 0
    for inflow in inflows(found, list(found.masks())):
        if inflow.weight not in expected:
            continue
        rows = expected[inflow.weight]
        checked += 1
        np.testing.assert_allclose(inflow.squares().numpy(), (rows**2).sum(0), rtol=TOLERANCE)
        gram = rows.T @ rows
        difference = np.abs(inflow.gram().double().numpy() - gram).max()
        assert difference <= TOLERANCE * np.abs(gram).max()
    assert checked >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_norms_lie_along_the_inputs_of_the_weight(kind: str) -> None:
    found = masked(kind)
    norms = input_norms(found, list(found.masks()))
    expected = seen_by_hooks(kind, found)
    assert norms.keys() == found.masks().keys()
    for name, norm in norms.items():
        assert norm.shape == (1, found.tensor(name).shape[1])
        if name in expected:
            rows = np.linalg.norm(expected[name], axis=0)
            np.testing.assert_allclose(norm[0].numpy(), rows, rtol=TOLERANCE)


def test_what_is_written_into_a_weight_is_what_later_products_see() -> None:
    found = masked("bert")
    names = list(found.masks())
    first = {inflow.weight: inflow.squares() for inflow in inflows(found, names)}
    second = {}
    for inflow in inflows(found, names):
        second[inflow.weight] = inflow.squares()
        if inflow.weight == names[5]:
            found.tensor(names[5]).data.mul_(0.5)
    assert all(torch.equal(first[name], second[name]) for name in names[:6])
    assert not any(torch.equal(first[name], second[name]) for name in names[6:9])


def test_the_program_is_left_in_the_mode_that_it_was_in() -> None:
    found = masked("bert")
    found.module.train()
    stream: Iterator[object] = inflows(found, list(found.masks()))
    next(stream)
    assert not found.module.training
    for _ in stream:
        pass
    assert found.module.training


def test_the_rows_of_one_batch_are_there_at_a_time() -> None:
    found = masked("bert")
    for inflow in inflows(found, list(found.masks())):
        kept = [weakref.ref(rows) for rows in inflow.rows()]
        assert len(kept) > 1
        assert not any(rows() is not None for rows in kept)


def test_no_samples_is_a_mistake() -> None:
    found = ran("bert", InsertMasks())
    with pytest.raises(Problem) as caught:
        input_norms(found, list(found.masks()))
    assert str(caught.value) == (
        "there is nothing to calibrate on; set data.train=FILE, of which the first "
        "`data.calibration_rows` are used; in Python give `calibration`"
    )


def test_a_table_is_no_weight_of_inputs() -> None:
    found = calibrated(program("bert"))
    name = "bert.embeddings.word_embeddings.weight"
    assert unmeasured(found, [name]) == {name: "it multiplies no rows of inputs"}
    with pytest.raises(Problem) as caught:
        input_norms(found, [name])
    assert str(caught.value) == (
        f"the inputs of {name!r} cannot be measured: it multiplies no rows of inputs"
    )
