"""The networks of Zhang 2016 and of Li and Wang 2018 at the width of their papers, layer by layer as those draw them.

A convolution is <kind><size>-s<stride>-d<dilation>-<channels>, "same" padded.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from export.networks import NETWORKS
from export.recipe import RECIPES, read_recipe

SEVEN = """
conv3-s1-d1-64 ReLU conv3-s2-d1-64 ReLU BN
conv3-s1-d1-128 ReLU conv3-s2-d1-128 ReLU BN
conv3-s1-d1-256 ReLU conv3-s1-d1-256 ReLU conv3-s2-d1-256 ReLU BN
conv3-s1-d1-512 ReLU conv3-s1-d1-512 ReLU conv3-s1-d1-512 ReLU BN
conv3-s1-d2-512 ReLU conv3-s1-d2-512 ReLU conv3-s1-d2-512 ReLU BN
conv3-s1-d2-512 ReLU conv3-s1-d2-512 ReLU conv3-s1-d2-512 ReLU BN
conv3-s1-d1-512 ReLU conv3-s1-d1-512 ReLU conv3-s1-d1-512 ReLU BN
"""
THREE_TIMES_UP = " deconv4-s2-d1-256 ReLU deconv4-s2-d1-256 ReLU deconv4-s2-d1-256 ReLU "
DRAWN = {
    "zhang2016": SEVEN + "deconv4-s2-d1-256 ReLU conv3-s1-d1-256 ReLU conv3-s1-d1-256 ReLU conv1-s1-d1-313",
    "wang2018-regression": SEVEN + THREE_TIMES_UP + "conv1-s1-d1-2",
    "wang2018-classification": SEVEN + THREE_TIMES_UP + "conv1-s1-d1-313",
}


def layers_of(network: nn.Module) -> Iterator[str]:
    """In the words of the papers' figures."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            size, stride, dilation = layer.kernel_size[0], layer.stride[0], layer.dilation[0]
            up = isinstance(layer, nn.ConvTranspose2d)
            assert layer.padding == ((size - stride if up else dilation * (size - 1)) // 2,) * 2
            yield f"{'deconv' if up else 'conv'}{size}-s{stride}-d{dilation}-{layer.out_channels}"
        elif isinstance(layer, nn.BatchNorm2d):
            yield "BN"
        elif isinstance(layer, nn.ReLU):
            yield "ReLU"
        else:
            assert list(layer.children()), f"{layer} is in none of the figures"


@pytest.mark.parametrize("name", DRAWN)
def test_at_full_width_a_network_has_the_layers_that_its_paper_draws(name: str) -> None:
    wanted = read_recipe(RECIPES / f"{name}.toml", full=True).network
    with torch.device("meta"):
        network = NETWORKS[wanted.name](**wanted.options)
    assert list(layers_of(network)) == DRAWN[name].split()


def test_transfer_puts_the_same_eighth_block_and_scores_on_its_classifier() -> None:
    wanted = read_recipe(RECIPES / "wang2018-transfer.toml", full=True).network
    network = NETWORKS[wanted.name](**wanted.options)
    assert list(layers_of(network.get_submodule("head"))) == [*THREE_TIMES_UP.split(), "conv1-s1-d1-313"]
