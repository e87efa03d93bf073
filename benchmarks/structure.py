"""Structure: how long the analysis of a graph takes, and whether removed heads and neurons pay."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from benchmarks.case import Case, Goal, judge, within
from benchmarks.shapes import BERT_BASE, SEED, TINY, Shape, examples, random_batch
from benchmarks.steps import compiled
from benchmarks.timing import Contender, in_turns
from sparsify import export, schema
from sparsify.analysis.blocks import blocks
from sparsify.analysis.cost import cost
from sparsify.analysis.coupling import structures
from sparsify.analysis.roles import roles
from sparsify.capture import capture
from sparsify.program import Program
from sparsify.runtime.session import physical_cores, session

RECIPE = "structured-oneshot"
PAIRS = 21
REPEATS = 3


def cases(quick: bool) -> Iterator[Case]:
    """Every case in turn; with `quick` on tiny models, in seconds."""
    bert = (TINY if quick else BERT_BASE).model()
    yield analysis("analysis_bert", partial(_captured, bert), "BERT-base", 1.0, quick)
    llama = partial(_captured_on_meta, _llama_on_meta(quick))
    yield analysis("analysis_llama", llama, "Llama 1 B without weights", 20, quick)
    for batch in (1, 8):
        yield removal_pays(TINY if quick else BERT_BASE, batch, quick)


def analysis(
    name: str, program: Callable[[], Program], model: str, limit_s: float, quick: bool
) -> Case:
    """Products, roles, blocks, coupled structures and cost, each on a graph it has not seen."""
    seconds = []
    for _ in range(1 if quick else REPEATS):
        fresh = program()
        started = time.perf_counter()
        for read in (roles, blocks, structures, cost):
            read(fresh)
        seconds.append(time.perf_counter() - started)
    says = f"roles, blocks, coupled structures and cost of {model}, against the limit"
    return within("structure", name, median(seconds), limit_s, says, quick=quick)


def removal_pays(shape: Shape, batch: int, quick: bool) -> Case:
    """Half of the heads and neurons removed: times faster in ONNX Runtime over times fewer MACs."""
    sequence = 8 if quick else 128
    passes = schema.read(RECIPE).recipe
    dense = compiled(shape.model(), [])
    shrunk = compiled(shape.model(), [*passes.passes, *passes.export.passes])
    fewer = cost(dense, batch=batch, sequence=sequence).macs / (
        cost(shrunk, batch=batch, sequence=sequence).macs
    )
    with tempfile.TemporaryDirectory() as folder:
        runs = [_runtime(each, Path(folder), shape, batch, sequence) for each in (shrunk, dense)]
        ours, baseline = map(Contender, runs)
        timing = in_turns(ours, baseline, pairs=2 if quick else PAIRS, warmup=3)
    says = (
        f"{shape}, half of its heads and neurons removed ({fewer:.2f} times fewer "
        f"multiply-accumulates), batch {batch}, in stock ONNX Runtime, against dense"
    )
    goal = Goal(">=", round(0.95 * fewer, 2))
    return judge("structure", f"removal_batch_{batch}", timing, says, goal, quick=quick)


def _runtime(
    program: Program, folder: Path, shape: Shape, batch: int, sequence: int
) -> Callable[[], object]:
    path = folder / f"{id(program)}.onnx"
    export.emit(program, path, opset=20)
    opened = session(path, threads=physical_cores())
    inputs = random_batch(shape, batch, sequence)
    feed = {wanted.name: inputs[wanted.name].numpy() for wanted in opened.get_inputs()}
    return partial(opened.run, None, feed)


def _captured(model: PreTrainedModel) -> Program:
    return capture(model, *examples(model))


def _captured_on_meta(model: nn.Module) -> Program:
    ids = torch.zeros(2, 12, dtype=torch.int64, device="meta")
    return capture(model, {"input_ids": ids}, {"input_ids": {0: "batch", 1: "sequence"}})


def _llama_on_meta(quick: bool) -> nn.Module:
    """The configuration of a Llama of 1.2 B parameters, of which none is allocated."""
    torch.manual_seed(SEED)
    config = LlamaConfig(
        vocab_size=128 if quick else 128256,
        hidden_size=32 if quick else 2048,
        intermediate_size=64 if quick else 8192,
        num_hidden_layers=2 if quick else 16,
        num_attention_heads=4 if quick else 32,
        num_key_value_heads=2 if quick else 8,
    )
    with torch.device("meta"):
        return LlamaForCausalLM(config)
