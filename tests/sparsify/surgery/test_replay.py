"""Recorded surgery is data."""

from __future__ import annotations

import json

import pytest

from sparsify.errors import Problem
from sparsify.program import Edit
from sparsify.surgery import narrow, replay
from sparsify.text import to_text
from tests.sparsify.surgery.models import halved, program


def test_edits_survive_a_trip_through_json() -> None:
    small, fresh = program("gpt2"), program("gpt2")
    narrow(small, halved(small))
    written = json.dumps([(edit.kind, edit.what) for edit in small.edits])
    replay(fresh, [Edit(kind, what) for kind, what in json.loads(written)])
    assert to_text(fresh) == to_text(small)
    assert fresh.edits == small.edits


def test_surgery_of_another_kind_is_refused() -> None:
    with pytest.raises(Problem, match="no surgery is called 'widen'"):
        replay(program("bert"), [Edit("widen", {})])
