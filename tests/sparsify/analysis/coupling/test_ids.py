"""Which ids are one channel: what is joined, and what follows."""

from __future__ import annotations

import torch

from sparsify.analysis.coupling.ids import Ids


def test_ids_at_equal_positions_are_one_class() -> None:
    ids = Ids()
    first, second, third = ids.fresh(3), ids.fresh(3), ids.fresh(3)
    ids.join(first, second)
    ids.join(second.expand(2, 3), third)
    root = ids.solve().root
    assert torch.equal(root[first], root[third])
    assert len(set(root[first].tolist())) == 3


def test_a_mean_over_one_class_belongs_to_it_and_a_mean_over_two_to_none() -> None:
    ids = Ids()
    heads = ids.fresh(4).view(2, 2)
    means = ids.derived(2, "is averaged").view(2, 1)
    ids.join(heads[0, 0], heads[0, 1])
    ids.follow(means, heads)
    found = ids.solve()
    assert found.of(means).tolist() == [[int(heads[0, 0])], [0]]
    assert found.frozen == dict.fromkeys(heads[1].tolist(), "is averaged")


def test_what_follows_may_make_others_agree() -> None:
    ids = Ids()
    pair, chain = ids.fresh(2), ids.derived(2)
    ids.follow(chain[0], pair[0])
    ids.follow(chain[1], chain[0])
    ids.join(chain[1], pair[1])
    root = ids.solve().root
    assert root[pair[0]] == root[pair[1]]


def test_a_stored_id_that_meets_two_classes_is_frozen_and_joins_neither() -> None:
    ids = Ids()
    scale, heads = ids.fresh(1), ids.fresh(2)
    ids.follow(scale, heads)
    found = ids.solve()
    assert len(set(found.root[torch.cat([scale, heads])].tolist())) == 3
    assert found.frozen == {int(scale): "is shared by channels that do not go together"}


def test_the_first_reason_to_freeze_a_class_is_kept() -> None:
    ids = Ids()
    channel = ids.fresh(1)
    ids.freeze(channel, "reaches the output `logits`")
    ids.freeze(channel, "something else")
    assert list(ids.solve().frozen.values()) == ["reaches the output `logits`"]
