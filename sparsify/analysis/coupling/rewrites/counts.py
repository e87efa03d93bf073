"""Calls that name a number of groups."""

from __future__ import annotations

from torch import fx

from sparsify.analysis.coupling.kept import Remaining
from sparsify.analysis.coupling.rewrites.calls import Call, as_it_is, replaced, rewrite
from sparsify.program import aten


@rewrite(aten.group_norm.default)
def _group_norm(node: fx.Node, remaining: Remaining) -> Call:
    kept = remaining.of(node)[1]
    if kept is None:
        return as_it_is(node)
    channels, groups = remaining.walk.sizes.shape(node)[1], node.args[1]
    assert isinstance(groups, int)
    return replaced(node, 1, len(kept) * groups // channels)


@rewrite(aten.conv1d.default, aten.conv2d.default, aten.conv3d.default)
def _convolution(node: fx.Node, remaining: Remaining) -> Call:
    source = node.args[0]
    assert isinstance(source, fx.Node)
    kept = remaining.of(source)
    channels = remaining.walk.sizes.shape(source)[1]
    # groups of several channels all stay, each with fewer
    if len(node.args) < 7 or node.args[6] != channels or not kept or kept[1] is None:
        return as_it_is(node)
    return replaced(node, 6, len(kept[1]))
