from __future__ import annotations

import numpy as np
import pytest

from sparsify.inspection.mask import averaged, density, edges, empty_blocks, pattern


@pytest.mark.parametrize(
    ("shape", "grid"), [((96, 64), (8, 16)), ((97, 61), (7, 10)), ((5, 3), (5, 3))]
)
def test_density_is_the_mean_of_each_cell(shape: tuple[int, int], grid: tuple[int, int]) -> None:
    kept = np.random.default_rng(0).random(shape) < 0.3
    found = density(kept, *grid)
    top, left = edges(shape[0], grid[0]), edges(shape[1], grid[1])
    for row in range(grid[0]):
        for column in range(grid[1]):
            cell = kept[top[row] : top[row + 1], left[column] : left[column + 1]]
            assert found[row, column] == pytest.approx(cell.mean())


def test_averages_are_the_means_of_nearly_equal_parts() -> None:
    values = np.random.default_rng(0).random(103)
    expected = [part.mean() for part in np.split(values, edges(103, 10)[1:-1])]
    assert averaged(values, 10) == pytest.approx(expected)


def masks() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    dense = np.ones((64, 64), bool)
    rows, columns, both = dense.copy(), dense.copy(), dense.copy()
    rows[random.permutation(64)[:20]] = False
    columns[:, random.permutation(64)[:20]] = False
    both[:, :] = False
    found = {"dense": dense, "rows": rows, "columns": columns, "all zero": both}
    for height, width in ((4, 1), (1, 4), (16, 16), (4, 4)):
        grid = random.random((64 // height, 64 // width)) < 0.5
        found[f"blocks {height}x{width}"] = grid.repeat(height, 0).repeat(width, 1)
    groups = random.random((1024, 4)).argsort(axis=1) < 2
    return found | {"2:4": groups.reshape(64, 64), "elements": random.random((64, 64)) < 0.5}


@pytest.mark.parametrize("name", list(masks()))
def test_a_pattern_is_known_again(name: str) -> None:
    assert pattern(masks()[name]) == name


def test_a_pattern_that_holds_by_chance_is_none() -> None:
    kept = np.random.default_rng(0).random((384, 384)) < 0.1
    assert kept.reshape(-1, 16).sum(axis=1).max() <= 8
    assert pattern(kept) == "elements"


def test_empty_blocks_are_counted_where_blocks_fit() -> None:
    kept = np.ones((8, 8), bool)
    kept[:4, :2] = False
    assert empty_blocks(kept, (4, 1)) == 2 / 16
    assert empty_blocks(kept, (1, 4)) == 0.0
    assert empty_blocks(kept, (3, 3)) is None
