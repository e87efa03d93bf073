"""Everything a recipe can say, on one page. How it is read from YAML: schema.py."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sparsify import kinds
from sparsify.given import Input
from sparsify.kinds import Chosen
from sparsify.pipeline import Pass, PassChoice
from sparsify.recipe_data import Data
from sparsify.section import Fraction, Positive, Rate, Section


class Model(Section):
    """The model to start from; a plain string is its `path`."""

    path: str
    """A folder, a hub name, `package://NAME/FOLDER` inside an installed package, or a factory
    `package.module:function` that returns any nn.Module."""
    tokenizer: str | None = None
    """A folder or hub name, where the model's own folder holds no tokenizer."""
    trust_remote_code: bool = False
    """Whether code that comes with a hub model may run."""

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


class Optimization(Section):
    """How weights are learned; shared by the student and the teacher's fine-tuning."""

    steps: Positive | None = None
    """Updates of the weights, each by one batch."""
    epochs: Rate | None = None
    """Instead of `steps`; neither: three epochs."""
    batch: Positive = 32
    """Rows in one step."""
    learning_rate: Rate = 5e-5
    """AdamW's, at its highest."""
    warmup: Fraction = 0.1
    """The share of the steps in which the learning rate rises."""
    decay: Literal["linear", "none"] = "linear"
    """Whether it then falls to zero, or stays."""
    cycles: Positive = 1
    """How often it rises and falls; with each time the optimizer starts afresh."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """AdamW's; biases and normalisations are left out of it."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """The share of values that is dropped while training, wherever the model drops any; left out,
    the model's own. What is mostly zeros lacks capacity, and learns better without."""
    max_grad_norm: Rate = 1.0
    """The l2 norm that the gradient of all weights together is clipped to."""
    freeze: list[str] = []
    """Parameters that stay as they are: names, globs, `re:` patterns or roles."""
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    """bf16: autocast with fp32 weights; auto: that, where the processor computes in bf16."""

    @model_validator(mode="after")
    def _one_length(self) -> Optimization:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("`steps` and `epochs` exclude each other; keep one")
        return self


class Teacher(Section):
    """The fine-tuned dense model that the student learns from."""

    model: str | None = None
    """A fine-tuned folder; left out, `model` is fine-tuned on the data, and kept in the cache."""
    fine_tune: Optimization = Optimization()
    """How the teacher is made where no `model` is given."""


class Train(Optimization):
    """How the student is trained while its passes' duties are done."""

    task_weight: Annotated[float, Field(ge=0)] = 1.0
    """Of the task's own loss: cross-entropy, or squared error for regression."""
    evaluate_every: Positive | None = None
    """Steps between evaluations; left out, a tenth of the run."""
    checkpoint_every: Positive | None = None
    """Steps between checkpoints; left out, a tenth of the run."""
    report_to: list[str] = []
    """Trackers that are told the figures while training: `tensorboard`, `wandb`, `mlflow`, and what
    else transformers knows; each must be installed. TensorBoard's files go to `logs`."""
    log_every: Positive | None = None
    """Steps between figures for trackers; left out, a hundredth of the run."""
    accuracy_floor: Fraction | None = None
    """The share of the dense metric that the sparse one must keep, else the run exits with 1."""


class Capture(Section):
    """How the model becomes a graph."""

    check: bool = True
    """Compare outputs and gradients with the model's own at other shapes."""
    inputs: dict[str, Input] = {}
    """What the model is called with, by name; left out, it is made up and tried."""
    opaque: list[str] = []
    """Submodules, by name or glob, that stay as they are: what is inside is neither looked at nor
    pruned. For those that no graph can hold."""


class Export(Section):
    """How the program becomes an ONNX file."""

    passes: list[Annotated[Pass, PassChoice()]] = Field(
        default_factory=lambda: [Pass.known["fold-masks"]()], validate_default=True
    )
    """What runs on the trained program before it is exported."""
    opset: Annotated[int, Field(ge=17, le=23)] = 20
    """The version of ONNX's operators."""
    lowering: Annotated[Chosen, kinds.lowering] = Field(default="auto", validate_default=True)
    """How the weights are stored."""
    quantize: Literal["dynamic", "static"] | None = None
    """Whether a second file computes what stays dense in 8 bits, from standard operators; `dynamic`
    finds the ranges of inputs in every run, `static` on the calibration rows."""
    tolerance: Rate = 1e-4
    """The largest difference of PyTorch's and ONNX Runtime's outputs, relative to the largest."""
    bench: bool = True
    """Whether latencies of the dense and the sparse file are measured."""


class Recipe(Section):
    """A model and what to do to it, in order."""

    plugins: list[str] = []
    """Python files with passes and methods of your own, relative to the recipe. They are run: name
    only files that you trust."""
    model: Model | None = None
    """The model to start from, by `path`; `--model` gives it on the command line."""
    data: Data | None = None
    """Labelled text to train, calibrate and evaluate on."""
    teacher: Teacher | None = None
    """The fine-tuned dense model to learn from; `{}` makes one. Left out: no teacher."""
    capture: Capture = Capture()
    """How the model becomes a graph."""
    passes: list[Annotated[Pass, PassChoice()]]
    """What is done to the graph, in order; the same pass any number of times."""
    train: Train | None = None
    """How the student is trained. Left out: no training."""
    export: Export = Field(default_factory=Export)
    """How the result becomes an ONNX file."""
    seed: int = 42
    """Of everything that is random."""
