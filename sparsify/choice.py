"""The one syntax for choosing something by name in a recipe: `name`, or `name: {options}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError

from sparsify.errors import nearest


def read_choice(
    value: Any, kind: str, known: Mapping[str, type[BaseModel]]
) -> tuple[str, BaseModel]:
    """The name that a recipe's `value` chooses, and its options.

    Args:
        value: as YAML gives it.
        kind: what is chosen, for messages.
        known: the names, and what options each takes.

    Raises:
        PydanticCustomError: there is no such name, or `value` is no choice.
        ValidationError: an option is wrong.
    """
    match value:
        case str():
            name, options = value, None
        case dict() if len(value) == 1:
            ((name, options),) = value.items()
        case _:
            noun = "pass" if kind == "pass" else "name"
            raise PydanticCustomError("choice", f"expected `{noun}` or `{noun}: {{options}}`")
    if name not in known:
        raise PydanticCustomError(
            "unknown_name",
            "no {kind} named {name}",
            {"kind": kind, "name": repr(name), "hint": nearest(str(name), known)},
        )
    return name, known[name].model_validate({} if options is None else options)


def write_choice(name: str, options: BaseModel) -> Any:
    """What `read_choice` reads: the name, with the options that were set."""
    said = options.model_dump(exclude_unset=True)
    return {name: said} if said else name


def choice_schema(
    known: Mapping[str, type[BaseModel]], handler: GetJsonSchemaHandler
) -> dict[str, Any]:
    """The JSON Schema of a choice among `known`."""
    options = {
        name: handler(model.__pydantic_core_schema__) for name, model in sorted(known.items())
    }
    needless = [n for n, o in options.items() if not handler.resolve_ref_schema(o).get("required")]
    return {
        "anyOf": [
            {"enum": needless},
            {
                "type": "object",
                "properties": options,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    }
