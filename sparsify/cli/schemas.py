"""The verb `schema`: JSON Schemas of recipes, of a run's files, and of what `--json` prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from sparsify.cli import completing, screen
from sparsify.errors import unknown


def _recipe() -> Any:
    from sparsify.schema import json_schema

    return json_schema()


def _report() -> Any:
    from sparsify.report import RunReport

    return RunReport.model_json_schema()


def _history() -> Any:
    from sparsify.history import History

    return History.model_json_schema()


def _plan() -> Any:
    from sparsify.report import PlanReport

    return PlanReport.model_json_schema()


def _show() -> Any:
    from sparsify.export import OnnxSummary
    from sparsify.inspection.shown import ShownDetail, ShownModel
    from sparsify.report import RunReport
    from sparsify.run.unfinished import Unfinished

    zeros = dict[str, float]
    return _of(RunReport | Unfinished | OnnxSummary | ShownDetail | ShownModel | zeros)


def _diff() -> Any:
    from sparsify.compare.changes import Comparison

    return Comparison.model_json_schema()


def _export() -> Any:
    from sparsify.report import Exported

    return Exported.model_json_schema()


def _bench() -> Any:
    from sparsify.report import Latency

    return _of(list[Latency])


def _recipes() -> Any:
    from sparsify.schema.library import BuiltIn

    return _of(dict[str, BuiltIn])


def _passes() -> Any:
    from sparsify.schema.catalog import Catalog

    return _of(Catalog)


def _import_recipe() -> Any:
    from sparsify.importing import ImportFacts

    return _of(ImportFacts)


def _check_plugin() -> Any:
    from sparsify.contract import Outcome

    return _of(dict[str, list[Outcome]])


def _doctor() -> Any:
    from sparsify.doctor import Diagnosis

    return Diagnosis.model_json_schema()


def _sense() -> Any:
    from sparsify.run.sensing.facts import Sensitivity

    return Sensitivity.model_json_schema()


def _of(shape: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(shape).json_schema()


SUBJECTS: dict[str, Callable[[], Any]] = {
    "recipe": _recipe,
    "report": _report,
    "history": _history,
    "run": _report,
    "plan": _plan,
    "show": _show,
    "diff": _diff,
    "export": _export,
    "bench": _bench,
    "sense": _sense,
    "passes": _passes,
    "check-plugin": _check_plugin,
    "recipes": _recipes,
    "import-recipe": _import_recipe,
    "doctor": _doctor,
}
"""What is described: recipes, the files of a run, and by verb what `--json` prints."""


def schema(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="[recipe|report|history|VERB]",
            help="Recipes, report.json, history.json, or what VERB prints with --json.",
            autocompletion=completing.subjects,
        ),
    ] = "recipe",
) -> None:
    """Print the JSON Schema of recipes, of a run's files, or of what a verb prints with --json."""
    if subject not in SUBJECTS:
        raise unknown("schema", subject, SUBJECTS)
    screen.write_json(SUBJECTS[subject]())
