#!/usr/bin/env python3
"""Writes a golden generator case's weights as a PyTorch state dict under the names of the public ports.

    python3 make_pytorch.py CASE.safetensors FILE [--old] [--half]

--old writes the format from before PyTorch 1.6, as the ports' own files have it. Needs PyTorch and NumPy.
tests/import_data/tiny.pt and, with --old, tiny_old.pt are of generator__masks.
"""
import sys

import torch

import cases


class Block(torch.nn.Module):
    def __init__(self, kernel, bias):
        super().__init__()
        height, width, inputs, outputs = kernel.shape
        self.conv = torch.nn.Conv2d(inputs, outputs, (height, width))
        self.conv.weight.data = torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous()
        self.conv.bias.data = torch.from_numpy(bias)


def main():
    case, path, options = sys.argv[1], sys.argv[2], sys.argv[3:]
    weights = cases.golden_weights(case)
    stages = {"coarse_generator": torch.nn.Module(), "fine_generator": torch.nn.Module()}
    for name, kernel in weights.items():
        if name.endswith("/kernel"):
            stage, layer = cases.port_module(name)
            stages[stage].add_module(layer, Block(kernel, weights[name.replace("/kernel", "/bias")]))
    generator = torch.nn.Module()
    for stage, module in stages.items():
        generator.add_module(stage, module)
    if "--half" in options:
        generator.half()
    torch.save(generator.state_dict(), path, _use_new_zipfile_serialization="--old" not in options)


main()
