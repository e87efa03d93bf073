"""What a pass is, what it reports, and how passes run one after another."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sparsify.choice import choice_schema, read_choice, write_choice
from sparsify.errors import Clash, Problem, Violation
from sparsify.program import Program
from sparsify.report import PassReport
from sparsify.sameness import Witness
from sparsify.verify import verify


@dataclass
class Report:
    """What one pass did, told by the pass. Keys are weight or node names."""

    did: dict[str, str] = field(default_factory=dict)
    """What was changed, and how."""
    left: dict[str, str] = field(default_factory=dict)
    """A candidate that was left alone, and why."""
    facts: dict[str, float] = field(default_factory=dict)
    """Numbers worth a column, the unit in the name: `sparsity_fraction`, `size_bytes`."""


@dataclass
class Step:
    """One pass that ran: its report, and what the pipeline measured around it."""

    tag: str
    options: dict[str, Any]
    report: Report
    seconds: float
    nodes: tuple[int, int]
    """Graph nodes before and after."""
    parameters: tuple[int, int]
    """Parameters before and after."""

    def told(self) -> PassReport:
        """The same, as part of a report."""
        return PassReport(
            tag=self.tag,
            options=self.options,
            did=self.report.did,
            left=self.report.left,
            facts=self.report.facts,
            seconds=self.seconds,
            nodes=self.nodes,
            parameters=self.parameters,
        )


class Pass(BaseModel, ABC):
    """A named rewrite of a Program. Its fields are its recipe keys.

    `run` edits the program in place. It may assume that the spec (verify.py) holds and must leave
    it holding; it keeps the inputs and the shapes of the outputs; running it twice equals running
    it once. What must happen while training goes into `program.plan`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    tag: ClassVar[str] = ""
    """The name in recipes: `InsertMasks` is `insert-masks`."""
    exact: ClassVar[bool] = False
    """A promise that outputs do not change at all; the pipeline holds the pass to it."""
    tolerance: ClassVar[float] = 0.0
    """How far an exact pass may change outputs, as a share of the largest number: for sums that are
    taken in another order."""
    calibrates: ClassVar[bool] = False
    """Whether it needs samples of the data, whatever its fields."""
    known: ClassVar[dict[str, type[Pass]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.tag = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        rival = Pass.known.setdefault(cls.tag, cls)
        if (rival.__module__, rival.__qualname__) != (cls.__module__, cls.__qualname__):
            taken = f"the name {cls.tag!r} is taken by the pass {rival.__qualname__}"
            raise Clash(f"{taken} of {rival.__module__}")
        Pass.known[cls.tag] = cls

    @property
    def structural(self) -> bool:
        """Whether it follows channels or blocks through the graph, which then must be as in a run:
        a plan of other passes captures the model at fixed sizes, in half the time.
        """
        return False

    @abstractmethod
    def run(self, program: Program) -> Report:
        """Rewrite `program` in place, and tell what was done, what was left alone, and why.

        Raises:
            Problem: a mistake of the user; `where` names the key of the pass that it is in.
        """


class PassChoice:
    """As an annotation (`Annotated[Pass, PassChoice()]`): reads `tag` or `{tag: {fields}}`."""

    @staticmethod
    def _read(value: Any) -> Pass:
        if isinstance(value, Pass):
            return value
        _, found = read_choice(value, "pass", Pass.known)
        assert isinstance(found, Pass)
        return found

    @staticmethod
    def _write(value: Pass) -> Any:
        return write_choice(value.tag, value)

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(self._write),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return choice_schema(Pass.known, handler)


def apply(
    passes: Iterable[Pass],
    program: Program,
    *,
    check: bool = True,
    after: Callable[[Step], None] = lambda step: None,
    at: Callable[[int, str], str] = lambda number, key: f"passes[{number}]{key and f': {key}'}",
) -> list[Step]:
    """Run `passes` on `program`, in place, and return what each did.

    With `check` the spec is verified after every pass, and outputs are compared around those that
    promise to be `exact`. `after` is called after each pass: where a terminal view hooks in. `at`
    tells where in a recipe a key of the numbered pass stands.

    Raises:
        Problem: a pass met a user's mistake; the message names the pass.
        Violation: a pass broke the spec or its promise.
    """
    steps = []
    for number, each in enumerate(passes):
        witness = Witness(program, each.tolerance) if check and each.exact else None
        nodes, parameters = len(program.graph.nodes), program.parameter_count()
        started = time.perf_counter()
        report = _run(each, program, partial(at, number))
        seconds = time.perf_counter() - started
        program.module.recompile()
        if check:
            verify(program, after=each.tag)
        if witness is not None and not witness.agrees(program):
            raise Violation(f"{each.tag} promised exact outputs and changed them")
        sizes = (nodes, len(program.graph.nodes)), (parameters, program.parameter_count())
        step = Step(each.tag, each.model_dump(mode="json"), report, seconds, *sizes)
        after(step)
        steps.append(step)
    return steps


def _run(each: Pass, program: Program, at: Callable[[str], str]) -> Report:
    """Run one pass; a problem's `where` is a key of the pass, or empty."""
    try:
        return each.run(program)
    except Problem as problem:
        raise Problem(problem.what, where=at(problem.where), hint=problem.hint) from None
