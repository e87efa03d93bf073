"""Two recipes as they were resolved, key by key."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

from sparsify.compare.changes import Comparison, Section, section
from sparsify.run.points import all_passes, numbered, repeated
from sparsify.schema import Loaded


def compare_recipes(old: Loaded, new: Loaded, *, names: tuple[str, str]) -> Comparison:
    """Every key that differs; a value that nobody set is told to be the default."""
    return Comparison(
        kind="recipes", old=names[0], new=names[1], sections=[compared_keys(old, new)]
    )


def compared_keys(old: Loaded, new: Loaded) -> Section:
    """The keys of two recipes that differ in their values."""
    sides = [[each.tag for each in all_passes(loaded)] for loaded in (old, new)]
    again = {tag for tags in sides for tag in repeated(tags)}
    was, then = (keys(loaded, again) for loaded in (old, new))
    for name in was.keys() & then.keys():
        # whether a value was set or is the default makes no difference to a run
        if was[name]["value"] == then[name]["value"]:
            then[name] = was[name]
    # of a pass that is on one side alone, what is set says enough
    lone = {n for n in was.keys() ^ then.keys() if {**was, **then}[n]["default"]}
    was, then = ({n: v for n, v in side.items() if n not in lone} for side in (was, then))
    return section("keys", "keys", was, then)


def keys(loaded: Loaded, again: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Dotted key -> its value, and whether that is the default.

    Args:
        loaded: the recipe.
        again: tags of passes that are numbered: `passes.prune:1.sparsity`.
    """
    recipe, passes = loaded.recipe, all_passes(loaded)
    found = _keys(recipe.model_copy(update={"passes": []}), "")
    names = numbered([each.tag for each in passes], again)
    count = len(recipe.passes)
    found["passes"] = {"value": names[:count], "default": False}
    found["export.passes"] = {"value": names[count:], "default": False}
    for name, each in zip(names, passes, strict=True):
        found |= _keys(each, f"passes.{name}.")
    return found


def _keys(model: BaseModel, prefix: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    dumped = model.model_dump(mode="json")
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found |= _keys(value, f"{prefix}{name}.")
        else:
            default = name not in model.model_fields_set
            found[prefix + name] = {"value": dumped[name], "default": default}
    return found
