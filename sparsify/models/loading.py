"""A recipe's model, loaded: through transformers, or from a factory of the user's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from sparsify.errors import Problem
from sparsify.models import factory, folders
from sparsify.models.heads import CLASSES, NOUNS, Wanted, require_direction, same_labels
from sparsify.models.source import Source, quiet
from sparsify.recipe import Model

_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_HUB_HINT = "it is no folder here; check the name, and whether this machine is offline"


def load_model(
    spec: Model, wanted: Wanted | None = None, *, seed: int = 0, fine_tuned: bool = False
) -> Source:
    """Load the model that `spec` names, in fp32.

    It gets the head of the task that is `wanted`, new weights drawn by `seed`; with None it keeps
    the architecture that its configuration names. `fine_tuned` asks for a model that is complete as
    it lies there: a teacher.

    Raises:
        Problem: there is no such model, it is broken, or it does not fit the task.
    """
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if _FACTORY.fullmatch(spec.path):
            module = factory.build(spec.path, classes=None if wanted is None else wanted.outputs)
            config = getattr(module, "config", None)
            known = config if isinstance(config, PretrainedConfig) else None
            return Source(module, known, _tokenizer(spec, None), spec.path, None)
        folder = folders.find(spec.path)
        if folder is not None:
            folders.check(folder, spec.path)
        config = _config(spec, folder)
        if wanted is not None:
            if fine_tuned:
                same_labels(spec.path, config, wanted)
            require_direction(spec.path, config, wanted)
            wanted.set_labels(config)
        module, notes = _module(spec, folder, config, wanted, complete=fine_tuned, seed=seed)
        return Source(module, module.config, _tokenizer(spec, folder), spec.path, folder, notes)


def _place(spec: Model, folder: Path | None) -> str:
    return spec.path if folder is None else str(folder)


def _config(spec: Model, folder: Path | None) -> PretrainedConfig:
    try:
        found: PretrainedConfig = AutoConfig.from_pretrained(
            _place(spec, folder), trust_remote_code=spec.trust_remote_code
        )
    except OSError:
        raise Problem("the hub gives no such model", where=spec.path, hint=_HUB_HINT) from None
    except ValueError as error:
        remote = "trust_remote_code" in str(error)
        raise Problem(
            "the model brings its own code" if remote else "transformers does not know its type",
            where=spec.path,
            hint="set model.trust_remote_code to true if you trust it" if remote else "",
        ) from None
    return found


def _module(
    spec: Model,
    folder: Path | None,
    config: PretrainedConfig,
    wanted: Wanted | None,
    *,
    complete: bool,
    seed: int,
) -> tuple[PreTrainedModel, list[str]]:
    kind = _architecture(config) if wanted is None else CLASSES[wanted.task]
    try:
        module, info = kind.from_pretrained(
            _place(spec, folder),
            config=config,
            use_safetensors=True,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            trust_remote_code=spec.trust_remote_code,
        )
    except OSError:
        raise Problem(
            "the hub gives no safetensors weights for it", where=spec.path, hint=_HUB_HINT
        ) from None
    except ValueError as error:
        if "Unrecognized configuration class" not in str(error):
            raise
        raise Problem(
            f"transformers has no {NOUNS[wanted.task if wanted else 'text-classification']} for "
            f"{config.model_type!r}",
            where=spec.path,
        ) from None
    return module, _new_weights(spec.path, module, info, complete=complete, seed=seed)


def _architecture(config: PretrainedConfig) -> Any:
    """The class that the configuration names, or the nearest that loads any model."""
    for name in config.architectures or ():
        if found := getattr(transformers, name, None):
            return found
    if type(config) in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        return AutoModelForSequenceClassification
    return AutoModel


def _new_weights(
    path: str, module: PreTrainedModel, info: dict[str, Any], *, complete: bool, seed: int
) -> list[str]:
    """A note on the weights that were not in the file; a head may be new, a body may not."""
    mismatched = {key[0] for key in info["mismatched_keys"]}
    new = sorted({*info["missing_keys"], *mismatched})
    body = [
        name
        for name in new
        if name in mismatched or "pooler" not in name
        if name.startswith(f"{module.base_model_prefix}.") or module.base_model is module
    ]
    if body or (new and complete):
        first = (body or new)[0]
        fault = "has another shape than config.json says" if first in mismatched else "is missing"
        count = len(body or new)
        more = f", and {count - 1} more" if count > 1 else ""
        hint = "" if body else "a teacher must be fine-tuned already"
        raise Problem(f"the weight {first!r} {fault}{more}", where=path, hint=hint)
    if not new:
        return []
    return [f"{path}: new weights, drawn by seed {seed}: {', '.join(new)}."]


def _tokenizer(spec: Model, folder: Path | None) -> PreTrainedTokenizerBase | None:
    place = spec.tokenizer or _place(spec, folder)
    local = folders.find(place) if spec.tokenizer else folder
    if local is None and spec.tokenizer is None and _FACTORY.fullmatch(spec.path):
        return None
    if local is not None and not folders.has_tokenizer(local):
        if spec.tokenizer is None:
            return None
        hint = "write one there with `save_pretrained`"
        raise Problem("no tokenizer in this folder", where=place, hint=hint)
    try:
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            str(local or place), trust_remote_code=spec.trust_remote_code
        )
    except (OSError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise Problem(f"the tokenizer cannot be loaded ({first})", where=place) from None
    return found
