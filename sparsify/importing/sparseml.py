"""SparseML's two dialects and llm-compressor's, which is the second: groups of modifiers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sparsify.errors import Problem
from sparsify.importing import one_shot, pruning, training
from sparsify.importing.draft import Draft, Length
from sparsify.importing.keys import Keys, keys_of
from sparsify.importing.reading import put_in
from sparsify.importing.rows import Account, Row, shown
from sparsify.schema.nodes import Entry, Items, Node, Scalar, Table

QUANTIZED = (
    "training does not know quantised numbers; `export.lowering: {sparse: {values: int8}}` "
    "stores int8 afterwards"
)
LOST = {
    "QuantizationModifier": QUANTIZED,
    "LegacyQuantizationModifier": QUANTIZED,
    "GPTQModifier": QUANTIZED,
    "AWQModifier": QUANTIZED,
    "SmoothQuantModifier": QUANTIZED,
    "ACDCPruningModifier": "phases of dense and sparse training (AC/DC) are not here",
    "MFACPruningModifier": "matrix-free curvature (M-FAC) is not here; see `obert`",
    "RigLPruningModifier": "masks that regrow by gradients (RigL) are not here",
    "TopKASTPruningModifier": "sparse gradients (Top-KAST) are not here",
    "StructuredPruningModifier": "filters are pruned by `prune: {pattern: neuron}` here",
    "LayerPruningModifier": "layers are dropped by `drop-layers` here, by place or by number",
    "PowerpropagationModifier": "weights are not raised to a power here",
}
NEEDLESS = {"SparsificationLoggingModifier": "runs are logged whole here"}
HANDLERS: dict[str, Callable[[Keys, Draft], None]] = {
    "EpochRangeModifier": training.epoch_range,
    "SetWeightDecayModifier": training.weight_decay,
    "TrainableParamsModifier": training.trainable,
    "DistillationModifier": training.distillation,
    "GMPruningModifier": pruning.gradual("magnitude"),
    "MagnitudePruningModifier": pruning.gradual("magnitude"),
    "GlobalMagnitudePruningModifier": pruning.gradual("magnitude", "global"),
    "MovementPruningModifier": pruning.gradual("movement"),
    "ConstantPruningModifier": pruning.constant,
    "OBSPruningModifier": one_shot.obs,
    "SparseGPTModifier": one_shot.sparse_gpt,
    "WandaPruningModifier": one_shot.wanda,
}
AT_ONCE = {"SparseGPTModifier", "WandaPruningModifier", "ConstantPruningModifier", *LOST}
"""Modifiers that need no training."""
RATES = ("LearningRateFunctionModifier", "SetLearningRateModifier", "LearningRateModifier")


@dataclass(frozen=True)
class Modifier:
    """One modifier of an old recipe."""

    name: str
    keys: Keys


def is_sparseml(tree: Table) -> bool:
    """Whether a recipe has groups of modifiers, at its top or in stages."""
    return any(True for _ in _groups("", tree))


def read_sparseml(tree: Table, length: Length, account: Account) -> Draft:
    """The draft of a recipe in either dialect; every key goes to `account`.

    Raises:
        Problem: a modifier that is not one, or values that mean nothing.
    """
    variables = _variables(tree)
    used: set[str] = set()
    modifiers = [
        Modifier(
            name, keys_of(account, path, Entry(entry.key, put_in(entry.node, variables, used)))
        )
        for path, name, entry in _modifiers(tree)
    ]
    _tell_others(tree, used, account)
    trains = any(each.name not in AT_ONCE for each in modifiers)
    draft = Draft(_epochs(modifiers, length) if trains else None, length.steps_per_epoch)
    training.learning_rates([each.keys for each in modifiers if each.name in RATES], draft)
    for each in modifiers:
        if each.name in HANDLERS:
            HANDLERS[each.name](each.keys, draft)
            each.keys.close()
        elif each.name in NEEDLESS:
            _whole(each, NEEDLESS[each.name], needless=True)
        elif each.name not in RATES:
            why = LOST.get(each.name, f"no modifier {each.name} is known here")
            _whole(each, why)
    return draft


def _groups(path: str, tree: Table) -> Iterator[tuple[str, Entry]]:
    """The path and the value of every group of modifiers."""
    for key, entry in tree.entries.items():
        inner = f"{path}.{key}".lstrip(".")
        if key.endswith("modifiers"):
            yield inner, entry
        elif isinstance(entry.node, Table) and not path:
            yield from _groups(inner, entry.node)


def _modifiers(tree: Table) -> Iterator[tuple[str, str, Entry]]:
    for path, group in _groups("", tree):
        for table in group.node.items if isinstance(group.node, Items) else [group.node]:
            if isinstance(table, Scalar) and table.value is None:
                continue
            if not isinstance(table, Table):
                raise Problem(
                    f"{path}: expected modifiers such as `!MagnitudePruningModifier`",
                    where=str(table.spot),
                )
            for name, entry in table.entries.items():
                yield f"{path}.{name}", name, entry


def _variables(tree: Table) -> dict[str, Node]:
    """Names with plain values, at the top and in stages."""
    tables = [tree, *(e.node for e in tree.entries.values() if isinstance(e.node, Table))]
    return {
        key: entry.node
        for table in tables
        for key, entry in table.entries.items()
        if not isinstance(entry.node, Table) and not key.endswith("modifiers")
    }


def _tell_others(tree: Table, used: set[str], account: Account, path: str = "") -> None:
    """A row for everything that is no modifier."""
    for key, entry in tree.entries.items():
        inner = f"{path}.{key}".lstrip(".")
        if key.endswith("modifiers"):
            continue
        if isinstance(entry.node, Table) and any(True for _ in _groups("-", entry.node)):
            _tell_others(entry.node, used, account, inner)
        elif key in used:
            says = "its value stands where it is used"
            account.rows.append(Row(inner, shown(entry.node), says, "same", "", entry.key))
        elif key == "run_type":
            why = "passes run where they stand, and train says whether there is training"
            account.rows.append(Row(inner, shown(entry.node), "", "needless", why, entry.key))
        else:
            account.rows.append(
                Row(inner, shown(entry.node), "", "needless", "nothing reads it", entry.key)
            )


def _epochs(modifiers: list[Modifier], length: Length) -> float | None:
    """The length of the run: as it says itself, else as is given, else to the last end."""
    ends = [
        end
        for each in modifiers
        for name in ("end_epoch", "end")
        if (end := each.keys.number(name, 0.0)) and end > 0
    ]
    said = [
        each.keys.number("end_epoch") for each in modifiers if each.name == "EpochRangeModifier"
    ]
    return next((end for end in said if end), None) or length.epochs or max(ends, default=None)


def _whole(modifier: Modifier, why: str, *, needless: bool = False) -> None:
    keys = modifier.keys
    for name in list(keys.table.entries):
        if needless:
            keys.needless(name, why)
        keys.lost(name, why)
    if not keys.table.entries:
        keys.whole("needless" if needless else "lost", why)
