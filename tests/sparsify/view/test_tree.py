from __future__ import annotations

from sparsify.inspection.facts import Weight
from sparsify.view.tree import layer_of, ranges, rows


def layer(number: int, *, width: int = 8, role: str = "ffn.up") -> list[Weight]:
    name = f"encoder.layer.{number}"
    return [
        Weight(f"{name}.up.weight", (width, 8), role, 0.0),
        Weight(f"{name}.up.bias", (width,), "vector", 1.0),
        Weight(f"{name}.down.weight", (8, width), "ffn.down", 0.0),
    ]


def lines(*weights: Weight) -> list[str]:
    return [f"{'  ' * row.depth}{row.label} ({len(row.weights)})" for row in rows(weights)]


def test_layers_that_are_alike_share_a_line_with_the_path_to_them() -> None:
    table = Weight("embeddings.weight", (100, 8), "embedding", 0.0)
    norm = Weight("norm.weight", (8,), "vector", 0.0)
    assert lines(table, *layer(0), *layer(1), norm) == [
        "embeddings (1)",
        "2 x encoder.layer (6)",
        "  up (2)",
        "  down (2)",
    ]


def test_layers_of_other_shapes_are_folded_and_those_of_other_roles_are_not() -> None:
    assert lines(*layer(0), *layer(1, width=4))[0] == "2 x encoder.layer (6)"
    found = lines(*layer(0), *layer(1, role="ffn.gate"), *layer(2), *layer(3))
    assert [line for line in found if not line.startswith("    ")] == [
        "encoder.layer (12)",
        "  3 x 0, 2-3 (9)",
        "  1 (3)",
    ]


def test_experts_inside_layers_fold_inside_folded_layers() -> None:
    experts = [
        Weight(f"layers.{i}.experts.{j}.up.weight", (8, 8), "ffn.up", 0.0)
        for i in range(2)
        for j in range(3)
    ]
    routers = [Weight(f"layers.{i}.router.weight", (3, 8), "router", 0.0) for i in range(2)]
    assert lines(*experts, *routers) == [
        "2 x layers (8)",
        "  3 x experts.up (6)",
        "  router (2)",
    ]


def test_numbers_are_told_as_ranges() -> None:
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"


def test_the_layer_of_a_parameter_is_its_outermost_number() -> None:
    assert layer_of("model.layers.3.experts.1.up.weight") == "model.layers.3"
    assert layer_of("pooler.weight") == ""
