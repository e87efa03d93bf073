"""Recipes of other tools, written from their documented formats, become ours without silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.ramp import progress
from sparsify import schema
from sparsify.errors import Problem
from sparsify.importing import Length, import_recipe
from sparsify.importing.reading import read_old
from sparsify.pipeline import apply
from sparsify.program import Program
from sparsify.schema.nodes import Items, Node, Table
from tests.sparsify.programs import program

OLD = Path(__file__).parent / "recipes"
EVERY = sorted(OLD.iterdir())
RUN = Length(epochs=12, steps_per_epoch=50)


def imported(name: str, run: Length = RUN) -> Any:
    return import_recipe(OLD / name, run)


def passes(name: str, run: Length = RUN) -> list[Any]:
    """The passes that prune."""
    return [each for each in imported(name, run).recipe.passes if each.tag.endswith("prune")]


def leaves(node: Node) -> Iterator[str]:
    """Where the keys stand that hold no further keys of their own."""
    match node:
        case Table(entries=entries):
            for entry in entries.values():
                inner = list(leaves(entry.node))
                yield from inner or [str(entry.key)]
        case Items(items=items):
            for each in items:
                yield from leaves(each)


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_every_key_has_a_row(path: Path) -> None:
    found = import_recipe(path, RUN)
    told = {str(row.spot): row.value for row in found.rows}
    silent = [
        spot
        for spot in leaves(read_old(path))
        # the keys of a value are in the row of the key that has it
        if spot not in told and not any(_holds(path, over, spot) for over in told)
    ]
    assert silent == []
    keys = [(row.spot, row.old) for row in found.rows]
    assert len(keys) == len(set(keys)), "a key is told of twice"


def _holds(path: Path, over: str, spot: str) -> bool:
    """Whether the value of the key at `over` has the key at `spot` inside."""

    def search(node: Node) -> bool:
        match node:
            case Table(entries=entries):
                return any(
                    spot in leaves(entry.node) if str(entry.key) == over else search(entry.node)
                    for entry in entries.values()
                )
            case Items(items=items):
                return any(search(each) for each in items)
        return False

    return search(read_old(path))


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_what_is_written_is_a_recipe_that_says_the_same(path: Path, tmp_path: Path) -> None:
    found = import_recipe(path, RUN)
    written = tmp_path / "new.yaml"
    written.write_text(found.text, encoding="utf-8")
    assert schema.read(str(written)).recipe == found.recipe
    for row in found.rows:
        if row.fate in ("near", "lost"):
            assert row.why, row
            assert f"#   {row.fate}: {row.old}: {row.why}\n" in found.text


@pytest.fixture(scope="module")
def encoder() -> Program:
    return program("bert")


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_its_targets_match_a_model(path: Path, encoder: Program) -> None:
    found = import_recipe(path, RUN)
    at_hand = [each for each in found.recipe.passes if each.tag in ("clean", "insert-masks")]
    graph = encoder.clone()
    apply(at_hand, graph)
    assert graph.masks()


@pytest.mark.parametrize("run", [RUN, Length()])
def test_a_cubic_in_steps_is_the_old_formula(run: Length) -> None:
    first, last, start, end, every = 0.7, 0.97, 2.0, 26.0, 4.0
    prune, *_ = passes("steps.yaml", run)
    steps_per_epoch = 50
    for step in range(30 * steps_per_epoch):
        epoch = step / steps_per_epoch
        # masks change in these steps only; in between, the sparsity is that of the last update
        if (step - 2 * steps_per_epoch) % (24 * steps_per_epoch / prune.updates):
            continue
        updated = start + int((min(epoch, end) - start) / every) * every
        wanted = first + (last - first) * (1 - (1 - (updated - start) / (end - start)) ** 3)
        found = prune.sparsity * progress(prune, step, 30 * steps_per_epoch)
        assert found == pytest.approx(wanted if epoch >= start else 0.0, abs=1e-12)


def test_a_smooth_cubic_is_the_old_formula_at_every_update() -> None:
    (prune,) = passes("magnitude.md")
    assert (prune.updates, imported("magnitude.md").recipe.train.steps) == (14, 500)
    assert not prune.regrow
    for step in range(50, 401, 350 // prune.updates):
        done = (step / 50 - 1) / (8 - 1)
        wanted = 0.05 + (0.8 - 0.05) * (1 - (1 - done) ** 3)
        assert prune.sparsity * progress(prune, step, 500) == pytest.approx(wanted, abs=1e-12)
    assert progress(prune, 49, 500) == 0
    assert prune.sparsity * progress(prune, 401, 500) == 0.8


def test_obert_prunes_in_the_old_steps() -> None:
    obert = next(e for e in imported("obert.yaml").recipe.passes if e.tag == "obert")
    for step in range(30 * 50):
        epoch = step / 50
        updated = int((min(epoch, 26.0) - 2) / 4) * 4
        wanted = 0.7 + (0.9 - 0.7) * (1 - (1 - updated / 24) ** 3) if epoch >= 2 else 0.0
        assert obert.sparsity * progress(obert, step, 1500) == pytest.approx(wanted, abs=1e-12)


def test_soft_thresholds_and_their_strength_are_the_old_formula() -> None:
    attention, dense = passes("movement.json", Length(steps_per_epoch=200))
    total, warmup, last = 2000, 100, 3
    for step in range(0, total, 37):
        done = (step - warmup) / (total - (1 + last) * warmup)
        wanted = 0.1 * (1 - (1 - min(max(done, 0.0), 1.0)) ** 3)
        assert 0.1 * progress(attention, step, total) == pytest.approx(wanted, abs=1e-12)
    assert (attention.threshold, attention.regularization) == (0.1, 10.0)
    assert dense.regularization == 2.5


def test_a_share_that_stays_is_the_old_top_k() -> None:
    for prune in passes("top-k.yaml"):
        for step in range(0, 1001, 25):
            done = min(max((step - 50) / (1000 - 5 * 50), 0.0), 1.0)
            stays = 0.15 + (1.0 - 0.15) * (1 - done) ** 3
            zero = prune.sparsity * progress(prune, step, 1000)
            assert 1 - zero == pytest.approx(stays, abs=1e-12)


def test_a_polynomial_of_nncf_is_the_old_formula() -> None:
    (prune,) = passes("nncf-magnitude.json", Length(epochs=12))
    for step in range(0, 240, 7):
        done = min(step / 20 / 9, 1.0)
        wanted = 0.2 + (0.8 - 0.2) * (1 - (1 - done) ** 3)
        assert prune.sparsity * progress(prune, step, 240) == pytest.approx(wanted, abs=1e-12)


def test_the_rest_means_the_same() -> None:
    (wanda,) = passes("wanda.yaml")
    assert (wanda.criterion.name, wanda.scope, wanda.sparsity) == ("wanda", "row", 0.6)
    transfer = imported("transfer.yaml").recipe
    masks = next(each for each in transfer.passes if each.tag == "insert-masks")
    distill = next(each for each in transfer.passes if each.tag == "distill")
    assert masks.keep_zeros
    assert (distill.logits.weight, transfer.train.task_weight) == (0.75, 0.25)
    assert transfer.train.learning_rate == 1.5e-4
    gpt = next(e for e in imported("sparsegpt.yaml").recipe.passes if e.tag == "sparsegpt")
    assert (str(gpt.pattern), gpt.sparsity, gpt.damping) == ("n-of-m(n=2, m=4)", 0.5, 0.02)
    assert imported("sparsegpt.yaml").recipe.train is None


def test_ignored_modules_are_no_targets(encoder: Program) -> None:
    found = import_recipe(OLD / "sparsegpt.yaml").recipe.passes[1]
    graph = encoder.clone()
    apply([found], graph)
    names = [name.removeprefix("bert.encoder.layer.") for name in graph.masks()]
    assert names == [
        "0.attention.self.key.weight",
        "0.attention.self.value.weight",
        "0.intermediate.dense.weight",
        "0.output.dense.weight",
    ]


@settings(max_examples=10, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{3,12}_x", fullmatch=True),
        st.one_of(st.integers(), st.booleans(), st.lists(st.integers(), max_size=2)),
        max_size=5,
    )
)
def test_a_key_that_no_one_knows_is_lost_aloud(
    tmp_path_factory: pytest.TempPathFactory, unknown: dict[str, Any]
) -> None:
    known = {"params": "__ALL_PRUNABLE__", "final_sparsity": 0.5, "start_epoch": 0, "end_epoch": 1}
    old = {"pruning_modifiers": {"MagnitudePruningModifier": known | unknown}}
    path = tmp_path_factory.mktemp("old") / "old.yaml"
    path.write_text(yaml.safe_dump(old))
    rows = {row.old.rpartition(".")[2]: row for row in import_recipe(path).rows}
    assert rows.keys() >= known.keys() | unknown.keys()
    assert all(rows[key].fate == "lost" for key in unknown)


def mistakes() -> list[tuple[str, str, str]]:
    """A file's name, what stands in it, and what is said of it."""
    lines = Path(__file__).with_name("mistakes_in_old_recipes.txt").read_text().splitlines()
    written = [line.removeprefix("$ ").partition(":") for line in lines[::2]]
    return [(n, t.strip(), said) for (n, _, t), said in zip(written, lines[1::2], strict=True)]


@pytest.mark.parametrize(("name", "text", "message"), mistakes())
def test_a_mistake_has_its_place(
    name: str, text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    with pytest.raises(Problem) as found:
        import_recipe(Path(name))
    assert str(found.value) == message
