"""What may stand at a place of a recipe, read off the types of its models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sparsify.kinds import Kind
from sparsify.pipeline import Pass, PassChoice

Shape: TypeAlias = tuple[Any, ...]
"""The alternatives at one place: types, `Annotated` ones with their bounds, kinds."""


def shape(annotation: Any) -> Shape:
    """The alternatives that an annotation allows, without None."""
    origin = _origin(annotation)
    if origin in (Union, UnionType):
        return tuple(each for one in get_args(annotation) for each in shape(one))
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        choices = tuple(each for each in extra if isinstance(each, Kind | PassChoice))
        if choices:
            return choices
        alternatives = shape(inner)
        return (annotation,) if alternatives == (inner,) else alternatives
    return () if annotation in (None, NoneType) else (annotation,)


def fields(of: Shape) -> dict[str, Shape]:
    """Key -> what it takes, for a place that holds a model."""
    return {
        field.alias or name: _of_field(field)
        for each in map(_bare, of)
        if _is_model(each)
        for name, field in each.model_fields.items()
    }


def choice(of: Shape) -> Kind | PassChoice | None:
    """The choice at a place that takes `name` or `{name: {options}}`."""
    return next((each for each in of if isinstance(each, Kind | PassChoice)), None)


def names(of: Kind | PassChoice) -> list[str]:
    """What a choice can be."""
    return sorted(of.members if isinstance(of, Kind) else Pass.known)


def below(of: Shape, key: str | int) -> Shape:
    """What may stand under `key`; nothing where no such key is known."""
    known = fields(of)
    if key in known:
        return known[str(key)]
    found: list[Any] = []
    for each in of:
        if isinstance(each, Kind) and key in each.members:
            found.append(each.members[str(key)].options)
        elif isinstance(each, PassChoice) and key in Pass.known:
            found.append(Pass.known[str(key)])
        elif isinstance(key, int) and _is_list(each):
            found += shape(get_args(_bare(each))[0])
        elif isinstance(key, str) and _is_mapping(each):
            found += shape(get_args(_bare(each))[1])
    return tuple(found)


def bounds(of: Shape) -> dict[str, Any]:
    """`ge`, `gt`, `le` and `lt` of the numbers that a place takes."""
    found: dict[str, Any] = {}
    for each in of:
        if _origin(each) is Annotated:
            for limit in _limits(get_args(each)[1:]):
                for name in ("ge", "gt", "le", "lt"):
                    if (value := getattr(limit, name, None)) is not None:
                        found[name] = value
    return found


def types(of: Shape) -> set[Any]:
    """The types of a place, without their bounds."""
    return {_bare(each) for each in of if not isinstance(each, Kind | PassChoice)}


def words(of: Shape) -> list[str]:
    """The closed list of texts that a place takes."""
    return [
        word
        for each in map(_bare, of)
        if _origin(each) is Literal
        for word in get_args(each)
        if isinstance(word, str)
    ]


def _of_field(field: FieldInfo) -> Shape:
    if not field.metadata:
        return shape(field.annotation)
    return shape(Annotated[field.annotation, *field.metadata])


def _limits(extra: Iterable[Any]) -> Iterable[Any]:
    for each in extra:
        if isinstance(each, FieldInfo):
            yield from each.metadata
        else:
            yield each


def _bare(each: Any) -> Any:
    return get_args(each)[0] if _origin(each) is Annotated else each


def _is_model(each: Any) -> bool:
    return isinstance(each, type) and issubclass(each, BaseModel)


def _is_list(each: Any) -> bool:
    origin = _origin(_bare(each))
    return isinstance(origin, type) and issubclass(origin, Sequence)


def _is_mapping(each: Any) -> bool:
    origin = _origin(_bare(each))
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _origin(each: Any) -> Any:
    # mypy narrows what `get_origin` returns too far
    return get_origin(each)
