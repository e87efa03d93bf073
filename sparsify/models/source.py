"""What was loaded: a module, and whatever came with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn
from transformers import PretrainedConfig, PreTrainedTokenizerBase
from transformers.utils import logging as talk

from sparsify.errors import Problem

PROCESSOR = ("preprocessor_config.json", "processor_config.json")
"""What says how images and sound become inputs."""


@dataclass
class Source:
    """A model before it is captured."""

    module: nn.Module
    config: PretrainedConfig | None
    """None for a plain module of the user's own."""
    tokenizer: PreTrainedTokenizerBase | None
    name: str
    """The path as the recipe has it."""
    folder: Path | None
    """Where it was loaded from; None for a hub model or a factory."""
    notes: list[str] = field(default_factory=list)
    """Sentences on what was new or left out."""

    def needed_tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer, for work that reads text.

        Raises:
            Problem: there is none.
        """
        if self.tokenizer is None:
            raise Problem(
                "the model comes without a tokenizer",
                where=self.name,
                hint="name a folder that holds one in model.tokenizer",
            )
        return self.tokenizer

    def save_assets(self, folder: Path) -> None:
        """Write `config.json` and what belongs to the tokenizer or processor to `folder`."""
        with quiet():
            if self.config is not None:
                self.config.save_pretrained(folder)
            if self.tokenizer is not None:
                self.tokenizer.save_pretrained(folder)
        for name in PROCESSOR:
            if self.folder is not None and (self.folder / name).is_file():
                text = (self.folder / name).read_text()
                (folder / name).write_text(text)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' own messages and progress bars off the terminal."""
    verbosity, bars = talk.get_verbosity(), talk.is_progress_bar_enabled()
    talk.set_verbosity_error()  # type: ignore[no-untyped-call]
    talk.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        talk.set_verbosity(verbosity)
        if bars:
            talk.enable_progress_bar()  # type: ignore[no-untyped-call]
