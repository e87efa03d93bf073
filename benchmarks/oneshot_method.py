"""One method on BERT-base, alone in its process: `python -m benchmarks.oneshot_method NAME`."""

from __future__ import annotations

import json
import resource
import sys
import time

import psutil
import torch

from benchmarks.oneshot import METHODS
from benchmarks.shapes import BERT_BASE, SEED, TINY, examples, random_batch
from sparsify.capture import capture
from sparsify.pipeline import apply
from sparsify.schema import parse

SAMPLES, BATCH, TOKENS = 128, 8, 128


def main(name: str, quick: bool) -> None:
    """Print what `Measured` holds, as JSON."""
    torch.set_num_threads(1)
    passes = parse({"passes": ["clean", {"insert-masks": {"targets": ["*"]}}, METHODS[name]]})
    # what capturing imports is no memory of the model
    capture(TINY.model(), *examples(TINY.model()))
    before_mb = psutil.Process().memory_info().rss / 1e6
    shape = TINY if quick else BERT_BASE
    model = shape.model()
    model.train(False)
    program = capture(model, *examples(model))
    torch.manual_seed(SEED)
    program.samples = tuple(
        {
            **{n: v for n, v in random_batch(shape, BATCH, TOKENS).items() if n in program.inputs},
            "labels": torch.randint(0, 2, (BATCH,)),
        }
        for _ in range(SAMPLES // BATCH)
    )
    *prepare, method = passes.passes
    apply(prepare, program, check=False)
    started = time.process_time()
    apply([method], program, check=False)
    taken = time.process_time() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    facts = {
        "processor_s": taken,
        "model_mb": sum(each.numel() for each in model.parameters()) * 4 / 1e6,
        "masks_mb": sum(each.numel() for each in program.masks().values()) * 4 / 1e6,
        "libraries_mb": before_mb,
        "peak_mb": peak_mb,
    }
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], "quick" in sys.argv[2:])
