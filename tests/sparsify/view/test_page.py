"""The page of a run: whole in itself, every figure that of the report, every line that of numpy."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from sparsify.history import History
from sparsify.report import RunReport
from sparsify.view.history import stairs
from sparsify.view.page import report_page
from sparsify.view.page.plots import BOTTOM, HEIGHT, LEFT, RIGHT, TINY, TOP, WIDTH
from tests.sparsify.view.runs import history, report

RECIPE = "model: m\npasses:\n  - clean # <b>\n"
BARE = RunReport(recipe="r", model="m", seed=1, versions={}, machine={})


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    VOID = ("meta", "br", "line", "polyline", "circle")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == [], "an element was not closed"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, name: str) -> list[str]:
        return [value for _, each in self.elements if (value := each.get(name)) is not None]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(report_page(report(), history(), RECIPE))


@pytest.mark.parametrize("told", [report(), BARE], ids=["whole", "bare"])
def test_it_needs_nothing_but_itself(told: RunReport) -> None:
    written = report_page(told, history(), RECIPE)
    found = Page(written)
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert not found.all("src")
    for word in ("http:", "https:", "//cdn", "@import", "url("):
        assert word not in written
    ids = found.all("id")
    assert len(ids) == len(set(ids))
    assert all(link.startswith("#") and link[1:] in ids for link in found.all("href"))
    assert set(found.all("aria-labelledby")) <= set(ids)


def test_every_figure_is_that_of_the_report(page: Page) -> None:
    facts = json.loads(report().model_dump_json())
    shown = [each for tag, each in page.elements if tag == "data"]
    keys = {str(each["data-key"]) for each in shown}
    for each in shown:
        found = facts
        for part in str(each["data-key"]).split("."):
            found = found[int(part)] if isinstance(found, list) else found[part]
        assert float(str(each["value"])) == found, each["data-key"]
    assert keys >= {
        "pruned_sparsity", "bytes_sparse", "sparse_onnx.values.accuracy", "dense.values.f1",
        "latency.0.median_ms", "latency.1.median_ms", "parity.max_abs_difference",
        "stock_parity.max_abs_difference", "passes.0.seconds", "passes.1.nodes.0",
        "stored.1.predicted.sparse_ms", "stored.1.measured.dense_ms", "stored.1.stored_bytes",
        "phases.1.seconds", "sparse_cost.macs",
    }  # fmt: skip


def test_every_line_goes_where_numpy_says(page: Page) -> None:
    lines = [str(each["points"]) for tag, each in page.elements if tag == "polyline"]
    # in a drawing, the line that comes first is drawn last
    distances, planned, zeros = lines[0], lines[3], lines[4]
    kept = history()
    for drawn, series, name in (
        (zeros, kept.masks, "sparsity_fraction"),
        (planned, kept.training, "planned_sparsity_fraction"),
    ):
        steps, values = series.curve(name)
        if drawn is zeros:
            steps, values = stairs((steps, values), 600.0)
        x = np.interp(steps, [0, 600], [LEFT, WIDTH - RIGHT])
        y = np.interp(values, [0, 1], [HEIGHT - BOTTOM, TOP])
        found = np.array([pair.split(",") for pair in drawn.split()], float)
        np.testing.assert_allclose(found, np.stack([x, y], 1), atol=0.006)
    assert len(distances.split()) == 200


def test_a_weight_has_its_own_course(page: Page) -> None:
    (own,) = [
        str(each["points"]) for tag, each in page.elements
        if tag == "polyline" and len(str(each["points"]).split()) == TINY[2]
    ]  # fmt: skip
    steps, values = history().weights.curve(report().stored[1].name)
    found = np.array([pair.split(",") for pair in own.split()], float)
    np.testing.assert_allclose(found[[0, -1], 0], TINY[0] * steps[[0, -1]] / 600, atol=0.06)
    expected = 1 + (TINY[1] - 2) * (1 - values[[0, -1]])
    np.testing.assert_allclose(found[[0, -1], 1], expected, atol=0.06)


def test_names_are_text_and_never_markup(page: Page) -> None:
    assert "sparsify run cap-movement-90 --output 'out/a <b>'" in page.text
    assert "- clean # <b>" in page.text
    hostile = report(model="<script>alert(1)</script>", notes=["<img src=x>"])
    assert not {"script", "img"} & {
        tag for tag, _ in Page(report_page(hostile, History(), "")).elements
    }


def test_it_says_what_the_run_came_to(page: Page) -> None:
    assert "90.0% zeros, 93.0% of the accuracy kept, 60.1% of the bytes, 2.02x as fast." in (
        page.text
    )
    assert "the model has collapsed" in page.text
    assert "No figures were measured." in report_page(BARE, History(), "")


def test_a_metric_whose_share_says_nothing_is_shown_as_it_is() -> None:
    zero = {"main": "matthews", "values": {"matthews": 0.0}}
    told = RunReport.model_validate(BARE.model_dump() | {"dense": zero, "sparse": zero})
    assert "kept" not in Page(report_page(told, History(), "")).text
