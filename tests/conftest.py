"""What every test may rely on: registered passes, a fixed seed, no network."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
# tests run side by side, one to a core
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest
import torch
from jaxtyping import install_import_hook

CHECKED = (
    "criteria",
    "info_nce",
    "losses",
    "optimal_brain",
    "patterns",
    "ranking",
    "schedules",
)
"""Files of small functions on tensors: the shapes in their signatures hold while tests run."""

with install_import_hook(
    [f"passes.{name}" for name in CHECKED],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
):
    import passes  # noqa: F401  importing it registers every pass and method


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is measured of this machine for tiny layers stays out of the user's cache."""
    os.environ["SPARSIFY_CACHE"] = str(tmp_path_factory.mktemp("cache"))
