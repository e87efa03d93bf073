from __future__ import annotations

import pytest

from sparsify.errors import Problem
from sparsify.inspection.facts import Weight
from sparsify.inspection.find import find_weight

ROLES = {
    "attention.self.query": "attention.query",
    "attention.self.key": "attention.key",
    "attention.output.dense": "attention.output",
    "intermediate.dense": "ffn.up",
    "output.dense": "ffn.down",
}
WEIGHTS = [
    Weight("embeddings.word.weight", (50, 8), "embedding", 0.0),
    *(
        weight
        for layer in range(12)
        for name, role in ROLES.items()
        for weight in (
            Weight(f"encoder.layer.{layer}.{name}.weight", (8, 8), role, 0.0),
            Weight(f"encoder.layer.{layer}.{name}.bias", (8,), "vector", 0.0),
        )
    ),
    Weight("pooler.dense.weight", (8, 8), "pooler", 0.0),
]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("encoder.layer.1.output.dense.bias", "encoder.layer.1.output.dense.bias"),
        ("pooler.dense", "pooler.dense.weight"),
        ("1.attention.self.key", "encoder.layer.1.attention.self.key.weight"),
        ("*.3.*query.weight", "encoder.layer.3.attention.self.query.weight"),
        ("3.q", "encoder.layer.3.attention.self.query.weight"),
        ("3.o", "encoder.layer.3.attention.output.dense.weight"),
        ("3.u", "encoder.layer.3.intermediate.dense.weight"),
        ("11.d", "encoder.layer.11.output.dense.weight"),
        ("w", "embeddings.word.weight"),
        ("po", "pooler.dense.weight"),
    ],
)
def test_a_few_letters_are_enough(said: str, name: str) -> None:
    assert find_weight(WEIGHTS, said, where="--weight").name == name


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("query",
         "--weight query: means 12 weights; encoder.layer.0.attention.self.query.weight, "
         "encoder.layer.1.attention.self.query.weight and 10 more"),
        ("poolr.dense.weight",
         "--weight poolr.dense.weight: matches no weight; did you mean 'pooler.dense.weight'?"),
    ],
)  # fmt: skip
def test_what_is_not_one_weight_is_told_with_the_nearest(said: str, message: str) -> None:
    with pytest.raises(Problem) as problem:
        find_weight(WEIGHTS, said, where=f"--weight {said}")
    assert str(problem.value) == message
