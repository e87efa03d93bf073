from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from transformers import BertConfig, BertForSequenceClassification

import sparsify
import sparsify.run
import sparsify.runtime
from sparsify.errors import CheckFailed, Problem
from sparsify.report import Cost, Exported, Forecast, Latency, Parity, PlanReport, RunReport
from sparsify.run.unfinished import resume_command
from tests.sparsify.conftest import Answer

RECIPE = "magnitude-oneshot"
REPORT = RunReport(
    recipe=RECIPE, model="m", seed=1, versions={}, machine={}, pruned_sparsity=0.5,
    bytes_sparse=10, weights={"layer.0.weight": 0.5, "layer.1.weight": 0.25},
)  # fmt: skip


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """The folder of a tiny model."""
    config = BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


@pytest.fixture
def onnx_file(tmp_path: Path) -> Path:
    """One product with a weight that is half zero."""
    weight = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [2, 2], [1.0, 0.0, 0.0, 2.0])
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [value("x", onnx.TensorProto.FLOAT, ["batch", 2])],
        [value("y", onnx.TensorProto.FLOAT, ["batch", 2])],
        [weight],
    )
    onnx.save(onnx.helper.make_model(graph), tmp_path / "product.onnx")
    return tmp_path / "product.onnx"


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, made: Any) -> list[dict[str, Any]]:
    """Replace a function of `sparsify.run`; `made` is returned, or raised, and calls are kept."""
    calls: list[dict[str, Any]] = []

    def function(first: object, *rest: object, **options: Any) -> Any:
        calls.append({"first": first, "rest": rest, **options})
        if isinstance(made, BaseException):
            raise made
        if rest:
            Path(str(rest[0])).mkdir(parents=True, exist_ok=True)
        options["watch"].phase("train")
        return made

    monkeypatch.setattr(sparsify.run, name, function)
    return calls


def test_help_and_version_come_without_torch() -> None:
    code = (
        "import sys; sys.argv = ['sparsify', '--help']\n"
        "from sparsify.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'pandas', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for verb in ("run", "plan", "show", "report", "export", "bench", "passes", "recipes", "schema"):
        assert f" {verb} " in done.stdout


def test_the_version_is_printed(call: Callable[..., Answer]) -> None:
    assert call("--version").out == f"{sparsify.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "magnitude-onesho"),
         "error: no recipe named 'magnitude-onesho'; did you mean 'magnitude-oneshot'?"),
        (("plan", "nowhere.yaml"), "error: nowhere.yaml: there is no such file"),
        (("show", "nowhere.onnx"), "error: nowhere.onnx: no such file"),
        (("show", "a.onnx", "--graph"),
         "error: a.onnx: --graph shows models only; name the model's folder"),
        (("bench", "nowhere.onnx"), "error: nowhere.onnx: no such file"),
        (("show", "report.json"), "error: report.json: no such file"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_2(
    call: Callable[..., Answer], arguments: tuple[str, ...], message: str
) -> None:
    found = call(*arguments)
    assert (found.code, found.out) == (2, "")
    assert found.err.splitlines()[-1] == message


@pytest.mark.parametrize(
    "arguments",
    [("prune",), ("run",), ("run", RECIPE, "--rezume"), ("bench", "a.onnx", "--batch", "0")],
)
def test_wrong_usage_is_exit_code_2(
    call: Callable[..., Answer], arguments: tuple[str, ...]
) -> None:
    assert call(*arguments).code == 2


def test_brackets_in_a_mistake_are_no_markup(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "run", Problem("[red]no[/red]", where="passes[0].prune"))
    found = call("run", RECIPE)
    assert (found.code, found.err) == (2, "error: passes[0].prune: [red]no[/red]\n")


def test_a_run_goes_to_out_and_ends_with_its_table(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = stand_in(monkeypatch, "run", REPORT)
    found = call("run", RECIPE, "--model", "m", "--set", "seed=7")
    assert found.code == 0
    assert "zeros in the pruned weights" in found.out
    assert calls[0]["rest"] == (Path("out") / RECIPE,)
    assert (calls[0]["resume"], calls[0]["overwrite"]) == (False, False)
    recipe = calls[0]["first"].recipe
    assert (recipe.seed, recipe.model.path) == (7, "m")
    assert "train ..." in found.err


@pytest.mark.parametrize("verb", ["run", "plan", "export"])
def test_json_is_all_that_the_standard_output_holds(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    parity = Parity(max_abs_difference=0.0, tolerance=1e-4, shapes=[[1, 5]])
    exported = Exported(stored=[], parity=parity)
    cost = Cost(batch=1, sequence=8, parameters=4, zeros=0, dense_macs=4, macs=4, size_bytes=16)
    file = Forecast(size_bytes=16)
    planned = PlanReport(
        recipe=RECIPE, model="m", before=cost, after=cost, passes=[], training=["prune: [now]"],
        dense_file=file, sparse_file=file, threads=1, no_latency="[nothing]",
    )  # fmt: skip
    for name, made in (("run", REPORT), ("plan", planned), ("export_model", exported)):
        stand_in(monkeypatch, name, made)
    arguments = {"run": [RECIPE], "plan": [RECIPE], "export": ["m", "--output", "exported"]}[verb]
    expected: Any = {"run": REPORT, "plan": planned, "export": exported}[verb]
    found = call(verb, *arguments, "--json")
    assert json.loads(found.out) == expected.model_dump(mode="json")
    assert "train" in found.err
    quiet = call(verb, *arguments, "--quiet")
    assert (quiet.code, quiet.err) == (0, "")
    assert quiet.out


def test_export_hands_on_which_numbers_are_stored_and_multiplied(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    parity = Parity(max_abs_difference=0.0, tolerance=1e-4, shapes=[[1, 5]])
    calls = stand_in(monkeypatch, "export_model", Exported(stored=[], parity=parity))
    given = ("--values", "f16", "--activations", "int8")
    assert call("export", "m", "--output", "exported", *given).code == 0
    assert calls[0]["lowering"] == {"auto": {"values": "f16", "activations": "int8"}}


def test_an_interrupted_run_says_how_to_continue(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "run", KeyboardInterrupt())
    found = call("run", RECIPE, "--output", "my results")
    assert found.code == 130
    assert found.err == (
        f"interrupted; to continue: sparsify run {RECIPE} --output 'my results' --resume\n"
    )


def test_the_command_that_continues_does_not_overwrite() -> None:
    arguments = ["/bin/sparsify", "run", "r", "--overwrite", "--resume"]
    assert resume_command(arguments) == "sparsify run r --resume"


def test_a_failed_check_shows_its_figures_and_is_exit_code_1(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(*_rest: object, **_options: object) -> None:
        (tmp_path / "o").mkdir()
        REPORT.save(tmp_path / "o" / "report.json")
        raise CheckFailed("keeps 50% of [accuracy]")

    monkeypatch.setattr(sparsify.run, "run", run)
    found = call("run", RECIPE, "--output", tmp_path / "o", "--quiet")
    assert (found.code, found.err) == (1, "check failed: keeps 50% of [accuracy]\n")
    assert "50.00%" in found.out


def test_a_fault_of_ours_surfaces_as_it_is(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "run", ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        call("run", RECIPE)


def test_the_catalogs_are_lists_and_json(call: Callable[..., Answer]) -> None:
    assert "insert-masks" in call("passes").out
    assert "prune" in json.loads(call("passes", "--json").out)["passes"]
    assert RECIPE in call("recipes").out
    assert json.loads(call("recipes", "--json").out)[RECIPE]["purpose"].endswith(".")


@pytest.mark.parametrize(("subject", "key"), [((), "passes"), (("report",), "pruned_sparsity")])
def test_schemas_are_printed(
    call: Callable[..., Answer], subject: tuple[str, ...], key: str
) -> None:
    assert key in json.loads(call("schema", *subject).out)["properties"]


def test_a_run_is_shown_again(call: Callable[..., Answer], tmp_path: Path) -> None:
    REPORT.save(tmp_path / "report.json")
    assert "50.00%" in call("show", ".").out
    assert "25.0%" in call("show", ".", "--weights", "*.1.*").out
    assert json.loads(call("show", ".", "--json").out)["pruned_sparsity"] == 0.5
    found = call("show", ".", "--weights", "layer.0.wight")
    hint = "did you mean 'layer.0.weight'?"
    assert found.err == f"error: --weights layer.0.wight: matches no weight; {hint}\n"


def test_an_onnx_file_is_shown(call: Callable[..., Answer], onnx_file: Path) -> None:
    assert "50.0% of them zero" in call("show", onnx_file).out
    assert json.loads(call("show", onnx_file, "--json").out)["nodes"] == {"MatMul": 1}


def test_a_model_is_shown_as_a_tree_a_list_or_a_graph(
    call: Callable[..., Answer], encoder: Path
) -> None:
    assert "2 x encoder.layer" in call("show", encoder).out
    listed = call("show", encoder, "--weights", "*.0.*query*").out
    assert "32x32" in listed
    assert "key" not in listed
    assert call("show", encoder, "--graph").out.startswith(" 1  program(%input_ids")
    found = json.loads(call("show", encoder, "--weights", "*query.weight", "--graph", "--json").out)
    assert [weight["role"] for weight in found["weights"]] == ["attention.query", "attention.query"]
    assert found["graph"].startswith("program(")


def test_a_weight_is_found_by_a_few_letters(call: Callable[..., Answer], encoder: Path) -> None:
    assert (
        "attention.self.query.weight  attention.query  32x32"
        in call("show", encoder, "--weight", "1.q").out
    )
    found = json.loads(call("show", encoder, "--weight", "1.u", "--json").out)
    assert (found["role"], found["shape"], found["pattern"]) == ("ffn.up", [64, 32], "dense")
    listed = call("show", encoder, "--weights", "*.weight", "--sort", "size").out.splitlines()
    first = next(place for place, line in enumerate(listed) if "─" in line) + 1
    assert "position_embeddings" in listed[first]


def test_latencies_are_a_table_or_json(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Latency(
        file="a.onnx", median_ms=2.0, spread_ms=0.1, ratio=1.0, threads=1, batch=4, sequence=9
    )

    def bench(files: list[Path], *, progress: Callable[[int, int], None], **sizes: Any) -> Any:
        assert (files, sizes["batch"], sizes["sequence"]) == ([Path("a.onnx")], 4, 9)
        progress(1, 1)
        return [row]

    monkeypatch.setattr(sparsify.runtime, "bench", bench)
    sizes = ("--batch", 4, "--sequence", 9)
    assert "2.00 ms" in call("bench", "a.onnx", *sizes).out
    assert json.loads(call("bench", "a.onnx", *sizes, "--json").out) == [row.model_dump()]
