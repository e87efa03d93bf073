"""Do recorded surgery again, to a fresh capture of the same model."""

from __future__ import annotations

from collections.abc import Sequence

from sparsify.errors import Problem
from sparsify.program import Edit, Program
from sparsify.surgery.bypass import bypass
from sparsify.surgery.make_constant import replace_products
from sparsify.surgery.narrow import narrow


def replay(program: Program, edits: Sequence[Edit]) -> None:
    """Give `program` the graph and the shapes that it had after `edits`, in place.

    Raises:
        Problem: an edit does not fit the program.
    """
    for edit in edits:
        match edit.kind:
            case "narrow":
                axes = {
                    name: {int(axis): indices for axis, indices in what.items()}
                    for name, what in edit.what.items()
                }
                narrow(program, axes)
            case "make-constant":
                replace_products(program, edit.what)
            case "bypass":
                bypass(program, edit.what)
            case _:
                raise Problem(f"no surgery is called {edit.kind!r}")
