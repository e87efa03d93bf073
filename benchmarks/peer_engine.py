"""DeepSparse behind a pipe, in the interpreter of its own environment: a line in, a line out."""

import json
import sys
import time

import numpy as np
from deepsparse import Engine


def main() -> None:
    """Open the file of the first line, then run it once for every further line."""
    asked = json.loads(sys.stdin.readline())
    with np.load(asked["inputs"], allow_pickle=False) as values:
        inputs = [np.ascontiguousarray(values["hidden"])]
    engine = Engine(
        model=asked["model"],
        batch_size=len(inputs[0]),
        num_cores=1,
        input_shapes=[list(inputs[0].shape)],
    )
    np.savez(asked["outputs"], encoded=engine.run(inputs)[0])
    tell({"ready": True})
    for _ in sys.stdin:
        wall, used = time.perf_counter(), time.process_time()
        engine.run(inputs)
        tell({"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - used})


def tell(answer: dict[str, object]) -> None:
    sys.stdout.write("answer " + json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
