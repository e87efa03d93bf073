"""What the second file, in 8 bits, is worth beside the one in 32 bits."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from sparsify.report import Latency, Quantized, Scores
from sparsify.view.latency import ratio_words
from sparsify.view.words import metric, plural, size


def quantized_line(
    quantized: Quantized,
    scores: Scores | None = None,
    in_32_bits: Scores | None = None,
    latencies: Sequence[Latency] = (),
) -> Text:
    """The main metric in both files, the size, the speed against the dense file, and how far off.

    Args:
        quantized: the file.
        scores: of the task in ONNX Runtime.
        in_32_bits: those of the file with 32 bits.
        latencies: of the file; their ratios are to the dense one.
    """
    count = sum(weight.form == "dense, int8" for weight in quantized.stored)
    said = [f"{plural(count, 'weight')} in 8 bits, {size(quantized.size_bytes)}"]
    if scores is not None and in_32_bits is not None:
        main = scores.main
        before, after = (metric(each.values[main]) for each in (in_32_bits, scores))
        said.append(f"{main} {after} in ONNX Runtime, {before} in 32 bits")
    said += [f"against the dense file {ratio_words(row.ratio)}" for row in latencies]
    difference = f"{quantized.max_abs_difference:.1e} of {quantized.scale:.3g}"
    said.append(f"outputs differ from PyTorch's by at most {difference}")
    return Text(f"int8, {quantized.mode}: {'; '.join(said)}")
