"""A tokenizer and model folders small enough for tests, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefgh")
SIZES: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": {"type_vocab_size": 1, "pad_token_id": 1},
    "electra": {"embedding_size": 16},
    "albert": {"embedding_size": 16},
    "mpnet": {"pad_token_id": 1},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
}
"""What a tiny configuration of each architecture has beside the sizes that all share."""
DECODERS: dict[str, dict[str, Any]] = {"gpt2": {"bos_token_id": 2, "eos_token_id": 3}}
"""The same of those that write text."""


def tokenizer(**options: Any) -> PreTrainedTokenizerFast:
    """A tokenizer of eight words, with `[CLS] a [SEP] b [SEP]` around a pair."""
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        **{"model_input_names": ["input_ids", "token_type_ids", "attention_mask"], **options},
    )


def config(kind: str, **options: Any) -> Any:
    """A configuration of two layers, 32 wide."""
    shared = {
        "vocab_size": 40,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 32,
    }
    return CONFIG_MAPPING[kind](**{**shared, **{**SIZES, **DECODERS}[kind], **options})


def save(kind: str, folder: Path, *, words: bool = True, **options: Any) -> Path:
    """A folder with a sequence classifier of random weights, and its tokenizer."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config(kind, **options))
    model.save_pretrained(folder)
    if words:
        tokenizer().save_pretrained(folder)
    return folder
