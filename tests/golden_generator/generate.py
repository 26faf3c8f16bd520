#!/usr/bin/env python3
"""Writes the golden cases of tests/golden_extra: python3 generate.py FOLDER

Needs PyTorch 1.13 or later and NumPy. The same seeds give the same inputs; expected values may differ between versions
of PyTorch in their last bits.
"""
import json
import pathlib
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

import reference as R

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"))
from safetensors_file import write_safetensors  # noqa: E402

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class Cases:
    def __init__(self, folder):
        self.folder = folder

    def draw(self, name):
        """A source of random numbers of the case's own, so that cases can be added without changing others."""
        return np.random.default_rng(zlib.crc32(name.encode()))

    def add(self, name, args, inputs, function, tolerance=1e-10, constant=(), weights=None, loss=None):
        """function(**inputs) gives named outputs; all inputs but the constant ones are differentiated."""
        leaves = {k: v.detach().clone().requires_grad_(k not in constant) for k, v in inputs.items()}
        outputs = {k: v for k, v in function(**leaves).items() if v is not None}
        tensors = {"in." + k: v for k, v in leaves.items()}
        random = self.draw(name + " seed")
        total = loss(outputs) if loss else 0
        for k, y in outputs.items():
            tensors["out." + k] = y
            if y.dtype == torch.float64 and not loss and y.requires_grad:
                seed = torch.from_numpy(random.standard_normal(tuple(y.shape)).reshape(tuple(y.shape)))
                tensors["seed." + k] = seed
                total = total + (y * seed).sum()
        wanted = {"grad.in." + k: v for k, v in leaves.items() if k not in constant}
        for k, v in (weights or {}).items():
            tensors["weight." + k] = v
            wanted["grad.weight." + k] = v
        if wanted:
            tensors.update(zip(wanted, torch.autograd.grad(total, list(wanted.values()))))
        metadata = {"case": name.split("__")[0], "args": json.dumps(args), "tolerance": f"{tolerance:g}"}
        arrays = {k: v.detach().numpy() for k, v in tensors.items()}
        write_safetensors(self.folder / f"{name}.safetensors", arrays, metadata)


def normal(random, *shape, scale=1.0):
    return torch.from_numpy(scale * random.standard_normal(shape))


def away_from_zero(random, *shape, gap=0.05):
    x = random.uniform(-1, 1, shape)
    return torch.from_numpy(x + np.copysign(gap, x))


def holes(n, height, width, *boxes):
    """Masks, one list of boxes (top, left, height, width) for each sample."""
    mask = torch.zeros(n, height, width, 1)
    for k, sample in enumerate(boxes):
        for top, left, h, w in sample:
            mask[k, top : top + h, left : left + w] = 1
    return mask


def convolutions(cases):
    acts = {"none": lambda x: x, "elu": F.elu, "relu": F.relu, "leaky_relu": lambda x: F.leaky_relu(x, 0.3)}
    for name, x, kernel, stride, dilation, padding, activation in [
        ("k5s3d1_same", (2, 11, 7, 3), (5, 5, 3, 4), 3, 1, "same", "none"),
        ("k3s2d2_same", (1, 9, 10, 2), (3, 3, 2, 3), 2, 2, "same", "none"),
        ("k4s2d1_same", (1, 7, 9, 2), (4, 4, 2, 3), 2, 1, "same", "none"),
        ("k3x5s1d3_same", (1, 8, 9, 2), (3, 5, 2, 2), 1, 3, "same", "none"),
        ("k1s2d1_same", (1, 7, 8, 3), (1, 1, 3, 2), 2, 1, "same", "none"),
        ("k3s3d2_valid", (1, 11, 12, 2), (3, 3, 2, 3), 3, 2, "valid", "none"),
        ("k3s1d7_reflect", (1, 4, 6, 2), (3, 3, 2, 2), 1, 7, "reflect", "none"),
        ("k3s1d9_symmetric", (1, 4, 3, 2), (3, 3, 2, 2), 1, 9, "symmetric", "none"),
        ("k5s3d1_symmetric", (1, 8, 7, 2), (5, 5, 2, 2), 3, 1, "symmetric", "none"),
        ("k3s1d1_elu", (1, 6, 5, 3), (3, 3, 3, 4), 1, 1, "same", "elu"),
        ("k3s2d1_relu", (1, 6, 5, 3), (3, 3, 3, 4), 2, 1, "reflect", "relu"),
        ("k3s1d2_leaky_relu", (1, 6, 5, 3), (3, 3, 3, 4), 1, 2, "symmetric", "leaky_relu"),
    ]:
        random = cases.draw("conv2d__" + name)
        args = {"stride": stride, "dilation": dilation, "padding": padding, "activation": activation}
        if activation == "leaky_relu":
            args["slope"] = 0.3
        inputs = {"x": normal(random, *x), "kernel": normal(random, *kernel), "bias": normal(random, kernel[3])}
        cases.add("conv2d__" + name, args, inputs, lambda x, kernel, bias: {
            "y": acts[activation](R.conv2d(x, kernel, bias, stride, dilation, padding))})  # fmt: skip

    for name, extent, kernel, stride, dilation, padding in [
        ("k5s2_same", (9, 6), (5, 5, 2, 3), 2, 1, "same"),
        ("k3s1d3_same", (7, 8), (3, 3, 2, 3), 1, 3, "same"),
        ("k3s3_valid", (11, 9), (3, 3, 2, 3), 3, 1, "valid"),
        ("k1s3_same", (7, 8), (1, 1, 2, 3), 3, 1, "same"),
    ]:
        random = cases.draw("conv2d_input__" + name)
        out = [-(-n // stride) if padding == "same" else (n - (k - 1) * dilation - 1) // stride + 1
               for n, k in zip(extent, kernel)]  # fmt: skip
        args = {"stride": stride, "dilation": dilation, "padding": padding, "height": extent[0], "width": extent[1]}
        inputs = {"g": normal(random, 2, *out, kernel[3]), "kernel": normal(random, *kernel)}
        cases.add("conv2d_input__" + name, args, inputs, lambda g, kernel: {
            "y": R.conv2d_input(g, kernel, *extent, stride, dilation, padding)})  # fmt: skip


def resampling(cases):
    for k, (before, after) in enumerate([((5, 7), (9, 4)), ((4, 4), (8, 8)), ((9, 8), (3, 5)), ((1, 3), (4, 6))]):
        for corners in (True, False):
            name = f"resize_bilinear__{k}_{'corners' if corners else 'centres'}"
            args = {"height": after[0], "width": after[1], "align_corners": corners}
            x = normal(cases.draw(name), 2, *before, 2)
            cases.add(name, args, {"x": x}, lambda x: {"y": R.resize_bilinear(x, *after, corners)})

    for pool, function in (("avg_pool", F.avg_pool2d), ("max_pool", F.max_pool2d)):
        for k, (kernel, stride, extent) in enumerate([(2, 2, (6, 8)), (3, 2, (7, 8)), (3, 1, (5, 4)), (2, 3, (8, 9))]):
            name = f"{pool}__{k}_k{kernel}s{stride}"
            x = normal(cases.draw(name), 2, *extent, 3)
            cases.add(name, {"kernel": kernel, "stride": stride}, {"x": x},
                      lambda x: {"y": R.nhwc(function(R.nchw(x), kernel, stride))})  # fmt: skip

    random = cases.draw("grid_sample__0")
    cell = random.integers(-2, [7, 8], (2, 4, 5, 2))
    grid = torch.from_numpy(cell + random.uniform(0.05, 0.95, cell.shape))
    cases.add("grid_sample__0", {}, {"x": normal(random, 2, 6, 7, 3), "grid": grid},
              lambda x, grid: {"y": R.grid_sample(x, grid)})  # fmt: skip

    for mode, sides in [("zero", (1, 2, 3, 0)), ("reflect", (7, 3, 2, 9)), ("symmetric", (9, 4, 1, 11))]:
        name = "pad__" + mode
        args = dict(zip(("top", "bottom", "left", "right"), sides), mode=mode)
        cases.add(name, args, {"x": normal(cases.draw(name), 2, 3, 4, 2)}, lambda x: {"y": R.pad(x, *sides, mode)})

    for k, (kernel, stride, same) in enumerate([(3, 1, True), (4, 2, True), (3, 2, False)]):
        name = f"unfold__{k}_k{kernel}s{stride}"
        cases.add(name, {"kernel": kernel, "stride": stride, "same": same},
                  {"x": normal(cases.draw(name), 2, 7, 6, 2)},
                  lambda x: {"y": R.unfold(x, kernel, stride, same)})  # fmt: skip


def elementwise(cases):
    for function, f, low, high in [
        ("exp", torch.exp, -3, 3), ("log", torch.log, 0.05, 4), ("sqrt", torch.sqrt, 0.05, 4),
        ("rsqrt", torch.rsqrt, 0.05, 4), ("square", torch.square, -3, 3), ("abs", torch.abs, -3, 3),
        ("sigmoid", torch.sigmoid, -40, 40), ("softplus", R.softplus, -800, 800), ("tanh", torch.tanh, -6, 6),
    ]:  # fmt: skip
        name = "pointwise__" + function
        x = torch.from_numpy(cases.draw(name).uniform(low, high, (3, 13)))
        cases.add(name, {"function": function}, {"x": x}, lambda x: {"y": f(x)})

    x = normal(cases.draw("softmax__large"), 4, 11, scale=300)
    cases.add("softmax__large", {"axis": -1}, {"x": x}, lambda x: {"y": torch.softmax(x, -1)})

    for k, (a, b, ta, tb) in enumerate([
        ((2, 3, 4), (2, 4, 5), False, False), ((2, 4, 3), (5, 4), True, True), ((3, 4), (2, 4, 5), False, False),
    ]):  # fmt: skip
        name = f"matmul__{k}"
        random = cases.draw(name)
        turn = lambda m, t: m.transpose(-1, -2) if t else m
        cases.add(name, {"transpose_a": ta, "transpose_b": tb}, {"a": normal(random, *a), "b": normal(random, *b)},
                  lambda a, b: {"y": turn(a, ta) @ turn(b, tb)})  # fmt: skip


def losses(cases):
    random = cases.draw("total_variation")
    cases.add("total_variation__0", {}, {"x": normal(random, 2, 5, 6, 3)}, lambda x: {"y": R.total_variation(x)})

    for loss in ("wgan", "lsgan", "log", "hinge"):
        name = "gan_loss__" + loss
        random = cases.draw(name)
        inputs = {"real": normal(random, 7, 1, scale=2), "fake": normal(random, 7, 1, scale=2)}
        cases.add(name, {"loss": loss}, inputs,
                  lambda real, fake: dict(zip(("critic_loss", "generator_loss"), R.gan_losses(loss, real, fake))))  # fmt: skip

    random = cases.draw("reconstruction")
    truth = normal(random, 2, 6, 7, 3)
    generated = truth + away_from_zero(random, 2, 6, 7, 3)
    weight = torch.from_numpy(random.uniform(0.1, 1, (1, 6, 7, 1)))
    cases.add("weighted_l1__0", {}, {"truth": truth, "generated": generated, "weight": weight},
              lambda truth, generated, weight: {"y": ((truth - generated).abs() * weight).mean()})  # fmt: skip
    mask = holes(2, 6, 7, [(1, 1, 3, 4)], [(0, 0, 2, 2), (4, 3, 2, 4)])
    cases.add("known_l1__0", {}, {"truth": truth, "generated": generated, "mask": mask},
              lambda truth, generated, mask: {
                  "y": ((truth - generated).abs() * (1 - mask)).mean() / (1 - mask).mean()},
              constant=("mask",))  # fmt: skip

    for height, width, gamma in ((7, 12, 0.99), (1, 5, 0.9)):
        rows = np.minimum(np.arange(height), height - np.arange(height))[:, None]
        cols = np.minimum(np.arange(width), width - np.arange(width))[None]
        y = torch.from_numpy(np.maximum(gamma**rows, gamma**cols).reshape(1, height, width, 1))
        cases.add(f"discount_mask__{height}x{width}", {"height": height, "width": width, "gamma": gamma}, {},
                  lambda: {"y": y}, tolerance=1e-12)  # fmt: skip


def attention(cases):
    settings = [
        ("masks", 2, 12, 16, 3, dict(ksize=3, rate=2, fuse_k=3, softmax_scale=10, fuse=True)),
        ("wide", 1, 12, 10, 2, dict(ksize=5, rate=2, fuse_k=5, softmax_scale=4, fuse=True)),
        ("rate4", 1, 24, 16, 2, dict(ksize=3, rate=4, fuse_k=3, softmax_scale=10, fuse=True)),
        ("covered", 1, 8, 8, 2, dict(ksize=3, rate=2, fuse_k=3, softmax_scale=10, fuse=False)),
    ]
    for name, n, height, width, channels, args in settings:
        name = "contextual_attention__" + name
        random = cases.draw(name)
        boxes = [[(3, 4, 4, 5)], [(0, 0, 3, 3), (8, 9, 3, 6)]][:n]
        mask = torch.ones(n, height, width, 1) if name.endswith("covered") else holes(n, height, width, *boxes)
        inputs = {k: normal(random, n, height, width, channels) for k in ("f", "b")}
        cases.add(name, {**args, "stride": 1}, {**inputs, "mask": mask},
                  lambda f, b, mask: dict(zip(("y", "attention", "offsets"), R.contextual_attention(f, b, mask, **args))),
                  constant=("mask",), tolerance=1e-9)  # fmt: skip


def networks(cases):
    def drawing(name, scale):
        random = cases.draw(name + " weights")
        return lambda shape: (
            normal(random, *shape, scale=scale / np.sqrt(np.prod(shape[:-1]))) if len(shape) > 1 else normal(random, *shape, scale=0.1)
        ).requires_grad_()

    for kind, extent in (("local", (20, 12)), ("global", (16, 24))):
        name = f"critic__{kind}_masks"
        critic = R.Critic(kind, 2, *extent, drawing(name, 1.5))
        random = cases.draw(name)
        inputs = {
            "real": normal(random, 2, *extent, 3),
            "fake": normal(random, 2, *extent, 3),
            "alpha": torch.from_numpy(random.uniform(0, 1, (2, 1))),
            "mask": holes(2, *extent, [(2, 3, 9, 5)], [(0, 0, 4, 12)]),
        }

        def outputs(real, fake, alpha, mask):
            scores = critic(real), critic(fake)
            penalty = R.gradient_penalty(critic, real, fake, alpha, mask)
            loss = (scores[1] - scores[0]).mean() + 7 * penalty
            return dict(zip(("score_real", "score_fake", "penalty", "critic_loss"), (*scores, penalty, loss)))

        cases.add(name, {"kind": kind, "cnum": 2, "lambda": 7}, inputs, outputs, constant=tuple(inputs), tolerance=1e-9,
                  weights=critic.weights, loss=lambda out: out["critic_loss"])  # fmt: skip

    for name, options, args, extent in [
        ("masks", {}, {}, (40, 48)),
        ("one_stage", {"one_stage": True}, {"one_stage": True}, (16, 24)),
        ("no_attention", {"attention": False}, {"attention": "none"}, (16, 16)),
    ]:
        name = "generator__" + name
        generator = R.Generator(2, "same", drawing(name, 1.3), **options)
        random = cases.draw(name)
        image = torch.from_numpy(random.uniform(-1, 1, (2, *extent, 3)))
        mask = holes(2, *extent, [(4, 6, 8, 7)], [(0, 0, 6, 5), (9, 8, 5, 6)])
        cases.add(name, {"cnum": 2, "padding": "same", **args}, {"image": image, "mask": mask},
                  lambda image, mask: dict(zip(("coarse", "fine", "offsets"), generator(image, mask))),
                  constant=("mask",), tolerance=1e-8, weights=generator.weights)  # fmt: skip


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    cases = Cases(folder)
    for group in (convolutions, resampling, elementwise, losses, attention, networks):
        group(cases)


if __name__ == "__main__":
    main()
