"""A whole run as one page of HTML: it needs no network, no script, and fits a phone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from sparsify.history import History
from sparsify.report import PassReport, RunReport
from sparsify.view import words
from sparsify.view.history import charts
from sparsify.view.latency import ratio_words, setting
from sparsify.view.page.plots import SIZE, TINY, plot, tiny
from sparsify.view.page.verdict import headline, tiles
from sparsify.view.weights import shape_words

HERE = Path(__file__).parent


def report_page(report: RunReport, history: History, recipe: str) -> str:
    """The page of a run.

    Args:
        report: its figures; each stands in a `data` element whose `data-key` is its place in
            `report.json`, such as `passes.2.seconds`.
        history: how it trained; an empty one draws nothing.
        recipe: the resolved recipe, as text.
    """
    # the command line shall start without it
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        **_of_report(report),
        **_of_history(history),
        words=words,
        setting=setting,
        ratio=ratio_words,
        shape=shape_words,
        counted=_counted,
        recipe=recipe,
        style=(HERE / "style.css").read_text(encoding="utf-8"),
    )


def _of_report(report: RunReport) -> dict[str, Any]:
    """What the page tells of the result, by the names that it has there."""
    facts, stored = report.model_dump(mode="json"), report.stored
    speeds = ("predicted", "measured")
    return {
        "report": report,
        "value": lambda key: _value(facts, key),
        "headline": headline(report),
        "tiles": tiles(report),
        "metrics": _metrics(report),
        "longest": max((each.seconds for each in report.passes), default=0.0) or 1.0,
        "order": sorted(range(len(stored)), key=lambda number: _first(report, number)),
        "speeds": [how for how in speeds if any(getattr(each, how) for each in stored)],
    }


def _of_history(history: History) -> dict[str, Any]:
    """What it draws."""
    weights = history.weights
    return {
        "plots": [plot(chart, f"plot-{number}") for number, chart in enumerate(charts(history))],
        "courses": {name: tiny(weights.curve(name), history.steps) for name in weights.values},
        "size": SIZE,
        "tiny": TINY,
    }


def _value(facts: Any, key: str) -> Any:
    """What stands at `key` in the report: names and numbers, a point between them."""
    for part in key.split("."):
        facts = facts[int(part)] if isinstance(facts, list) else facts[part]
    return facts


def _metrics(report: RunReport) -> list[tuple[str, str, str, str]]:
    """Name, runtime, and where the dense and the sparse figure stand; the main metric first."""
    found = []
    for runtime, dense, sparse in (
        ("ONNX Runtime", "dense_onnx", "sparse_onnx"),
        ("PyTorch", "dense", "sparse"),
    ):
        scores = getattr(report, sparse)
        if scores is None or getattr(report, dense) is None:
            continue
        for name in sorted(scores.values, key=lambda name: name != scores.main):
            keys = (f"{each}.values.{name}" for each in (dense, sparse))
            found.append((name, runtime, *keys))
    return found


def _counted(told: PassReport, which: str) -> list[tuple[str, list[str]]]:
    """What a pass `did` or `left`: each sentence with the names it is told of, the most first."""
    sentences: dict[str, str] = getattr(told, which)
    order = Counter(sentences.values()).most_common()
    return [(text, [name for name in sentences if sentences[name] == text]) for text, _ in order]


def _first(report: RunReport, number: int) -> tuple[bool, int]:
    """Weights whose storage was a choice come before the others."""
    stored = report.stored[number]
    return stored.form == "dense" and stored.predicted is None, number
