"""Values of a program over many rows: read for a duty, or shown to the judge of the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from sparsify.data import Encoded
from sparsify.metrics import Judge
from sparsify.program import Program
from sparsify.taps import span_logits, tap, tapped
from sparsify.watch import Watch


def read(
    program: Program,
    data: Encoded,
    rows: Tensor,
    taps: Sequence[str],
    precision: str,
    watch: Watch,
) -> dict[str, Tensor]:
    """Tapped values of `program` in eval mode, without gradients, for `rows` of `data`, f32.

    Rows of like length share a batch. The random state is not touched.
    """
    found: dict[str, Tensor] = {}
    watch.begin("encode", len(rows))
    done = 0
    for places, values in _batches(program, data, rows, taps, precision):
        for name, value in values.items():
            if name not in found:
                found[name] = torch.empty(len(rows), *value.shape[1:])
            found[name][places] = value
        done += len(places)
        watch.advance("encode", done, {})
    return found


def judged(program: Program, data: Encoded, precision: str) -> Judge:
    """The judge of `data`, who has seen what `program` returns for all of it."""
    judge = data.judge()
    rows = torch.arange(len(data))
    for places, values in _batches(program, data, rows, ("logits",), precision):
        judge.see(places, values["logits"])
    return judge


def _batches(
    program: Program, data: Encoded, rows: Tensor, taps: Sequence[str], precision: str
) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """Places in `rows` and their tapped values, f32 on the CPU, batch by batch."""
    module = tapped(program, taps)
    training = program.module.training
    device = next(program.module.parameters()).device
    module.eval()
    try:
        for places in by_length(data.lengths[rows], data.tokens_at_once):
            inputs = data.batch(rows[places])
            with torch.no_grad(), autocast(device, precision):
                values = module(**{name: value.to(device) for name, value in inputs.items()})
            yield places, {name: values[name].float().cpu() for name in taps}
    finally:
        module.train(training)


def has_one_size(program: Program, name: str) -> bool:
    """Whether a tapped value is one vector for every row, however many tokens the row has."""
    if name in ("cls", "mean"):
        return True
    if name == "logits" and span_logits(program):
        return False
    return int(tap(program, name).meta["val"].ndim) <= 2


def by_length(lengths: Tensor, tokens: int) -> Iterable[Tensor]:
    """Places of all `lengths`, in groups of about so many `tokens`, the longest first."""
    order = lengths.argsort(descending=True, stable=True)
    start = 0
    while start < len(order):
        count = max(1, tokens // int(lengths[order[start]]))
        yield order[start : start + count]
        start += count


def best_precision(wanted: str, device: torch.device) -> str:
    """`fp32` or `bf16`; for `auto`, bf16 where `device` has instructions for it."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") else "fp32"


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """bf16 autocast where `precision` asks for it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def attention(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Which of torch's kernels computes attention in a training step.

    On a processor the fused one takes several times as long as plain products where it goes
    backwards in bf16, at every length.
    """
    if device.type == "cpu" and precision == "bf16":
        plain: AbstractContextManager[None] = sdpa_kernel(SDPBackend.MATH)
        return plain
    return nullcontext()
