"""Branches on the values of tensors that come out one way wherever a model is used as meant."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules import transformer
from torch.overrides import TorchFunctionMode

TORCH = str(Path(torch.__file__).parent)
ASKED: Mapping[Any, bool] = {
    torch.isfinite: True,
    Tensor.isfinite: True,
    torch.isinf: False,
    Tensor.isinf: False,
    torch.isnan: False,
    Tensor.isnan: False,
}
"""A question that is asked of every number -> its answer where all of them are finite."""
KEPT = {torch.all, Tensor.all, torch.any, Tensor.any, torch.sum, Tensor.sum}
"""What of many answers, all the same, is as true as each of them."""
TURNED = {torch.logical_not, Tensor.logical_not, Tensor.__invert__, torch.bitwise_not}


class Finite(TorchFunctionMode):
    """Answers a branch on whether numbers are finite: they are.

    Only the branch is decided; what is computed of such answers is computed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, None] = {}
        # tensors that are held, so that no other takes their number
        self._answers: dict[int, tuple[Tensor, bool]] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        known = self._known(args[0]) if args else None
        if func is Tensor.__bool__ and known is not None:
            self.lines[_line()] = None
            return known
        found = func(*args, **(kwargs or {}))
        answer = self._answer(func, args, known)
        if isinstance(found, Tensor) and answer is not None:
            self._answers[id(found)] = (found, answer)
        return found

    def _known(self, value: object) -> bool | None:
        return self._answers.get(id(value), (None, None))[1]

    def _answer(self, func: Any, args: Sequence[Any], known: bool | None) -> bool | None:
        """What the result of a call is, where it follows from what is known of its operand."""
        if func in ASKED:
            return ASKED[func]
        if known is None:
            return None
        if func in TURNED:
            return not known
        if func in KEPT:
            return known
        if func is Tensor.__eq__ and args[1:] == (0,):
            return not known
        return None


@contextmanager
def finite() -> Iterator[Finite]:
    """While tracing, take numbers for finite, and masks for any masks.

    torch's own layers look at the values of a mask only to choose a faster way to the same.
    """
    original = transformer._detect_is_causal_mask
    transformer._detect_is_causal_mask = _as_told
    try:
        with Finite() as found:
            yield found
    finally:
        transformer._detect_is_causal_mask = original


def _as_told(mask: Tensor | None, is_causal: bool | None = None, size: int | None = None) -> bool:
    return is_causal is True


def _line() -> str:
    """The line of the model that branches."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(TORCH):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame else ""
