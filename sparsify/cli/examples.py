"""Commands that show each verb at work; tests run them, in this order, in one folder."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "run": ("sparsify run magnitude-oneshot --model FOLDER --output out/half",),
    "plan": ("sparsify plan cap-movement-90 --model FOLDER --set vars.sparsity=0.97",),
    "show": (
        "sparsify show out/half",
        "sparsify show FOLDER --weights '*query*'",
        "sparsify show out/half/model.onnx",
    ),
    "diff": (
        "sparsify diff magnitude-oneshot structured-oneshot",
        "sparsify diff out/half/dense.onnx out/half/model.onnx --stat",
    ),
    "report": ("sparsify report out/half",),
    "export": ("sparsify export FOLDER -o out/onnx --values f16",),
    "bench": ("sparsify bench out/half/dense.onnx out/half/model.onnx --sequence 16",),
    "sense": (
        "sparsify sense FOLDER --data train.tsv --recipe mine.yaml --sparsity 0.8",
        "sparsify sense FOLDER --data train.tsv --pattern head",
    ),
    "passes": ("sparsify passes",),
    "check-plugin": ("sparsify check-plugin my_pass.py",),
    "recipes": ("sparsify recipes", "sparsify recipes cap-movement-90"),
    "import-recipe": (
        "sparsify import-recipe old.yaml -o new.yaml",
        "sparsify import-recipe nncf.json --epochs 10 --strict",
    ),
    "schema": ("sparsify schema", "sparsify schema plan"),
    "doctor": ("sparsify doctor",),
}
"""Verb -> commands; `FOLDER` is that of a saved model."""


def epilog(verb: str) -> str | None:
    """The examples of a verb, for the end of its help."""
    if verb not in EXAMPLES:
        return None
    return "\n\n".join(["Examples:", *EXAMPLES[verb]])
