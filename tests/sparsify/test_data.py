"""Files, columns and labels: what is read, and every mistake in one exact sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pytest
from pyarrow import parquet

from sparsify.data import load
from sparsify.errors import Problem
from sparsify.recipe_data import Data

ROWS = [("it's \"fine", "yes"), ("no good", "no"), ("so, so", "yes")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, content: str | bytes) -> str:
    raw = content.encode() if isinstance(content, str) else content
    Path(name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return name


def table(name: str, columns: dict[str, list[Any]]) -> str:
    parquet.write_table(pyarrow.table(columns), "draft")
    return write(name, Path("draft").read_bytes())


def rows(name: str) -> str:
    """The rows of `ROWS`, in the format that the name asks for."""
    match name.removesuffix(".gz").rpartition(".")[2]:
        case "csv":
            quoted = [f'"{text.replace(chr(34), chr(34) * 2)}",{label}' for text, label in ROWS]
            return write(name, "\n".join(["text,label", *quoted]))
        case "tsv":
            return write(name, "\n".join(["text\tlabel", *map("\t".join, ROWS)]) + "\n")
        case "jsonl":
            lines = [json.dumps({"text": text, "label": label}) for text, label in ROWS]
            return write(name, "\n".join(lines) + "\n")
        case _:
            return table(name, {"text": [r[0] for r in ROWS], "label": [r[1] for r in ROWS]})


FORMATS = ["a.csv", "a.tsv", "a.jsonl", "a.parquet"]


@pytest.mark.parametrize("name", [*FORMATS, *(f"{name}.gz" for name in FORMATS)])
def test_every_format_gives_the_same_rows(name: str) -> None:
    found = load(Data(train=rows(name), validation=name), seed=0)
    assert found.train.texts == [(text,) for text, _ in ROWS]
    assert found.train.labels == [1, 0, 1]
    assert found.label_names == ("no", "yes")
    assert found.columns == ("text",)
    assert found.validation == found.train
    assert found.notes == [f"{name}: text is read from text."]


def test_pairs_numbers_and_other_columns_are_told_apart() -> None:
    write("a.tsv", "idx\ta\tb\tlabel\r\n0\t5\tx\t1\r\n1\tNA\t\t0\r\n\r\n2\tq\tz\t1\r\n")
    found = load(Data(train="a.tsv", validation="a.tsv"), seed=0)
    assert found.columns == ("a", "b")
    assert found.train.texts == [("5", "x"), ("NA", ""), ("q", "z")]
    assert found.train.labels == [1, 0, 1]
    assert found.label_names == ("0", "1")


def test_lines_are_counted_across_cells_that_hold_line_breaks() -> None:
    write("a.csv", 'text,label\n"one\ntwo",0.5\nthree,x\n')
    with pytest.raises(Problem, match=r"^a\.csv:4: label 'x' is no number"):
        load(Data(train="a.csv", regression=True), seed=0)


def test_a_regression_has_numbers_and_no_names() -> None:
    write("a.tsv", "a\tb\tscore\nx\ty\t1.5\nz\tw\t3\n")
    spec = Data(train="a.tsv", validation="a.tsv", label="score", regression=True)
    found = load(spec, seed=0)
    assert found.train.labels == [1.5, 3.0]
    assert found.label_names == ()
    assert found.regression


def long(count: int = 100) -> str:
    return write("long.tsv", "text\tlabel\n" + "".join(f"t{n}\t{n % 2}\n" for n in range(count)))


def test_a_tenth_is_held_out_whatever_the_seed() -> None:
    first, other = (load(Data(train=long()), seed=seed) for seed in (1, 2))
    assert (len(first.train), len(first.validation)) == (90, 10)
    assert first == other
    assert not set(first.train.texts) & set(first.validation.texts)
    assert first.notes[1] == "long.tsv: 10 of 100 rows are held out for validation."


def test_training_rows_are_drawn_by_the_seed() -> None:
    spec = Data(train=long(), train_rows=20, validation_rows=5)
    one, again, other = (load(spec, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.train.texts != other.train.texts
    assert one.validation == other.validation
    assert len(one.train) == len(set(one.train.texts)) == 20
    assert one.notes[2:] == ["20 of 90 train rows are used.", "5 of 10 validation rows are used."]


def test_more_rows_than_there_are_is_said() -> None:
    found = load(Data(train=long(), train_rows=5000), seed=0)
    assert len(found.train) == 90
    assert found.notes[-1] == "train_rows asks for 5,000 rows, all 90 are used."


GOOD = "text\tlabel\none two\t0\nthree\t1\n"
FILES: list[tuple[str, str | bytes | None, dict[str, Any], str]] = [
    ("a.tsv", None, {}, "a.tsv: no such file"),
    ("a.txt", "x", {}, "a.txt: files that end in '.txt' are not read;"
     " known: .csv, .tsv, .jsonl, .parquet, each also with .gz"),
    ("a.tsv", "", {}, "a.tsv: the file is empty"),
    ("a.tsv", "text\tlabel\n", {}, "a.tsv: no rows; it must hold texts and their labels"),
    ("a.tsv", GOOD, {"label": "lable"}, "a.tsv: no column named 'lable', which data.label asks for;"
     " did you mean 'label'? columns: text, label"),
    ("a.tsv", GOOD, {"text": ["zzz"]}, "a.tsv: no column named 'zzz', which data.text asks for;"
     " columns: text, label"),
    ("a.tsv", GOOD + "x\n", {}, "a.tsv:4: 1 cells, but the header has 2"),
    ("a.tsv", "a\ta\n1\t2\n", {}, "a.tsv:1: two columns are named 'a'"),
    ("a.tsv", "a\tlabel\n1\t0\n2\t1\n", {}, "a.tsv: no column holds text; columns: a, label"),
    ("a.tsv", "a\tb\tc\tlabel\nx\ty\tz\t0\nx\ty\tz\t1\n", {},
     "a.tsv: the columns a, b, c hold text; name one or two of them in data.text"),
    ("a.tsv", b"text\tlabel\nx\t0\n\xff\t1\n", {}, "a.tsv:3: not UTF-8; save it as UTF-8"),
    ("a.csv", 'text,label\n"a"b,1\n', {}, "a.csv:2: broken csv (',' expected after '\"')"),
    ("a.jsonl", '{"text": "x", "label": 0}\n{"text"\n', {},
     "a.jsonl:2:8: broken JSON (Expecting ':' delimiter)"),
    ("a.jsonl", "[1]\n", {}, 'a.jsonl:1: no JSON object; expected {"text": ...}'),
    ("a.jsonl", '{"text": "x", "label": 0}\n{"text": 3, "label": 1}\n', {"text": ["text"]},
     "a.jsonl:2: the text in column 'text' is 3; texts must be strings"),
    ("a.jsonl", '{"text": "x", "label": 0}\n{"label": 1}\n', {"text": ["text"]},
     "a.jsonl:2: the text in column 'text' is missing; texts must be strings"),
    ("a.jsonl", '{"text": "x", "label": [1]}\n', {},
     "a.jsonl:1: label [1] is neither a whole number nor a string"),
    ("a.parquet", "PAR1 not really", {}, "a.parquet: broken parquet file; copy it again"),
    ("a.tsv", "text\tlabel\nx\t0\ny\t\n", {}, "a.tsv:3: the label is missing;"
     " drop the row or label it"),
    ("a.tsv", "text\tlabel\nx\t0\ny\t-1\n", {}, "a.tsv:3: label -1 is negative; classes are counted"
     " from 0; -1 marks hidden labels in GLUE's test files"),
    ("a.tsv", "text\tlabel\nx\t0\ny\t2\n", {}, "a.tsv: there are labels up to 2, but none is 1;"
     " count classes 0, 1, 2 ... without a gap"),
    ("a.tsv", "text\tlabel\nx\t0\ny\t0\n", {},
     "a.tsv: every row has the label 0; there is nothing to tell apart"),
    ("a.tsv", "text\tlabel\nx\t3\ny\t2.5\n", {}, "a.tsv:3: label 2.5 is a number, but no whole"
     " one; set data.regression to true, or label classes 0, 1, 2 ..."),
    ("a.tsv", "text\tlabel\nx\t1\ny\tbad\n", {"regression": True},
     "a.tsv:3: label 'bad' is no number; a regression needs numbers"),
    ("a.tsv", "text\tlabel\nx\tnan\n", {"regression": True},
     "a.tsv:2: label nan is no number; a regression needs numbers"),
    ("a.tsv", "text\tlabel\nx\t1.5\n", {"regression": True},
     "a.tsv: one row is not enough to hold some out; set data.validation"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "keys", "message"), FILES)
def test_a_mistake_in_a_file_is_one_sentence(
    name: str, content: str | bytes | None, keys: dict[str, Any], message: str
) -> None:
    if content is not None:
        write(name, content)
    with pytest.raises(Problem) as caught:
        load(Data(train=name, **keys), seed=0)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("train", "validation", "message"),
    [
        ("01", "2", "b.tsv:2: label 2 is out of range; the training rows have 0 to 1"),
        (
            ["good", "bad"],
            ["godo"],
            "b.tsv:2: label 'godo' is out of range; the training rows have bad, good;"
            " did you mean 'good'?",
        ),
    ],
)
def test_a_label_that_training_never_saw_is_out_of_range(
    train: list[str], validation: list[str], message: str
) -> None:
    write("a.tsv", "text\tlabel\n" + "".join(f"x\t{label}\n" for label in train))
    write("b.tsv", "text\tlabel\n" + "".join(f"x\t{label}\n" for label in validation))
    with pytest.raises(Problem) as caught:
        load(Data(train="a.tsv", validation="b.tsv"), seed=0)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "data: no rows to learn from; set train, hub or made"),
        ({"train": "a", "hub": "b"}, "data: train and hub exclude each other; keep one of them"),
        ({"hub": "a", "validation": "b"}, "data: validation goes with train, not with hub"),
        ({"train": "a", "subset": "b"}, "data: subset goes with hub, not with train"),
        (
            {"made": "docstrings", "text": ["a"]},
            "data: text and regression do not go with made",
        ),
    ],
)
def test_sources_that_exclude_each_other_are_named(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(Problem) as caught:
        load(Data(**keys), seed=0)
    assert str(caught.value) == message


@pytest.mark.parametrize("cut", [20, 40])
def test_a_broken_gzip_file_is_named(cut: int) -> None:
    raw = gzip.compress(GOOD.encode())
    Path("a.tsv.gz").write_bytes(raw[:cut] if cut < 40 else GOOD.encode())
    with pytest.raises(Problem, match=r"^a\.tsv\.gz: broken gzip file; copy it again$"):
        load(Data(train="a.tsv.gz"), seed=0)


def test_a_folder_is_no_file(folder: Path) -> None:
    (folder / "d.tsv").mkdir()
    with pytest.raises(Problem, match=r"^d\.tsv: this is a folder; name a file in it$"):
        load(Data(train="d.tsv"), seed=0)


def hub_rows(labels: list[int]) -> datasets.Dataset:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "aos"])}
    )
    return datasets.Dataset.from_dict(
        {"text": [f"t {n}" for n in labels], "label": labels}, features=features
    )


def test_a_hub_data_set_keeps_the_names_and_order_of_its_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    splits = {"train": hub_rows([0, 1, 1]), "validation": hub_rows([1])}
    monkeypatch.setattr(datasets, "load_dataset", lambda name, subset: splits)
    found = load(Data(hub="org/name", subset="part"), seed=0)
    assert found.label_names == ("neg", "aos")
    assert found.train.labels == [0, 1, 1]
    assert found.validation.labels == [1]


def test_a_hub_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, subset: str | None) -> None:
        raise ConnectionError(name, subset)

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(Problem) as caught:
        load(Data(hub="org/name"), seed=0)
    assert str(caught.value) == (
        "org/name: the hub cannot be reached and the data set is not cached here;"
        " use local files under data.train"
    )
