"""Keys of `train` as Hugging Face's TrainingArguments call them -> as recipes do."""

from __future__ import annotations

from sparsify.errors import Problem
from sparsify.schema.nodes import Entry, Table

ALIASES = {
    "per_device_train_batch_size": "batch",
    "num_train_epochs": "epochs",
    "max_steps": "steps",
    "warmup_ratio": "warmup",
    "eval_steps": "evaluate_every",
    "save_steps": "checkpoint_every",
    "logging_steps": "log_every",
}
"""Names that both share, such as `learning_rate` and `weight_decay`, need none."""
SECTIONS = (("train",), ("teacher", "fine_tune"))


def canonical(tree: Table) -> Table:
    """The tree with every alias under the recipe's own name.

    Raises:
        Problem: a value is there under both names.
    """
    for path in SECTIONS:
        tree = _within(tree, path)
    return tree


def canonical_elements(elements: tuple[str, ...]) -> tuple[str, ...]:
    """The same for the elements of a dotted key."""
    for path in SECTIONS:
        depth = len(path)
        if elements[:depth] == path and len(elements) > depth:
            name = ALIASES.get(elements[depth], elements[depth])
            return (*path, name, *elements[depth + 1 :])
    return elements


def _within(table: Table, path: tuple[str, ...]) -> Table:
    if not path:
        return _renamed(table)
    entry = table.entries.get(path[0])
    if entry is None or not isinstance(entry.node, Table):
        return table
    inner = Entry(entry.key, _within(entry.node, path[1:]))
    return Table(table.spot, {**table.entries, path[0]: inner})


def _renamed(table: Table) -> Table:
    found: dict[str, Entry] = {}
    for key, entry in table.entries.items():
        name = ALIASES.get(key, key)
        if name in found:
            both = f"`{key}` and `{name}`" if key != name else _spelled(table, name)
            raise Problem(f"{both} are one key", where=str(entry.key), hint=f"keep `{name}`")
        found[name] = entry
    return Table(table.spot, found)


def _spelled(table: Table, name: str) -> str:
    alias = next(key for key in table.entries if ALIASES.get(key) == name)
    return f"`{alias}` and `{name}`"
