"""Example inputs that stand for images and sound; where the layout is open, all that it may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from sparsify.models.facts import Facts, parts
from sparsify.models.texts import Example, Extent

SIDE = 32
"""Of an image where the configuration does not say."""
STRIDE = 320
"""Samples for one step of a model of sound where the configuration does not say."""
MARGIN = 4
"""Steps more than asked for: convolutions without padding eat some."""


def pixel_values(facts: Facts, extent: Extent) -> list[Example]:
    """Images f32[batch, channels, height, width]; or as many frames of each."""
    channels = facts.number("num_channels", "in_channels", "in_chans") or 3
    frames = facts.number("num_frames") or 8
    found = []
    for height, width in _sides(facts):
        found.append(_noise((extent.batch, channels, height, width), {}))
        found.append(_noise((extent.batch, frames, channels, height, width), {}))
    return sorted(found, key=lambda example: example.value.ndim)


def input_values(facts: Facts, extent: Extent) -> list[Example]:
    """A waveform f32[batch, samples]; or a spectrogram f32[batch, frames, bins]."""
    samples = _stride(facts) * (extent.sequence + MARGIN) + 1
    found = [_noise((extent.batch, samples), {1: "samples"})]
    frames, bins = facts.number("max_length"), facts.number("num_mel_bins")
    if frames and bins:
        found.append(_noise((extent.batch, frames, bins), {}))
    return found


def input_features(facts: Facts, extent: Extent) -> list[Example]:
    """A spectrogram f32[batch, bins, frames] of fixed length, or f32[batch, frames, features]."""
    found = []
    bins, steps = facts.number("num_mel_bins"), facts.number("max_source_positions")
    if bins and steps:
        found.append(_noise((extent.batch, bins, 2 * steps), {}))
    features = facts.number("input_feat_per_channel", "feature_projection_input_dim") or bins
    if features:
        features *= facts.number("input_channels") or 1
        frames = 4 * (extent.sequence + MARGIN) + 1
        found.append(_noise((extent.batch, frames, features), {1: "frames"}))
    return found


def _sides(facts: Facts) -> list[tuple[int, int]]:
    """Heights and widths to try: what the configuration says, else small and usual ones."""
    for part in parts(facts.source.config):
        match getattr(part, "image_size", None):
            case int(side):
                return [(side, side)]
            case [int(height), int(width)]:
                return [(height, width)]
            case {"height": int(height), "width": int(width)}:
                return [(height, width)]
    return [(side, side) for side in (SIDE, 2 * SIDE, 7 * SIDE)]


def _stride(facts: Facts) -> int:
    for part in parts(facts.source.config):
        strides = getattr(part, "conv_stride", None)
        if isinstance(strides, Sequence) and not isinstance(strides, str) and strides:
            return math.prod(strides)
    return STRIDE


def _noise(shape: tuple[int, ...], dims: dict[int, str]) -> Example:
    random = torch.Generator().manual_seed(0)
    return Example(torch.randn(shape, generator=random), {0: "batch", **dims})
