"""Every task trains with masks, a teacher and contrast, in bf16 too, and resumes bit for bit."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
)

from passes.contrast import Contrast
from passes.distill import Distill
from passes.distilling import Distilling
from passes.insert_masks import InsertMasks
from sparsify.data import Documents, Encoded, Questions, Sentences, batches_by_length
from sparsify.data.language import Hiding, encode_text
from sparsify.data.spans import encode_questions
from sparsify.data.tagged import encode_sentences
from sparsify.data.text import Question
from sparsify.pipeline import apply
from sparsify.plan import Moment
from sparsify.program import Program
from sparsify.run.folder import seed_everything
from sparsify.taps import tapped
from sparsify.training import Session
from sparsify.training.reading import has_one_size
from tests.sparsify.programs import captured
from tests.sparsify.tiny import config, tokenizer
from tests.sparsify.training.runs import OPTIMIZATION, Looks, Stop, prune, run, tensors

STEPS = 8
KINDS = {
    "answers": AutoModelForQuestionAnswering,
    "tags": AutoModelForTokenClassification,
    "hidden tokens": AutoModelForMaskedLM,
    "next tokens": AutoModelForCausalLM,
}
MAIN = {"answers": "f1", "tags": "f1", "hidden tokens": "perplexity", "next tokens": "perplexity"}
TAGS = ("B-X", "I-X", "O")


@cache
def _program(task: str) -> Program:
    torch.manual_seed(0)
    kind = "gpt2" if task == "next tokens" else "bert"
    return captured(
        KINDS[task].from_config(
            config(kind, initializer_range=0.2, num_labels=3 if task == "tags" else 2)
        )
    )


def questions(count: int, seed: int) -> Questions:
    """Contexts of random words, in which the answer is the only `a` with the word behind it."""
    random = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        words = ["bcdefgh"[i] for i in torch.randint(7, (14,), generator=random).tolist()]
        place = int(torch.randint(13, (1,), generator=random))
        words[place] = "a"
        answer = " ".join(words[place : place + 2])
        found.append(Question(" ".join(words), "h", (answer,), 2 * place))
    return Questions(found)


def rows(task: str, count: int, seed: int) -> Encoded:
    asked = questions(count, seed)
    texts = [each.context for each in asked.questions]
    if task == "answers":
        return encode_questions(asked, tokenizer(), 16, longest_answer=4)
    if task == "tags":
        words = [tuple(text.split()) for text in texts]
        tags = [["ab".find(word) % 3 for word in row] for row in words]
        return encode_sentences(Sentences(words, tags), tokenizer(), 16, tags=TAGS)
    words = tokenizer()
    words.mask_token = "[UNK]"
    hiding = Hiding(0.3, seed, anew=seed == 0) if task == "hidden tokens" else None
    names = ["input_ids", "attention_mask"] if task == "next tokens" else None
    return encode_text(Documents(texts, apart=True), words, 16, names, hiding=hiding)


def session(task: str, folder: Path, *, precision: str = "fp32", stop: int = 0) -> Session:
    seed_everything(1)
    student = _program(task).clone()
    teacher = student.clone()
    contrast = Contrast(extra=8, supervised=0, representation="cls", snapshots=1)
    apply((InsertMasks(), prune(), Distill(), contrast), student)
    data = rows(task, 30, 0)
    return Session(
        student=student,
        teacher=teacher,
        data=data,
        validation=rows(task, 10, 1),
        batches=batches_by_length(data.lengths, 4, STEPS, 1),
        folder=folder,
        precision=precision,
        watch=Looks(stop=stop or None),
    )


@pytest.mark.parametrize("task", KINDS)
def test_an_interrupted_run_ends_with_the_same_weights(task: str, tmp_path: Path) -> None:
    expected = session(task, tmp_path / "whole")
    points = run(expected, evaluate_every=4)
    with pytest.raises(Stop):
        run(session(task, tmp_path / "part", stop=6), evaluate_every=4)
    found = session(task, tmp_path / "part")
    again = run(found, resume=True, evaluate_every=4)
    assert [each.values[MAIN[task]] for each in again] == [
        each.values[MAIN[task]] for each in points
    ]
    assert found.history == expected.history
    wanted = tensors(expected.student)
    assert all(torch.equal(each, wanted[name]) for name, each in tensors(found.student).items())


@pytest.mark.parametrize("task", KINDS)
def test_bf16_trains_too(task: str, tmp_path: Path) -> None:
    found = session(task, tmp_path, precision="bf16")
    settings = OPTIMIZATION.model_copy(update={"precision": "bf16"})
    points = run(found, settings, evaluate_every=4)
    assert all(torch.isfinite(each).all() for each in tensors(found.student).values())
    assert points[-1].step == STEPS


def test_the_logits_of_answers_are_starts_and_ends_and_are_not_kept_of_the_teacher() -> None:
    program = _program("answers")
    values = tapped(program, ["logits", "hidden", "cls"]).eval()(**program.inputs)
    found = program.clone().module.eval()(**program.inputs)
    both = torch.stack([found.start_logits, found.end_logits], 1)
    torch.testing.assert_close(values["logits"], both)
    assert values["hidden"].shape == (*program.inputs["input_ids"].shape, 32)
    assert torch.equal(values["cls"], values["hidden"][:, 0])
    assert not has_one_size(program, "logits")


def test_answers_are_distilled_as_the_mean_of_starts_and_ends_without_padding() -> None:
    program = _program("answers")
    duty = Distilling(Distill.model_validate({"logits": {"weight": 0.5}}), program)
    student, teacher = torch.randn(2, 2, 5), torch.randn(2, 2, 5)
    tokens = torch.tensor([[True] * 5, [True, True, True, False, False]])
    place = torch.arange(2)
    moment = Moment(0, place, place, {"logits": student}, {"logits": teacher}, tokens)
    kl = [
        F.kl_div(
            F.log_softmax(student[row, side, :length] / 2, -1),
            F.softmax(teacher[row, side, :length] / 2, -1),
            reduction="sum",
        )
        for row, length in ((0, 5), (1, 3))
        for side in (0, 1)
    ]
    loss = duty.loss(moment)
    assert loss is not None
    torch.testing.assert_close(loss, 0.5 * 4 * torch.stack(kl).mean())
