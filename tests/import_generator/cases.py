"""What the generators of test data share: golden cases and the names of PyTorch ports. Needs NumPy."""
import json
import re
import struct

import numpy as np


def golden_weights(path):
    """The weights of a golden generator case in float32, by the released checkpoints' names."""
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    weights = {}
    for name, entry in header.items():
        if not name.startswith("weight."):
            continue
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[8 + size + begin : 8 + size + end], np.float64)
        weights[name[len("weight.") :]] = values.reshape(entry["shape"]).astype(np.float32)
    return weights


def port_module(name):
    """Stage and layer in PyTorch ports of a parameter: inpaint_net/xconv1/kernel -> fine_generator, conv1."""
    layer = re.sub("_upsample$", "", name.split("/")[1])
    if layer.startswith("conv"):
        return "coarse_generator", layer
    return "fine_generator", layer.removeprefix("x")
