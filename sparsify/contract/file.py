"""Every pass and method of a file, checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sparsify import kinds
from sparsify.contract.check import Outcome, check_pass
from sparsify.contract.method import check_method
from sparsify.contract.options import made
from sparsify.errors import Problem
from sparsify.plugin_files import load_file


def check_file(file: Path, sets: Sequence[str]) -> dict[str, list[Outcome]]:
    """Pass or method of `file` -> its checks.

    Raises:
        Problem: the file cannot be loaded, or a pass needs an option that `sets` do not give.
    """
    plugin = load_file(file)
    found = {}
    for cls in plugin.passes:
        try:
            each = made(cls.tag, sets)
        except Problem as problem:
            hint = problem.hint or f"give it with `--set passes.{cls.tag}.KEY=VALUE`"
            raise Problem(problem.what, where=str(file), hint=hint) from None
        found[f"pass {cls.tag}"] = check_pass(each)
    for kind in kinds.KINDS:
        for member in plugin.methods.get(kind.name, ()):
            found[f"{kind.name} {member.name}"] = check_method(kind, member)
    return found
