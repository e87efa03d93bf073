"""Keys of `train` and `data` as Hugging Face's programs call them -> as recipes do."""

from __future__ import annotations

from collections.abc import Mapping

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
"""Those of TrainingArguments; such as `learning_rate` that both share need none."""
OF_DATA = {
    "train_file": "train",
    "validation_file": "validation",
    "dataset_name": "hub",
    "dataset_config_name": "subset",
    "max_seq_length": "max_length",
    "doc_stride": "stride",
    "block_size": "max_length",
    "mlm_probability": "hidden",
    "label_column_name": "label",
    "max_train_samples": "train_rows",
    "max_eval_samples": "validation_rows",
}
"""Those of the example programs `run_glue.py`, `run_qa.py`, `run_ner.py`, `run_mlm.py`..."""
SECTIONS = {("train",): ALIASES, ("teacher", "fine_tune"): ALIASES, ("data",): OF_DATA}


def canonical(tree: Table) -> Table:
    """The tree with every alias under the recipe's own name.

    Raises:
        Problem: a value is there under both names.
    """
    for path, aliases in SECTIONS.items():
        tree = _within(tree, path, aliases)
    return tree


def canonical_elements(elements: tuple[str, ...]) -> tuple[str, ...]:
    """The same for the elements of a dotted key."""
    for path, aliases in SECTIONS.items():
        depth = len(path)
        if elements[:depth] == path and len(elements) > depth:
            name = aliases.get(elements[depth], elements[depth])
            return (*path, name, *elements[depth + 1 :])
    return elements


def _within(table: Table, path: tuple[str, ...], aliases: Mapping[str, str]) -> Table:
    if not path:
        return _renamed(table, aliases)
    entry = table.entries.get(path[0])
    if entry is None or not isinstance(entry.node, Table):
        return table
    inner = Entry(entry.key, _within(entry.node, path[1:], aliases))
    return Table(table.spot, {**table.entries, path[0]: inner})


def _renamed(table: Table, aliases: Mapping[str, str]) -> Table:
    found: dict[str, Entry] = {}
    for key, entry in table.entries.items():
        name = aliases.get(key, key)
        if name in found:
            both = f"`{key}` and `{name}`" if key != name else _spelled(table, name, aliases)
            raise Problem(f"{both} are one key", where=str(entry.key), hint=f"keep `{name}`")
        found[name] = entry
    return Table(table.spot, found)


def _spelled(table: Table, name: str, aliases: Mapping[str, str]) -> str:
    alias = next(key for key in table.entries if aliases.get(key) == name)
    return f"`{alias}` and `{name}`"
