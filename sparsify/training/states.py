"""What duties keep in checkpoints, told apart by their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from sparsify.plan import Duty, Run


def states(duties: Sequence[Duty]) -> dict[str, Tensor]:
    """What every duty must know to continue."""
    return {
        f"{number}.{name}": tensor.contiguous()
        for number, duty in enumerate(duties)
        for name, tensor in duty.state().items()
    }


def restore(duties: Sequence[Duty], run: Run, state: Mapping[str, Tensor], step: int) -> None:
    """Hand each duty what `states` got from it before `step`."""
    for number, duty in enumerate(duties):
        duty.restore(run, under(state, f"{number}."), step)


def under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of their names."""
    return {n.removeprefix(prefix): each for n, each in state.items() if n.startswith(prefix)}
