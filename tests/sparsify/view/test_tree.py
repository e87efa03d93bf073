from __future__ import annotations

from collections.abc import Callable

from expecttest import assert_expected_inline

from sparsify.view.tree import model_tree
from sparsify.view.weights import Weight


def layer(number: int, *, width: int = 8, sparsity: float = 0.0) -> list[Weight]:
    name = f"encoder.layer.{number}"
    return [
        Weight(f"{name}.query.weight", (width, 8), "body", sparsity, masked=sparsity > 0),
        Weight(f"{name}.query.bias", (width,), "vector", 1.0),
    ]


EMBEDDING = Weight("embeddings.weight", (100, 8), "embedding", 0.01)


def test_layers_that_are_alike_share_a_line(rendered: Callable[..., str]) -> None:
    weights = [EMBEDDING, *layer(0), *layer(1), *layer(2), *layer(3, width=4)]
    assert_expected_inline(
        rendered(model_tree("encoder", weights), encoding="ascii"),
        """\
encoder  1,052 parameters  1.0 % zero
+-- embeddings  weight 100x8 embedding  1.0 % zero
`-- encoder  252 parameters
    `-- layer  252 parameters
        +-- 0 ... 2 (3 alike)  216 parameters
        |   `-- query  weight 8x8 body, bias 8
        `-- 3  36 parameters
            `-- query  weight 4x8 body, bias 4""",
    )


def test_layers_of_other_sparsity_are_folded_and_tell_the_range(
    rendered: Callable[..., str],
) -> None:
    weights = [*layer(0, sparsity=0.5), *layer(1, sparsity=0.9)]
    assert_expected_inline(
        rendered(model_tree("encoder", weights), encoding="ascii"),
        """\
encoder  144 parameters  50.0 % to 90.0 % zero
`-- encoder  144 parameters  50.0 % to 90.0 % zero
    `-- layer  144 parameters  50.0 % to 90.0 % zero
        `-- 0 ... 1 (2 alike)  144 parameters  50.0 % to 90.0 % zero
            `-- query  weight 8x8 body, bias 8  50.0 % to 90.0 % zero""",
    )


def test_an_ascii_terminal_gets_ascii(rendered: Callable[..., str]) -> None:
    assert rendered(model_tree("encoder", layer(0)), encoding="ascii").isascii()
