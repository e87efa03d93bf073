from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from expecttest import assert_expected_inline

from sparsify.importing import import_recipe
from sparsify.view.imported import imported_view

OLD = Path(__file__).parents[1] / "importing" / "recipes"


def test_every_key_of_an_old_recipe_is_a_row(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(imported_view(import_recipe(OLD / "obert.yaml"))),
        """\

            key                                here
 ──────────────────────────────────────────────────────────────────────────────
            EpochRangeModifier
 same         start_epoch: 0                   a run begins at its first step
 same         end_epoch: 30                    train.epochs: 30
            OBSPruningModifier
 same         params:                          targets:
            [re:bert.encoder.layer.*.attenti   [re:bert.encoder.layer.*.attenti
            on.self.q...                       on.self.query.weight,
                                               re:bert.encoder.layer.*.output.d
                                               ense.weight]
 same         init_sparsity: 0.7               schedule: first 0.7778 of the
                                               sparsity
 same         final_sparsity: 0.9              sparsity: 0.9
 same         start_epoch: 2                   warmup: 0.06667 of the steps
 same         end_epoch: 26                    cooldown: 0.1333 of the steps
 same         update_frequency: 4              schedule: cyclic, cycles: 6
 same         inter_func: cubic                schedule: cubic
 same         global_sparsity: true            scope: global
 same         mask_type: unstructured          pattern: element
 near         num_grads: 64                    data.calibration_rows: 64; a
                                               gradient is of one sample
 same         damp: 1e-07                      damping: 1e-07
 same         fisher_block_size: 50            block: 50
 needless     grad_sampler_kwargs:             gradients are of one sample each
            {batch_size: 16}

15 keys of SparseML or llm-compressor: 13 same, 1 near, 1 needless
    same  means the same here
    near  is taken over, but means something else in part
needless  changes nothing here""",
    )


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("path", sorted(OLD.iterdir()), ids=lambda path: path.stem)
def test_it_fits(rendered: Callable[..., str], path: Path, width: int) -> None:
    assert max(map(len, rendered(imported_view(import_recipe(path)), width).splitlines())) <= width
