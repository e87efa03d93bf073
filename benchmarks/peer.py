"""Beside DeepSparse: `python -m benchmarks.peer --peer-python PYTHON` of where it is installed.

The same weights with the same zeros: sparse in our file, as zeros in the peer's. Both run on one
processor core, in turns, and are timed by the processor time of their processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import onnx_ir as ir
import typer

from benchmarks import results
from benchmarks.case import Case, Goal, judge
from benchmarks.encoder_graph import Encoder, in_blocks
from benchmarks.shapes import BERT_BASE, TINY, Shape
from benchmarks.timing import Timing
from sparsify import plugins
from sparsify.export.sparse import lower
from sparsify.kinds import lowering
from sparsify.runtime import session

SPARSITIES = (0.8, 0.9, 0.95, 0.97)
PAIRS = {1: 20, 8: 12}
SEQUENCE, PEER_OPSET, PEER_IR = 128, 14, 8
TOLERANCE = 1e-3
"""Of the largest output: how far the two may be from each other."""
GOAL = Goal(">=", 1.0)


class OldEncoder(Encoder):
    """The encoder in operators of the version that the peer reads."""

    def _norm(self, value: str, name: str) -> str:
        width = self.shape.width
        self.stored |= {f"{name}.weight": np.ones(width, "f"), f"{name}.bias": np.zeros(width, "f")}
        self.stored |= {"two": np.array(2, "f"), "tiny": np.array(1e-5, "f")}
        apart = self._node("Sub", value, self._node("ReduceMean", value, axes=[-1]))
        spread = self._node("ReduceMean", self._node("Pow", apart, "two"), axes=[-1])
        root = self._node("Sqrt", self._node("Add", spread, "tiny"))
        scaled = self._node("Mul", self._node("Div", apart, root), f"{name}.weight")
        return self._node("Add", scaled, f"{name}.bias")

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        if kind == "Sum":
            return super()._node("Add", *inputs)
        if kind != "Gelu":
            return super()._node(kind, *inputs, **attributes)
        self.stored |= {"root": np.array(2**0.5, "f"), "one": np.array(1, "f")}
        self.stored |= {"half": np.array(0.5, "f")}
        error = self._node("Erf", self._node("Div", *inputs, "root"))
        return self._node(
            "Mul", self._node("Mul", *inputs, self._node("Add", error, "one")), "half"
        )


class Peer:
    """The other engine in its own process."""

    def __init__(self, python: Path, model: Path, inputs: Path, outputs: Path) -> None:
        script = Path(__file__).with_name("peer_engine.py")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([python, script], stdin=pipe, stdout=pipe, text=True)
        self.ask({"model": str(model), "inputs": str(inputs), "outputs": str(outputs)})

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("answer "):
                answer: dict[str, Any] = json.loads(line.removeprefix("answer "))
                return answer
        raise RuntimeError(f"the peer ended with code {self.process.wait()}")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def compared(python: Path, *, quick: bool) -> Iterator[Case]:
    """Every sparsity and batch; both processes on the first core that this one may use."""
    plugins.load()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    shape = TINY if quick else BERT_BASE
    for sparsity in SPARSITIES[:1] if quick else SPARSITIES:
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = _files(Path(folder), shape, sparsity)
            for batch in PAIRS:
                timing = _in_turns(python, ours, theirs, shape, batch)
                says = f"{shape}, unstructured, batch {batch}, DeepSparse on the same zeros"
                name = f"{sparsity:.0%}_batch_{batch}"
                yield judge("peer", name, timing, says, GOAL, quick=quick)


def _files(folder: Path, shape: Shape, sparsity: float) -> tuple[Path, Path]:
    ours, theirs = folder / "ours.onnx", folder / "theirs.onnx"
    model = Encoder(shape, in_blocks((1, 1), sparsity)).model()
    lower(model, lowering.choose("sparse", least=0.0))
    ir.save(model, ours)
    made = ir.to_proto(OldEncoder(shape, in_blocks((1, 1), sparsity)).model())
    made.opset_import[0].version, made.ir_version = PEER_OPSET, PEER_IR
    onnx.save(made, theirs)
    return ours, theirs


def _in_turns(python: Path, ours: Path, theirs: Path, shape: Shape, batch: int) -> Timing:
    """Pairs of seconds of the processor; who begins changes with every pair."""
    random = np.random.default_rng(0)
    hidden = random.standard_normal((batch, SEQUENCE, shape.width), dtype=np.float32)
    inputs, outputs = ours.with_name("inputs.npz"), ours.with_name("outputs.npz")
    np.savez(inputs, hidden=hidden)
    opened, peer = session(ours, threads=1), Peer(python, theirs, inputs, outputs)
    try:
        expected = opened.run(None, {"hidden": hidden})[0]
        with np.load(outputs) as found:
            difference = np.abs(found["encoded"] - expected).max()
        assert difference < TOLERANCE * np.abs(expected).max(), f"they differ by {difference:.1e}"
        pairs = []
        for number in range(PAIRS[batch]):
            seconds = [0.0, 0.0]
            for which in (number % 2, 1 - number % 2):
                started = time.process_time()
                if which:
                    seconds[1] = peer.ask({})["cpu_s"]
                else:
                    opened.run(None, {"hidden": hidden})
                    seconds[0] = time.process_time() - started
            pairs.append((seconds[0], seconds[1]))
    finally:
        peer.close()
    return Timing(tuple(pairs), 1)


def main(
    peer_python: Annotated[
        Path, typer.Option(help="The Python of an environment with DeepSparse.")
    ],
    quick: Annotated[bool, typer.Option(help="A tiny model; judges nothing.")] = False,
    output: Annotated[Path | None, typer.Option(help="Where the result is kept.")] = None,
) -> None:
    """Time our sparse file and the peer's on the same weights."""
    found = []
    for case in compared(peer_python, quick=quick):
        typer.echo(f"{case.case} {case.value:.1f} ms, {case.baseline:.1f} ms, {case.ratio:.2f}")
        found.append(case)
    if not quick or output:
        kept = {"cases": [vars(case) for case in found]}
        command = "python -m benchmarks.peer --peer-python PYTHON"
        results.keep(output or results.path_of("peer"), "peer", command, kept)


if __name__ == "__main__":
    typer.run(main)
