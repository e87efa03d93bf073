"""A pass with its options, as a recipe would give them."""

from __future__ import annotations

from collections.abc import Sequence

from sparsify.pipeline import Pass
from sparsify.schema import parse


def made(tag: str, overrides: Sequence[str] = ()) -> Pass:
    """The pass `tag` with its defaults, and what `overrides` (`passes.TAG.KEY=VALUE`) set.

    Raises:
        Problem: it cannot go without an option that is not set, or one is wrong.
    """
    mine = [each for each in overrides if each.partition("=")[0].startswith(f"passes.{tag}.")]
    (found,) = parse({"passes": [tag]}, mine).passes
    return found
