"""How well the captured graph matched the model."""

from __future__ import annotations

from rich.text import Text

from sparsify.report import SelfTest
from sparsify.view.words import seconds


def shapes_words(shapes: list[list[int]]) -> str:
    """`3x7, 1x5`."""
    return ", ".join("x".join(map(str, shape)) for shape in shapes)


def self_test_line(found: SelfTest) -> Text:
    """The self-test of the capture in a sentence, with what it cost."""
    return Text(
        f"capture: graph and model differ by at most {found.max_output_difference:.1e} in outputs "
        f"and {found.max_gradient_difference:.1e} in gradients at the shapes "
        f"{shapes_words(found.shapes)} (checked in {seconds(found.seconds)})"
    )
