"""Programs of many architectures, captured once each, for tests that change none."""

from __future__ import annotations

from functools import cache

from torch import nn

from benchmarks.zoo.configs import ROWS
from sparsify.capture import capture
from sparsify.models import example_inputs
from sparsify.models.source import Source
from sparsify.program import Program

MAKE = {row.name: row.make for row in ROWS}


@cache
def captured(name: str) -> tuple[nn.Module, Program]:
    """The tiny model of a row of the zoo, and its program."""
    model = MAKE[name]().eval()
    source = Source(model, getattr(model, "config", None), None, name, None)
    return model, capture(model, *example_inputs(source))


def program(name: str) -> Program:
    return captured(name)[1]
