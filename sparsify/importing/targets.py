"""What other tools call weights -> our targets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

EVERYTHING = ("__ALL_PRUNABLE__", "__ALL__", "Linear")
"""Words that mean every product."""
IS_CLASS = re.compile(r"[A-Z]\w*$")
"""A module's class, such as `LayerNorm`: no parameter is called so."""
WHOLE = re.compile(r"(weight|\.\*)\$?$")
"""How a pattern ends that means the same whether the rest of a name may follow or not."""


def parameters(names: Iterable[str]) -> list[str]:
    """Names of parameters, where `re:` matches from the beginning, as targets.

    `__ALL_PRUNABLE__` and `__ALL__` are `*`: of what they name, only products can have masks.
    """
    made = []
    for name in names:
        if name in EVERYTHING:
            made.append("*")
        elif name.startswith("re:"):
            made.append(name if WHOLE.search(name) or name.endswith("$") else f"{name}.*")
        else:
            made.append(name)
    return _distinct(made)


def modules(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names of modules as targets on the weights inside, and the names that mean none.

    A module is named in full, by `re:` from its beginning, or by its class.
    """
    made, unknown = [], []
    for name in names:
        if name in EVERYTHING:
            made.append("*")
        elif name.startswith("re:") or not IS_CLASS.match(name):
            made.append(f"re:{inside(name)}")
        else:
            unknown.append(name)
    return _distinct(made), unknown


def inside(name: str) -> str:
    """A pattern for the weights inside the module that `name` means."""
    if not name.startswith("re:"):
        return rf"{re.escape(name)}(\..*)?\.weight"
    if name.endswith("$"):
        return rf"{name[3:-1]}(\..*)?\.weight"
    if name.endswith("weight"):
        return name[3:]
    return rf"{name[3:]}.*\.weight"


def without(targets: Sequence[str], ignored: Sequence[str]) -> list[str]:
    """`targets` less the modules in `ignored`; classes there are no products and are left out."""
    patterns = [inside(name) for name in ignored if name.startswith("re:") or "." in name]
    patterns += [inside(name) for name in ignored if re.match(r"[a-z_]\w*$", name)]
    if not patterns:
        return list(targets)
    ahead = "".join(f"(?!{pattern}$)" for pattern in patterns)
    return [f"re:{ahead}{_expression(target)}" for target in targets]


def _expression(target: str) -> str:
    if target.startswith("re:"):
        return target[3:]
    return ".*" if target == "*" else re.escape(target)


def _distinct(made: Sequence[str]) -> list[str]:
    return ["*"] if "*" in made else list(dict.fromkeys(made))
