from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sparsify.report import RunReport
from tests.sparsify.conftest import Answer

REPORT = RunReport(
    recipe="demo", model="m", seed=1, versions={}, machine={}, weights={"q.weight": 0.25},
)  # fmt: skip


def test_any_view_is_a_picture_and_a_page_beside_what_is_printed(
    call: Callable[..., Answer], tmp_path: Path
) -> None:
    printed = call("recipes").out
    assert call("recipes", "--svg", "r.svg", "--html=r.html").out == printed
    picture, page = (tmp_path / "r.svg").read_text(), (tmp_path / "r.html").read_text()
    root = ElementTree.fromstring(picture)
    words = " ".join(root.itertext()).replace("\xa0", " ")
    assert "magnitude-oneshot" in words
    assert "sparsify recipes" in words
    assert "r.svg" not in words
    assert "magnitude-oneshot" in page
    assert "color: " in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.svg"]


@pytest.mark.parametrize("kind", ["svg", "html"])
def test_a_kept_view_asks_the_network_for_nothing(
    call: Callable[..., Answer], tmp_path: Path, kind: str
) -> None:
    call("recipes", f"--{kind}", "kept")
    text = (tmp_path / "kept").read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"url\((?!#)|@import|\bsrc=|\bhref=", text)


def test_a_kept_view_is_as_wide_as_the_terminal_and_has_colours_without_one(
    call: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    REPORT.save(tmp_path / "report.json")
    monkeypatch.setenv("NO_COLOR", "1")
    widths = []
    for columns in (80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        call("show", ".", "--weights", "*", "--svg", "kept.svg")
        root = ElementTree.fromstring((tmp_path / "kept.svg").read_text())
        widths.append(float(root.attrib["viewBox"].split()[2]))
    assert widths[1] - widths[0] == pytest.approx(40 * 12.2, rel=0.01)
    inks = set(re.findall(r"fill: (#\w+)", (tmp_path / "kept.svg").read_text()))
    assert len(inks) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--json", "--svg", "r.svg"),
         "error: --svg r.svg: keeps a view, and --json shows none; leave one out"),
        (("--html", "nowhere/r.html"),
         "error: --html nowhere/r.html: there is no such folder; make it, or name another"),
        (("--html", "."), "error: --html .: is a folder; name a file"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_said_before_anything_is_done(
    call: Callable[..., Answer], tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    found = call("recipes", *arguments)
    assert (found.code, found.out, found.err) == (2, "", f"{message}\n")
    assert not list(tmp_path.iterdir())


def test_a_verb_that_shows_no_view_offers_no_picture(call: Callable[..., Answer]) -> None:
    assert call("schema", "--svg", "r.svg").code == 2
