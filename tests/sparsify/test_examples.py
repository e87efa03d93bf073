"""Inputs of other sizes: valid, seeded, aligned."""

from __future__ import annotations

import torch

from sparsify.examples import at_sizes, other_sizes

INPUTS = {
    "input_ids": torch.tensor([[2, 10, 11, 12, 3], [2, 20, 21, 22, 3]]),
    "positions": torch.tensor([[0, 1, 2, 3, 4]]),
    "attention_mask": torch.ones(2, 5, dtype=torch.long),
}
DYNAMIC = {
    "input_ids": {0: "batch", 1: "sequence"},
    "positions": {1: "sequence"},
    "attention_mask": {0: "batch", 1: "sequence"},
}


def test_named_dimensions_get_the_sizes_asked_for() -> None:
    found = at_sizes(INPUTS, DYNAMIC, {"batch": 3, "sequence": 9}, seed=0)
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "input_ids": (3, 9),
        "positions": (1, 9),
        "attention_mask": (3, 9),
    }


def test_a_size_that_is_not_asked_for_stays() -> None:
    assert at_sizes(INPUTS, DYNAMIC, {"sequence": 2}, seed=0)["input_ids"].shape == (2, 2)


def test_only_values_of_the_examples_occur_and_the_first_token_stays_first() -> None:
    found = at_sizes(INPUTS, DYNAMIC, {"batch": 8, "sequence": 30}, seed=1)["input_ids"]
    assert torch.isin(found, INPUTS["input_ids"]).all()
    assert (found[:, 0] == 2).all()


def test_inputs_that_share_a_dimension_stay_aligned() -> None:
    found = at_sizes(INPUTS, DYNAMIC, {"sequence": 30}, seed=1)
    assert torch.equal(found["input_ids"][0], INPUTS["input_ids"][0][found["positions"][0]])


def test_masks_hide_the_ends_of_some_rows_and_no_whole_row() -> None:
    mask = at_sizes(INPUTS, DYNAMIC, {"batch": 16, "sequence": 10}, seed=0)["attention_mask"]
    assert mask.dtype == torch.long
    assert mask[0].all()
    assert mask[:, 0].all()
    assert not mask.all()
    assert torch.equal(mask, mask.sort(dim=1, descending=True).values)


def test_equal_seeds_give_equal_inputs() -> None:
    sizes = {"batch": 3, "sequence": 9}
    first, again, other = (at_sizes(INPUTS, DYNAMIC, sizes, seed=s) for s in (0, 0, 1))
    assert torch.equal(first["input_ids"], again["input_ids"])
    assert not torch.equal(first["input_ids"], other["input_ids"])


def test_the_last_token_stays_last_and_is_nowhere_else() -> None:
    found = at_sizes(INPUTS, DYNAMIC, {"batch": 4, "sequence": 9}, seed=3)["input_ids"]
    assert torch.equal(found == 3, (torch.arange(9) == 8).expand(4, 9))


def test_other_sizes_are_none_of_the_examples_and_signals_are_scaled() -> None:
    inputs = {"ids": torch.zeros(2, 12), "sound": torch.zeros(2, 1000)}
    dynamic = {"ids": {0: "batch", 1: "sequence"}, "sound": {0: "batch", 1: "samples"}}
    assert [other_sizes(inputs, dynamic, number) for number in range(5)] == [
        {"batch": 3, "sequence": 7, "samples": 1300},
        {"batch": 1, "sequence": 5, "samples": 800},
        {"batch": 5, "sequence": 17, "samples": 1700},
        {"batch": 3, "sequence": 12, "samples": 1000},
        {"batch": 1, "sequence": 24, "samples": 2000},
    ]
