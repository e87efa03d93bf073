from __future__ import annotations

import io
from collections.abc import Callable

from expecttest import assert_expected_inline
from rich.console import Console

from sparsify.inspection.graph import GraphLine
from sparsify.view.graph import GraphView

LINES = [
    GraphLine(1, "program(%x: f32[batch,8])", "", "", 0.0),
    GraphLine(
        2,
        "  %linear   : f32[batch,32]   = linear(%x, @layer.0.up.weight, @0.bias)",
        "layer.0",
        "ffn.up",
        0.9,
    ),
    GraphLine(3, "  %relu     : f32[batch,32] = relu(%linear)", "layer.0", "", 0.0),
    GraphLine(4, "  return [%relu]", "", "", 0.0),
]


def test_in_a_file_every_call_is_one_line(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(GraphView(LINES), width=200),
        """\
1  program(%x: f32[batch,8])
   # layer.0
2    %linear   : f32[batch,32]   = linear(%x, @layer.0.up.weight, @0.bias)  # ffn.up, 90% zero
3    %relu     : f32[batch,32] = relu(%linear)
   # outside of layers
4    return [%relu]""",
    )
    assert rendered(GraphView(LINES), width=40) == rendered(GraphView(LINES), width=200)


def test_on_a_terminal_lines_are_folded() -> None:
    file = io.StringIO()
    console = Console(file=file, width=60, force_terminal=True, color_system=None, _environ={})
    console.print(GraphView(LINES))
    assert_expected_inline(
        file.getvalue(),
        """\
1  program(%x: f32[batch,8])
   # layer.0
2    %linear : f32[batch,32] = linear(%x,
         @layer.0.up.weight, @0.bias)  # ffn.up, 90% zero
3    %relu : f32[batch,32] = relu(%linear)
   # outside of layers
4    return [%relu]
""",
    )
