"""Layer maps equal those of the papers that they come from."""

from __future__ import annotations

import pytest

from passes.layer_maps import LayerMap, layer_map
from sparsify.errors import Problem


@pytest.mark.parametrize(
    ("kind", "student", "teacher", "expected"),
    [
        ("uniform", 4, 12, [3, 6, 9, 12]),
        ("uniform", 6, 12, [2, 4, 6, 8, 10, 12]),
        ("uniform", 5, 12, [2, 5, 7, 10, 12]),
        ("uniform", 12, 12, list(range(1, 13))),
        ("uniform", 4, 2, [1, 1, 2, 2]),
        ("uniform", 12, 2, [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
        ("one-to-one", 3, 3, [1, 2, 3]),
        ("skip", 5, 12, [2, 4, 6, 8, 10]),
        ("skip", 6, 12, [2, 4, 6, 8, 10, 12]),
        ("last", 5, 12, [8, 9, 10, 11, 12]),
    ],
)
def test_by_hand(kind: LayerMap, student: int, teacher: int, expected: list[int]) -> None:
    assert layer_map(kind, student, teacher) == expected


@pytest.mark.parametrize("student", range(1, 14))
@pytest.mark.parametrize("teacher", range(1, 14))
def test_uniform_ends_at_the_last_layer_and_never_turns_back(student: int, teacher: int) -> None:
    found = layer_map("uniform", student, teacher)
    assert found == sorted(found)
    assert found[-1] == teacher
    assert found[0] >= 1


@pytest.mark.parametrize(
    ("kind", "student", "teacher"), [("one-to-one", 6, 12), ("skip", 12, 6), ("last", 7, 6)]
)
def test_too_few_layers_are_a_mistake(kind: LayerMap, student: int, teacher: int) -> None:
    with pytest.raises(Problem) as caught:
        layer_map(kind, student, teacher)
    assert str(caught.value) == (
        f"the student has {student} layers and the teacher {teacher}: no map `{kind}`; "
        "set `layers: uniform`"
    )
