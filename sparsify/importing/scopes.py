"""What NNCF calls parts of a network, by classes of modules, as roles."""

from __future__ import annotations

import re

from sparsify.importing.keys import Keys
from sparsify.importing.rows import listed

SCOPES = {
    "pooler": r"pooler",
    "head": r"classifier|qa_outputs|lm_head",
    "embedding": r"embedding",
    "vector": r"layer_?norm",
    "attention": r"attention",
    "ffn.up": r"intermediate",
    "ffn.down": r"output",
}
"""Role -> what a scope of it says; the first that fits, for scopes name classes of modules."""
ALWAYS_OUT = {"embedding", "vector"}
"""Roles that `insert-masks` never means: they are no products."""


def targets_of(keys: Keys) -> list[str]:
    """What is pruned: all products but those of ignored scopes, by role."""
    scopes = keys.words("ignored_scopes")
    found = {scope: _role(scope) for scope in scopes}
    unknown = [scope for scope, role in found.items() if not role]
    out = {role for role in found.values() if role}
    made = ["*"] if not out - ALWAYS_OUT else _roles(out)
    if unknown:
        why = f"no role is known for {listed(unknown)}"
        keys.near("ignored_scopes", f"targets: {listed(made)}", why)
    keys.same("ignored_scopes", f"targets: {listed(made)}")
    keys.needless("target_scopes", "targets say it")
    return made


def _roles(out: set[str]) -> list[str]:
    """The roles that are left when some are taken out."""
    outward = [role for role in ("pooler", "head") if role not in out]
    body = {"attention", "ffn.up", "ffn.down"}
    if not out & body:
        return ["body", *outward]
    return [*sorted(body - out), *outward]


def _role(scope: str) -> str:
    words = re.sub(r"^\{re\}", "", scope).lower()
    return next((role for role, pattern in SCOPES.items() if re.search(pattern, words)), "")
