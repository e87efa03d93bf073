"""Data sets of the Hugging Face hub as tables."""

from __future__ import annotations

from typing import Any

from sparsify.data.table import Table
from sparsify.errors import Problem, nearest


def read(
    name: str, subset: str | None, label: str
) -> tuple[Table, Table | None, tuple[str, ...] | None]:
    """The train and validation rows of a hub data set, and the names of its classes if it has them.

    Raises:
        Problem: the hub cannot be reached, or has no such data set, subset or train rows.
    """
    splits = _download(name, subset)
    source = f"{name}/{subset}" if subset else name
    if "train" not in splits:
        raise Problem("no train rows", where=source, hint=f"it has: {', '.join(splits)}")
    column = splits["train"].features.get(label)
    names = getattr(getattr(column, "feature", column), "names", None)
    tables = [
        Table(f"{source} {split}", _columns(splits[split], label, names))
        if split in splits
        else None
        for split in ("train", "validation")
    ]
    assert tables[0] is not None
    return tables[0], tables[1], tuple(names) if names else None


def _columns(rows: Any, label: str, names: list[str] | None) -> dict[str, list[Any]]:
    """The cells by column, class ids replaced by their names where these are known."""
    columns: dict[str, list[Any]] = {column: list(rows[column]) for column in rows.column_names}
    if names and label in columns:
        columns[label] = [_named(cell, names) for cell in columns[label]]
    return columns


def _named(cell: Any, names: list[str]) -> Any:
    """The name of a class, or of each in a list; what is no class stays as it is."""
    if isinstance(cell, list):
        return [_named(each, names) for each in cell]
    return names[cell] if 0 <= cell < len(names) else cell


def _download(name: str, subset: str | None) -> Any:
    import datasets
    from datasets.exceptions import DatasetNotFoundError

    try:
        return datasets.load_dataset(name, subset)
    except DatasetNotFoundError:
        raise Problem(
            "the hub has no such data set", where=name, hint="local files go under data.train"
        ) from None
    except ConnectionError:
        raise Problem(
            "the hub cannot be reached and the data set is not cached here",
            where=name,
            hint="use local files under data.train",
        ) from None
    except ValueError as error:
        if "BuilderConfig" not in str(error) and "Config name" not in str(error):
            raise
        known = datasets.get_dataset_config_names(name)
        if subset is None:
            raise Problem(
                "data.subset is missing", where=name, hint=f"known: {', '.join(known)}"
            ) from None
        raise Problem(
            f"no subset named {subset!r}", where=name, hint=nearest(subset, known)
        ) from None
