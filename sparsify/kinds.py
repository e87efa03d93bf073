"""Every place where a small pure function can be added, on one page.

A *kind* is a family of functions that answer one question; defining a member registers it. Its
positional parameters name what it is given; its keyword-only parameters are its recipe keys:

    @criterion
    def magnitude(weight, *, power=1.0): ...      # recipe:  criterion: {magnitude: {power: 2}}
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from sparsify.choice import choice_schema, read_choice, write_choice
from sparsify.errors import Clash

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Member:
    """One function of a kind, with what it is given and the recipe keys it takes."""

    name: str
    function: Callable[..., Any]

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The names of its positional parameters: what must be supplied when it is called."""
        parameters = inspect.signature(self.function).parameters.values()
        return tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)

    @cached_property
    def options(self) -> type[BaseModel]:
        """Its keyword-only parameters as a model; unknown keys are refused."""
        hints = get_type_hints(self.function, include_extras=True)
        parameters = inspect.signature(self.function).parameters.values()
        fields: dict[str, Any] = {
            p.name: (hints[p.name], ... if p.default is p.empty else p.default)
            for p in parameters
            if p.kind is p.KEYWORD_ONLY
        }
        config = ConfigDict(extra="forbid", frozen=True)
        return create_model(self.name, __config__=config, __doc__=self.text, **fields)

    @property
    def text(self) -> str:
        """Its docstring."""
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return self.text.partition("\n")[0]


@dataclass(frozen=True)
class Kind:
    """A named family of functions; used as a decorator it adds one, used as an annotation
    (`Annotated[Chosen, criterion]`) it reads `name` or `{name: {options}}` from a recipe.
    """

    name: str
    question: str
    given: tuple[str, ...]
    members: dict[str, Member] = field(default_factory=dict, hash=False, compare=False)

    def __call__(self, function: Function) -> Function:
        member = Member(function.__name__.replace("_", "-"), function)
        if strangers := [name for name in member.given if name not in self.given]:
            raise TypeError(
                f"{self.name} {member.name!r} asks for {strangers}; it is given {self.given}"
            )
        if member.name in self.members:
            rival = self.members[member.name].function.__module__
            raise Clash(f"the {self.name} {member.name!r} is taken by one of {rival}")
        self.members[member.name] = member
        return function

    def choose(self, name: str, **options: Any) -> Chosen:
        """A member with its options bound, validated as a recipe's would be."""
        return self._read({name: options})

    def _read(self, value: Any) -> Chosen:
        if isinstance(value, Chosen):
            return value
        known = {name: member.options for name, member in self.members.items()}
        name, options = read_choice(value, self.name, known)
        return Chosen(self, self.members[name], options)

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(Chosen.to_recipe),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        known = {name: member.options for name, member in self.members.items()}
        return {"description": self.question, "x-kind": self.name, **choice_schema(known, handler)}


@dataclass(frozen=True)
class Chosen:
    """One member of a kind with its options bound: what a recipe field holds."""

    kind: Kind
    member: Member
    options: BaseModel

    @property
    def name(self) -> str:
        return self.member.name

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be supplied at call time."""
        return self.member.given

    def __call__(self, **supplied: Any) -> Any:
        given = {need: supplied[need] for need in self.needs}
        return self.member.function(**given, **dict(self.options))

    def to_recipe(self) -> Any:
        """`name`, or `{name: {options}}` with the options that were set."""
        return write_choice(self.name, self.options)

    def __str__(self) -> str:
        options = ", ".join(
            f"{k}={v}" for k, v in self.options.model_dump(exclude_unset=True).items()
        )
        return f"{self.name}({options})" if options else self.name


criterion = Kind(
    "criterion",
    "how much does each weight matter?",
    ("weight", "name", "scores", "gradient", "input_norm", "unit_gradients"),
)
pattern = Kind("pattern", "which weights may be zero together?", ("scores", "program"))
schedule = Kind("schedule", "how far along is pruning at time t in [0, 1]?", ("t",))
loss = Kind("loss", "how far is the student from the teacher?", ("student", "teacher"))
lowering = Kind(
    "lowering",
    "how is a weight stored and computed in ONNX?",
    ("array", "usual_tokens", "may_time", "eight_bits"),
)

KINDS = (criterion, pattern, schedule, loss, lowering)
