#!/usr/bin/env python3
"""Writes tensors of every kind that torch.save knows, for the reader's tests: python3 make_pytorch_types.py FOLDER

types.pt (zip) and types_old.pt hold the same nested dictionaries; module.pt a whole module, which must be refused.
Needs PyTorch.
"""
import pathlib
import sys

import torch

folder = pathlib.Path(sys.argv[1])
base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
content = {
    "step": 7,
    "note": "text",
    "rate": 0.5,
    "net": {
        "plain": base,
        "turned": base.t(),
        "part": base[1:3, 2:5],
        "strided": base[::2, ::3],
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "double": torch.tensor([1.0, -1e300], dtype=torch.float64),
        "half": torch.tensor([1.0, -0.5, 65504.0, 6e-8], dtype=torch.float16),
        "bfloat16": torch.tensor([1.0, -3.0], dtype=torch.bfloat16),
        "long": torch.tensor([1, 2]),
    },
    "list": [torch.zeros(2)],
    "state": {0: {"mean": torch.ones(2)}},
}
torch.save(content, folder / "types.pt")
torch.save(content, folder / "types_old.pt", _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(1, 1), folder / "module.pt")
