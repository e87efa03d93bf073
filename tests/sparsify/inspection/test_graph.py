from __future__ import annotations

from pathlib import Path

from sparsify.inspection.graph import graph_lines
from sparsify.inspection.model import inspected
from sparsify.text import to_text
from tests.sparsify import tiny


def test_lines_are_those_of_the_text_and_know_their_layer_and_weight(tmp_path: Path) -> None:
    program, model = inspected(str(tiny.save("bert", tmp_path / "m")), free=True)
    lines = list(graph_lines(program, model))
    assert [line.text for line in lines] == to_text(program).splitlines()
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        if line.layer:
            assert "@bert.encoder.layer" not in line.text or f"@{line.layer}." in line.text
    roles = [line.role for line in lines if line.role]
    assert roles.count("ffn.up") == 2
    assert roles[-2:] == ["pooler", "head"]
