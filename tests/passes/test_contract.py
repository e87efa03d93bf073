"""What every pass owes, whichever it is: nobody can forget it for a new one."""

from __future__ import annotations

import pytest

from sparsify.contract import check_method, check_pass, made
from sparsify.kinds import KINDS
from sparsify.pipeline import Pass

OURS = sorted(tag for tag, cls in Pass.known.items() if cls.__module__.startswith("passes."))
METHODS = [
    (kind, member)
    for kind in KINDS
    for member in kind.members.values()
    if member.function.__module__.startswith("passes.")
]
FILLED = {
    "fisher-masks": ["sparsity=0.5"],
    "drop-layers": ["which=top", "count=1"],
    "obert": ["sparsity=0.5", "targets=[attention.query]"],
    "prune": ["criterion=magnitude", "sparsity=0.5"],
    "soft-prune": ["regularization=100"],
    "sparsegpt": ["sparsity=0.5"],
}
"""Options of the passes that cannot go without."""


@pytest.mark.parametrize("tag", OURS)
def test_a_pass_of_ours_keeps_the_contract(tag: str) -> None:
    options = [f"passes.{tag}.{option}" for option in FILLED.get(tag, [])]
    found = check_pass(made(tag, options))
    assert not [f"{each.check}, {each.model}: {each.fault}" for each in found if each.fault]


@pytest.mark.parametrize(("kind", "member"), METHODS, ids=lambda each: each.name)
def test_a_method_of_ours_keeps_the_contract(kind, member) -> None:  # type: ignore[no-untyped-def]
    assert not [f"{each.check}: {each.fault}" for each in check_method(kind, member) if each.fault]
