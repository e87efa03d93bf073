"""`README.md` of a result: what it is, what was measured, how to load it, its limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sparsify.atomic import write_text
from sparsify.models.folders import PACKAGE
from sparsify.models.heads import CLASSES
from sparsify.recipe import Recipe
from sparsify.report import RunReport, Scores
from sparsify.saving import is_saved
from sparsify.schema import Loaded

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

CARD = "README.md"


def keep_card(folder: Path, report: RunReport, loaded: Loaded) -> None:
    """Write the model card of a run to its folder."""
    write_text(folder / CARD, card(report, loaded.recipe, folder, loaded.text))


def card(report: RunReport, recipe: Recipe, folder: Path, text: str) -> str:
    """The model card of a run.

    Args:
        report: what the run found out; every figure comes from it.
        recipe: what it did.
        folder: where its files are.
        text: the recipe as YAML.
    """
    from huggingface_hub import ModelCardData

    plain = (folder / "config.json").is_file() and not is_saved(str(folder))
    hub = _hub_name(report.model)
    task = recipe.data.task if recipe.data is not None else None
    data = ModelCardData(
        model_name=folder.absolute().name,
        base_model=hub or None,
        library_name="transformers" if plain else None,
        pipeline_tag=task,
        tags=["sparsify", "pruning", "onnx", *([task] if task else [])],
        eval_results=_results(report, recipe),
    )
    parts = [
        f"---\n{data.to_yaml()}\n---\n\n# {folder.absolute().name}",
        f"`{_short(report.model)}` after the recipe `{report.recipe}` of sparsify. "
        + _sparsity(report),
        _figures(report),
        f"## How to load it\n\n{_loading(plain, recipe)}",
        f"## Recipe\n\n```yaml\n{_shared(text, recipe).strip()}\n```",
        _limits(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _results(report: RunReport, recipe: Recipe) -> list[EvalResult] | None:
    from huggingface_hub import EvalResult

    scores = report.sparse_onnx or report.sparse
    if scores is None or recipe.data is None:
        return None
    name = recipe.data.hub or recipe.data.made or Path(recipe.data.train or "").name
    return [
        EvalResult(
            task_type=recipe.data.task,
            dataset_type=recipe.data.hub or "other",
            dataset_name=name,
            dataset_config=recipe.data.subset,
            dataset_split="validation",
            metric_type="matthews_correlation" if metric == "matthews" else metric,
            metric_value=round(value, 6),
        )
        for metric, value in scores.values.items()
    ]


def _sparsity(report: RunReport) -> str:
    if report.pruned_sparsity is not None:
        return f"{report.pruned_sparsity:.1%} of the pruned weights are zero."
    before, after = report.dense_cost, report.sparse_cost
    if before is None or after is None:
        return ""
    return f"It has {after.parameters:,} parameters of {before.parameters:,}."


def _figures(report: RunReport) -> str:
    """A table of what was measured, dense beside sparse."""
    rows: list[tuple[str, str, str]] = []
    if report.dense_cost and report.sparse_cost:
        dense, sparse = report.dense_cost, report.sparse_cost
        rows.append(("parameters", f"{dense.parameters:,}", f"{sparse.parameters:,}"))
        rows.append(("zeros in products", f"{dense.zeros:,}", f"{sparse.zeros:,}"))
    for where, left, right in (
        ("PyTorch", report.dense, report.sparse),
        ("ONNX Runtime", report.dense_onnx, report.sparse_onnx),
    ):
        if left is not None and right is not None:
            rows += _scores(where, left, right)
    if report.bytes_dense and report.bytes_sparse:
        rows.append(("ONNX file, bytes", f"{report.bytes_dense:,}", f"{report.bytes_sparse:,}"))
    if len(report.latency) >= 2:
        dense_ms, sparse_ms = (each.median_ms for each in report.latency[:2])
        rows.append(("latency, ms, median", f"{dense_ms:.2f}", f"{sparse_ms:.2f}"))
    lines = [f"| {name} | {left} | {right} |" for name, left, right in rows]
    table = "\n".join(["| | dense | sparse |", "| --- | ---: | ---: |", *lines])
    machine = ", ".join(f"{name.replace('_', ' ')} {is_}" for name, is_ in report.machine.items())
    versions = ", ".join(f"{name} {is_}" for name, is_ in report.versions.items())
    return f"## Figures\n\n{table}\n\nMachine: {machine}.\n\nVersions: {versions}."


def _scores(where: str, left: Scores, right: Scores) -> list[tuple[str, str, str]]:
    return [
        (f"{metric}, {where}", f"{left.values[metric]:.4f}", f"{value:.4f}")
        for metric, value in right.values.items()
    ]


def _loading(plain: bool, recipe: Recipe) -> str:
    kind = "AutoModel" if recipe.data is None else CLASSES[recipe.data.task].__name__
    code = (
        f"from transformers import {kind}\n\nmodel = {kind}.from_pretrained(folder)"
        if plain
        else "import sparsify\n\nprogram = sparsify.load(folder)"
    )
    onnx = (
        "from sparsify.runtime import session\n\n"
        'found = session(folder + "/model.onnx").run(None, inputs)'
    )
    return f"```python\n{code}\n```\n\n`model.onnx` in ONNX Runtime:\n\n```python\n{onnx}\n```"


def _limits(report: RunReport) -> str:
    said = [
        "Zeros alone bring no speed in stock ONNX Runtime or PyTorch: `sparsify.runtime.session` "
        "registers the kernels that skip them.",
        *(["The latency is that of the machine above."] if report.latency else []),
        *report.warnings,
        *report.notes,
    ]
    return "## Limits\n\n" + "\n".join(f"- {sentence}" for sentence in said)


def _shared(text: str, recipe: Recipe) -> str:
    """The recipe without the ways to plugins on this machine."""
    for path in recipe.plugins:
        text = text.replace(path, Path(path).name)
    return text


def _hub_name(model: str) -> str:
    """The name on the hub of the model that a run began with, or empty."""
    local = model.startswith((PACKAGE, ".", "/", "~")) or ":" in model or Path(model).exists()
    return "" if local else model


def _short(model: str) -> str:
    """A folder without the way to it."""
    return model if model.startswith(PACKAGE) or _hub_name(model) else Path(model).name
