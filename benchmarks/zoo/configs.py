"""The models of the zoo: architectures with their heads, tiny, of random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import transformers
from torch import nn
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from benchmarks.zoo.own import Decoder, LowRank, OneKey
from benchmarks.zoo.plain import Einsum, Multihead
from benchmarks.zoo.sizes import SIZES
from sparsify.models.source import quiet

SPREAD = 0.15
"""Of the random weights: so large that what is left out of a graph is seen in the outputs."""


@dataclass(frozen=True)
class Row:
    """One architecture with one head."""

    name: str
    make: Callable[[], nn.Module]
    """The model of random weights, in eval mode; the same on every call."""


HEADS = {
    "sequence-classification": transformers.AutoModelForSequenceClassification,
    "token-classification": transformers.AutoModelForTokenClassification,
    "question-answering": transformers.AutoModelForQuestionAnswering,
    "masked-lm": transformers.AutoModelForMaskedLM,
    "causal-lm": transformers.AutoModelForCausalLM,
    "seq2seq-lm": transformers.AutoModelForSeq2SeqLM,
    "speech-seq2seq-lm": transformers.AutoModelForSpeechSeq2Seq,
    "image-classification": transformers.AutoModelForImageClassification,
    "audio-classification": transformers.AutoModelForAudioClassification,
    "ctc": transformers.AutoModelForCTC,
    "video-classification": transformers.AutoModelForVideoClassification,
    "no-head": transformers.AutoModel,
}

SEQUENCE, CAUSAL = "sequence-classification", "causal-lm"
SEQ2SEQ, IMAGE = "seq2seq-lm", "image-classification"
HEADS_OF: dict[str, tuple[str, ...]] = {
    "bert": (SEQUENCE, "token-classification", "question-answering", "masked-lm", "no-head"),
    "distilbert": (SEQUENCE, "question-answering"),
    "roberta": (SEQUENCE, "masked-lm"),
    "camembert": (SEQUENCE, "token-classification"),
    "xlm-roberta": (SEQUENCE,),
    "albert": (SEQUENCE,),
    "electra": (SEQUENCE, "token-classification"),
    "mpnet": (SEQUENCE,),
    "deberta": (SEQUENCE,),
    "deberta-v2": (SEQUENCE, "question-answering"),
    "xlnet": (SEQUENCE,),
    "mobilebert": (SEQUENCE,),
    "squeezebert": (SEQUENCE,),
    "longformer": (SEQUENCE,),
    "modernbert": (SEQUENCE, "masked-lm"),
    "ernie": (SEQUENCE,),
    "layoutlm": (SEQUENCE,),
    "canine": (SEQUENCE,),
    "convbert": (SEQUENCE,),
    "roformer": (SEQUENCE,),
    "rembert": (SEQUENCE,),
    "esm": (SEQUENCE,),
    "fnet": (SEQUENCE,),
    "gpt2": (SEQUENCE, CAUSAL, "token-classification"),
    "opt": (SEQUENCE, CAUSAL),
    "gpt_neo": (SEQUENCE,),
    "gpt_neox": (SEQUENCE, CAUSAL),
    "gptj": (SEQUENCE,),
    "gpt_bigcode": (CAUSAL,),
    "codegen": (CAUSAL,),
    "llama": (SEQUENCE, CAUSAL),
    "mistral": (SEQUENCE, CAUSAL),
    "qwen2": (SEQUENCE, CAUSAL),
    "qwen3": (SEQUENCE,),
    "gemma": (SEQUENCE,),
    "gemma2": (SEQUENCE,),
    "phi": (CAUSAL,),
    "phi3": (CAUSAL,),
    "stablelm": (CAUSAL,),
    "olmo2": (CAUSAL,),
    "cohere": (CAUSAL,),
    "starcoder2": (CAUSAL,),
    "bloom": (SEQUENCE, CAUSAL),
    "falcon": (SEQUENCE,),
    "mpt": (CAUSAL,),
    "mixtral": (CAUSAL,),
    "qwen3_moe": (CAUSAL,),
    "gpt_oss": (CAUSAL,),
    "deepseek_v3": (CAUSAL,),
    "t5": (SEQ2SEQ, SEQUENCE),
    "mt5": (SEQ2SEQ,),
    "bart": (SEQ2SEQ, SEQUENCE, "question-answering"),
    "mbart": (SEQ2SEQ,),
    "marian": (SEQ2SEQ,),
    "pegasus": (SEQ2SEQ,),
    "m2m_100": (SEQ2SEQ,),
    "blenderbot": (SEQ2SEQ,),
    "whisper": ("speech-seq2seq-lm", "audio-classification"),
    "longt5": (SEQ2SEQ,),
    "speech_to_text": ("speech-seq2seq-lm",),
    "vit": (IMAGE,),
    "vivit": ("video-classification",),
    "deit": (IMAGE,),
    "beit": (IMAGE,),
    "dinov2": (IMAGE,),
    "vit_msn": (IMAGE,),
    "swin": (IMAGE,),
    "swinv2": (IMAGE,),
    "segformer": (IMAGE,),
    "audio-spectrogram-transformer": ("audio-classification",),
    "clip": ("no-head",),
    "siglip": ("no-head",),
    "wav2vec2": ("audio-classification", "ctc"),
    "hubert": ("audio-classification",),
    "wav2vec2-bert": ("ctc",),
    "wavlm": ("audio-classification",),
}


def of_hugging_face(architecture: str, head: str) -> nn.Module:
    """A model of random weights."""
    torch.manual_seed(0)
    labels = 2 if head == "question-answering" else 3
    # an architecture may have two classes for one head: with none named, the first is taken
    sizes: dict[str, Any] = {**SIZES[architecture], "num_labels": labels, "architectures": []}
    config = CONFIG_MAPPING[architecture](**sizes)
    with quiet():
        return spread(HEADS[head].from_config(config))  # type: ignore[no-untyped-call]


def of_ones_own(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return spread(kind())


def spread(model: nn.Module) -> nn.Module:
    """`model` with all that it learns drawn anew: biases too, so that a lost one is noticed."""
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=random)
            if parameter.ndim > 1 and parameter.requires_grad:
                parameter.copy_(SPREAD * noise)
            elif parameter.requires_grad:
                parameter.add_(SPREAD / 3 * noise)
    return model.eval()


ROWS: tuple[Row, ...] = (
    *(
        Row(f"{architecture} / {head}", partial(of_hugging_face, architecture, head))
        for architecture, heads in HEADS_OF.items()
        for head in heads
    ),
    Row("own / nn.MultiheadAttention", partial(of_ones_own, Multihead)),
    Row("own / einsum", partial(of_ones_own, Einsum)),
    Row("own / nn.TransformerDecoder", partial(of_ones_own, Decoder)),
    Row("own / one key for all heads", partial(of_ones_own, OneKey)),
    Row("own / low-rank branches", partial(of_ones_own, LowRank)),
)
