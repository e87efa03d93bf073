"""What a user can get wrong, and the one line that says so: exit code 2, nothing left behind."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from sparsify import cli
from tests.sparsify import tiny

CAP = (
    "run cap-movement-90 --model model --set data.train=train.tsv "
    "--set data.validation=validation.tsv --set vars.steps=2 --set vars.teacher_steps=2 "
)
ANSWERS = "run cap-movement-qa-90 --model model --set data.train=answers.jsonl --set data.stride=8 "
TAGS = (
    "run magnitude-kd-90 --model model --set data.task=token-classification "
    "--set data.train=tags.conll "
)
ONESHOT = "run magnitude-oneshot --model model "
FILES = {
    "train.tsv": "sentence\tlabel\n" + "".join(f"{'ab'[i % 2]} c\t{i % 2}\n" for i in range(24)),
    "validation.tsv": "sentence\tlabel\na c\t0\nb d\t1\n",
    "far.tsv": "sentence\tlabel\na c\t0\nb d\t5\n",
    "empty.tsv": "sentence\tlabel\n",
    "unlabelled.tsv": "sentence\tlabel\na c\tx\nb d\t\n",
    "broken.jsonl": '{"sentence": "a", "label": 0}\n{"sentence": "b"\n',
    "broken.tsv.gz": "no gzip",
    "answers.jsonl": (
        '{"context": "a b", "question": "c", "answers": {"text": ["b"], "answer_start": [2]}}\n'
        * 20
    ),
    "questions.jsonl": (
        '{"context": "a b", "question": "c", "answers": {"text": ["b"], "answer_start": [2]}}\n'
        '{"context": "a b", "question": "c", "answers": {"text": ["b"], "answer_start": [0]}}\n'
    ),
    "words.conll": "a O\nb\n",
    "tags.conll": "a O\nb B-X\n\na O\n",
    "other.conll": "a O\nb B-Y\n",
    "two.tsv": "one\ttwo\na\tb\n",
    "squad.json": '{"data": [\n  {"paragraphs": [}]}\n',
    "text.onnx": "no ONNX",
    "file": "",
    "typo.yaml": "passes:\n  - clean\n  - prun: {sparsity: 0.5}\n",
    "glob.yaml": "passes:\n  - insert-masks:\n      targets: [encodr.*]\n",
    "list.yaml": "- clean\n",
    "tab.yaml": "passes:\n\t- clean\n",
    "twice.yaml": (
        "extends: cap-movement-90\n"
        "data: {train: train.tsv, validation: validation.tsv}\n"
        "passes:\n"
        "  - insert-masks\n"
        "  - prune: {criterion: magnitude, sparsity: 0.5, schedule: linear}\n"
        "  - prune: {criterion: magnitude, sparsity: 0.8, schedule: cubic}\n"
    ),
    "flat.py": (
        "from torch import nn\n"
        "class Flat(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(16, 16)\n"
        "    def forward(self, x):\n"
        "        return self.layer(x) if (self.layer(x).sum() > 0) else x\n"
    ),
    "opaque.yaml": ("model: model\ncapture:\n  opaque: [bert.encodr]\npasses:\n  - insert-masks\n"),
    "maskless.yaml": "passes:\n  - prune: {criterion: magnitude, sparsity: 0.5}\n",
}
MISTAKES = Path(__file__).with_name("mistakes.txt")


def table() -> list[tuple[str, str]]:
    """Pairs of a command and what it says, from lines `$ command` and the line after."""
    lines = MISTAKES.read_text().splitlines()
    commands = [line.removeprefix("$ ") for line in lines[::2]]
    return list(zip(commands, lines[1::2], strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models, text and recipes, most of them wrong in one way."""
    made = tmp_path_factory.mktemp("mistakes")
    tiny.save("bert", made / "model")
    tiny.save("bert", made / "three", num_labels=3)
    (made / "nothing").mkdir()
    weights = tiny.save("bert", made / "cut") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    for name, text in FILES.items():
        (made / name).write_text(text)
    return made


@pytest.mark.parametrize(("command", "message"), table())
def test_a_mistake_is_one_line_and_leaves_nothing(
    command: str,
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for short, full in (("CAP", CAP), ("ONESHOT", ONESHOT), ("ANSWERS", ANSWERS), ("TAGS", TAGS)):
        command = command.replace(short, full)
    words = shlex.split(command)
    if words[0] == "run" and "--output" not in words:
        words += ["--output", "result"]
    before = set(folder.rglob("*"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SPARSIFY_CACHE", str(folder / "cache"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "argv", ["sparsify", *words])
    with pytest.raises(SystemExit) as exit:
        cli.main()
    assert exit.value.code == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert said == [f"error: {message}"]
    assert set(folder.rglob("*")) == before


def test_there_are_at_least_thirty_mistakes_with_their_messages() -> None:
    assert len(table()) >= 30
