from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from expecttest import assert_expected_inline

from sparsify.inspection.facts import Weight
from sparsify.inspection.weight import WeightDetail, weight_detail
from sparsify.view.marks import Columns
from sparsify.view.weight import WeightView


def detail() -> WeightDetail:
    """A weight whose numbers go in whole blocks of 4x1, more of them below."""
    count = np.arange(24 * 96).reshape(24, 96)
    values = np.cos(count.astype(np.float32))
    grid = (np.arange(6)[:, None] * 7 + np.arange(96) * 5) % 11 < np.arange(10, 4, -1)[:, None]
    values[~grid.repeat(4, 0)] = 0
    share = float((values == 0).mean())
    name = "encoder.layer.3.intermediate.dense.weight"
    history = (np.arange(5.0) * 10, np.linspace(0, share, 5))
    return weight_detail(Weight(name, (24, 96), "ffn.up", share), values, history)


def test_a_weight_at_80(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(WeightView(detail())),
        """\
encoder.layer.3.intermediate.dense.weight  ffn.up  24x96
██▒████████ ████████ ████████ ████████ ████████▒█████████▒████████ ████████ ████
██▓█▓█▓████▒█▓█▓████▒███▓████▒███▓████▒██▓█████▓██▓██████▓█▓█▓████▒█▓█▓████▒███▓
████ █ ██████ █ ██████▒█ ███████▒ ███████ ▒███████ █▒██████ █ ██████ █ ██████▒█
█▒██▓█▓▓▒█▒██▓█▓▒▓█▒████▓▒█▓▒████▓▒█▒▓███▓█▒█▒█▓██▓█▒█▒█▒██▓█▓▓▒█▒██▓█▓▒▓█▒████▓
█ █████▒ █ █████ ▒█ █████ █▒ █████ █ ▒█████ █ █▒████▒█ █ █████▒ █ █████ ▒█ █████
 █▒ █ ███ █ ▒█ ███ █ █▒ ███▒█ █ ▒████▒ █ █▒███ ▒█ █ ███ █▒ █ ███ █ ▒█ ███ █ █▒ █
 █▒▒▓▒▓██ █▒▒▓▒▓██ █▒▓▒▒▓█▓▒█▒▓▒▒▓█▓█▒▒▓▒▓▒█▓█ ▓▓▒▓▒█▓█ █▒▒▓▒▓██ █▒▒▓▒▓██ █▒▓▒▒▓
 █▒█ █ ▒█ ██▒ █ █▒ ██ ▒█ █ ▒██ █▒ █ █▒█ █ ▒█ █ █ █ █▒ █ █▒█ █ ▒█ ██▒ █ █▒ ██ ▒█
▓▒▒█ ▒▓▒▒▓▒█▒ ▒▓▒▒▓▒█ ▒▒▓▒▓▒▒█ █░▓▒▓▒▒█ █ ▒▒▓▒▓▓ █ ▒▒▓▒▓▒▒█ ▒▓▒▒▓▒█▒ ▒▓▒▒▓▒█ ▒▒▓
█ ▒█  █▒ █ █▒  █ ▒█ █ ▒ █ █▒ █ █ █ █ ▒█ █ ▒ █ █▒ █  ▒█ █ ▒█  █▒ █ █▒  █ ▒█ █ ▒ █
a cell is 2.4 x 1.2 numbers; the emptiest keeps 0.0%, the fullest 100.0%

zeros by   course                    least  median   most  all zero
────────────────────────────────────────────────────────────────────
row        ▁▁▁▁▂▂▂▂▄▄▄▄▅▅▅▅▇▇▇▇████   9.4%   31.8%  54.2%   0 of 24
column     ▅▅▁▁█▁▅▁▅▅▁▅▅▁▁█▁▅▁▅▅▁▅▅  16.7%   33.3%  50.0%   0 of 96
step 0-40  ▁▃▅▆█                      0.0%   16.0%  31.9%

█                                                          █
█                                                          █
█▆▂▂                                                    ▁▂▅█
████▇▇▆█▅▇▅▅▆▄▆▅▄▅▅▅▅▅▅▅▅▅▄▄▄▅▅▅▃▄▅▅▅▅▄▅▅▅▅▅▅▅▄▆▅▅▇▆▇▇▇▇████
-1                                                         1
mean 8.86e-05, standard deviation 0.708, without zeros

stored as                   bytes
────────────────────────────────────────────────────────
dense f32                  9.2 kB  ████████████████████
gaps u8, blocks 4x1, f32   6.7 kB  ██████████████▌
gaps u8, blocks 4x1, f16   3.5 kB  ███████▋
gaps u8, blocks 4x1, int8  2.1 kB  ████▌

2,304 numbers, 31.94% zero; pattern: blocks 4x1
blocks that are all zero: 31.9% of 4x1""",
    )


def test_a_weight_at_120_in_ascii(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(WeightView(detail()), width=120, encoding="ascii"),
        """\
encoder.layer.3.intermediate.dense.weight  ffn.up  24x96
@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@
@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@@@@@@ @@@@@
@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @
@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @ @@@@@@@@ @
@ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@
@ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@ @ @ @@@@@@
 @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @
 @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @@@@ @ @ @ @
 @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @
 @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @ @ @ @@ @ @
@ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @
@ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @ @ @ @ @  @
a cell is 2 x 1 numbers; the emptiest keeps 0.0%, the fullest 100.0%

zeros by   course                    least  median   most  all zero
--------------------------------------------------------------------
row        ____....~~~~====****####   9.4%   31.8%  54.2%   0 of 24
column     ==__#_=_==_==__#_=_==_==  16.7%   33.3%  50.0%   0 of 96
step 0-40  _-=+#                      0.0%   16.0%  31.9%

#                                                          #
#                                                          #
####                                                    ####
############################################################
-1                                                         1
mean 8.86e-05, standard deviation 0.708, without zeros

stored as                   bytes
--------------------------------------------------------
dense f32                  9.2 kB  ####################
gaps u8, blocks 4x1, f32   6.7 kB  ##############......
gaps u8, blocks 4x1, f16   3.5 kB  ########............
gaps u8, blocks 4x1, int8  2.1 kB  ####................

2,304 numbers, 31.94% zero; pattern: blocks 4x1
blocks that are all zero: 31.9% of 4x1""",
    )


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("shape", [(5,), (1, 1), (3000, 7), (40, 4096)])
def test_every_line_fits(
    rendered: Callable[..., str], width: int, encoding: str, shape: tuple[int, ...]
) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    shown = rendered(
        WeightView(weight_detail(Weight("w", shape, "ffn.up", 0.0), values)),
        width=width,
        encoding=encoding,
    )
    assert max(map(len, shown.splitlines())) <= width
    assert encoding == "utf-8" or shown.isascii()


def test_columns_are_as_high_as_their_values(rendered: Callable[..., str]) -> None:
    assert rendered(Columns([0, 1, 8, 16], 2)) == "   █\n ▁██"
    assert rendered(Columns([0, 1, 8, 16], 2), encoding="ascii") == "   #\n ###"
