"""Passes run in order, are measured, and are held to their promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import pytest
import torch
from pydantic import BaseModel, ValidationError

from sparsify.errors import Problem, Violation
from sparsify.pipeline import Pass, PassChoice, Report, Step, apply
from sparsify.program import Program
from tests.sparsify.programs import Toy, program


@pytest.fixture(autouse=True)
def _own_passes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Pass, "known", dict(Pass.known))
    return


def made() -> dict[str, type[Pass]]:
    """Passes that behave and misbehave."""

    class ZeroHead(Pass):
        """Zeroes the bias of the head."""

        by: float = 0.0

        def run(self, program: Program) -> Report:
            with torch.no_grad():
                program.tensor("head.bias").mul_(self.by)
            return Report(did={"head.bias": "zeroed"}, facts={"seen": 1.0})

    class Liar(ZeroHead):
        exact: ClassVar[bool] = True

    class Refuses(Pass):
        exact: ClassVar[bool] = True
        place: str = ""

        def run(self, program: Program) -> Report:
            raise Problem("no", where=self.place, hint="say yes")

    class Breaks(Pass):
        def run(self, program: Program) -> Report:
            program.graph.get_attr("head.bias")
            return Report()

    return {"zero": ZeroHead, "lies": Liar, "refuses": Refuses, "breaks": Breaks}


def test_a_tag_is_the_name_of_the_class() -> None:
    assert [cls.tag for cls in made().values()] == ["zero-head", "liar", "refuses", "breaks"]


def test_two_passes_cannot_share_a_tag() -> None:
    made()

    def again() -> None:
        class Refuses(Pass):
            def run(self, program: Program) -> Report:
                return Report()

    with pytest.raises(TypeError, match="the name 'refuses' is taken by the pass"):
        again()


def test_steps_tell_what_was_done_and_measured() -> None:
    seen: list[Step] = []
    found = program(Toy)
    zero = made()["zero"]
    steps = apply([zero(), zero(by=0.0)], found, after=seen.append)
    assert steps == seen
    first = steps[0]
    assert (first.tag, first.options) == ("zero-head", {"by": 0.0})
    assert first.report.did == {"head.bias": "zeroed"}
    assert first.nodes == (len(found.graph.nodes),) * 2
    assert first.parameters == (found.parameter_count(),) * 2
    assert first.seconds > 0
    told = first.told()
    assert (told.tag, told.facts, told.nodes) == ("zero-head", {"seen": 1.0}, first.nodes)


def test_a_promise_of_exactness_is_held() -> None:
    with pytest.raises(Violation) as caught:
        apply([made()["lies"]()], program(Toy))
    assert str(caught.value) == "liar promised exact outputs and changed them"
    apply([made()["lies"]()], program(Toy), check=False)


def test_the_spec_is_checked_after_every_pass() -> None:
    seen: list[Step] = []
    passes = made()
    with pytest.raises(Violation, match=r"^after breaks: @head.bias is read by nothing \["):
        apply([passes["breaks"](), passes["zero"]()], program(Toy), after=seen.append)
    assert seen == []
    apply([passes["breaks"]()], program(Toy), check=False)


@pytest.mark.parametrize(
    ("place", "said"),
    [("", "passes[1]: no; say yes"), ("key", "passes[1]: key: no; say yes")],
)
def test_a_problem_gets_the_place_of_its_pass_and_nothing_runs_after(place: str, said: str) -> None:
    seen: list[Step] = []
    passes = made()
    found = program(Toy)
    bias = found.tensor("head.bias").detach().clone()
    with pytest.raises(Problem) as caught:
        apply(
            [passes["zero"](by=2.0), passes["refuses"](place=place), passes["zero"]()],
            found,
            after=seen.append,
        )
    assert str(caught.value) == said
    assert [step.tag for step in seen] == ["zero-head"]
    assert torch.equal(found.tensor("head.bias"), 2 * bias)


class Listed(BaseModel):
    passes: list[Annotated[Pass, PassChoice()]]


@pytest.mark.parametrize("written", ["clean", {"prune": {"criterion": "magnitude", "sparsity": 1}}])
def test_a_recipe_is_read_and_written(written: Any) -> None:
    found = Listed(passes=[written])
    assert Listed.model_validate(found.model_dump()) == found
    assert found.model_dump()["passes"] == [written]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("claen", "no pass named 'claen'"),
        ([], "expected `pass` or `pass: {options}`"),
        ({"clean": {"a": 1}}, "Extra inputs are not permitted"),
        ({"prune": {"criterion": "magnitude"}}, "Field required"),
    ],
)
def test_a_mistake_in_a_recipe_is_named(written: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Listed(passes=[written])
    assert caught.value.errors()[0]["msg"] == said


def test_a_pass_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        made()["zero"]().by = 3.0  # type: ignore[attr-defined]
