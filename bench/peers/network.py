"""The networks of Lacuna in PyTorch as one would write them for speed: NCHW, one module a layer, no copies to spare.

Parameters come from Lacuna's own safetensors files. Contextual attention is there twice: `literal`, patch by patch, as
public ports write it, and `cheap`, by sums along diagonals, with a fifth of the multiplications.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def same_padding(n, k, stride):
    """TensorFlow's SAME for a strided convolution: zeros before and after."""
    total = max((-(-n // stride) - 1) * stride + k - n, 0)
    return total // 2, total - total // 2


class Layer(nn.Module):
    """A convolution with SAME padding and its activation, after a nearest x2 upsampling where that is asked for."""

    def __init__(self, inputs, outputs, kernel, stride=1, dilation=1, activation=None, upsample=False):
        super().__init__()
        padding = dilation * (kernel - 1) // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation)
        self.activation, self.upsample = activation, upsample

    def forward(self, x):
        if self.upsample:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        stride, kernel = self.conv.stride[0], self.conv.kernel_size[0]
        if stride > 1:
            x = F.pad(x, same_padding(x.shape[3], kernel, stride) + same_padding(x.shape[2], kernel, stride))
        x = self.conv(x)
        return self.activation(x) if self.activation else x


# name, width in units of cnum / 32, kernel, stride, dilation
COARSE = [
    ("conv1", 32, 5, 1, 1), ("conv2_downsample", 64, 3, 2, 1), ("conv3", 64, 3, 1, 1),
    ("conv4_downsample", 128, 3, 2, 1), ("conv5", 128, 3, 1, 1), ("conv6", 128, 3, 1, 1),
    ("conv7_atrous", 128, 3, 1, 2), ("conv8_atrous", 128, 3, 1, 4), ("conv9_atrous", 128, 3, 1, 8),
    ("conv10_atrous", 128, 3, 1, 16), ("conv11", 128, 3, 1, 1), ("conv12", 128, 3, 1, 1),
    ("conv13_upsample", 64, 3, 1, 1), ("conv14", 64, 3, 1, 1), ("conv15_upsample", 32, 3, 1, 1),
    ("conv16", 16, 3, 1, 1), ("conv17", 3, 3, 1, 1),
]  # fmt: skip
DILATED = [
    ("xconv1", 32, 5, 1, 1), ("xconv2_downsample", 32, 3, 2, 1), ("xconv3", 64, 3, 1, 1),
    ("xconv4_downsample", 64, 3, 2, 1), ("xconv5", 128, 3, 1, 1), ("xconv6", 128, 3, 1, 1),
    ("xconv7_atrous", 128, 3, 1, 2), ("xconv8_atrous", 128, 3, 1, 4), ("xconv9_atrous", 128, 3, 1, 8),
    ("xconv10_atrous", 128, 3, 1, 16),
]  # fmt: skip
MATCHING = [
    ("pmconv1", 32, 5, 1, 1), ("pmconv2_downsample", 32, 3, 2, 1), ("pmconv3", 64, 3, 1, 1),
    ("pmconv4_downsample", 128, 3, 2, 1), ("pmconv5", 128, 3, 1, 1), ("pmconv6", 128, 3, 1, 1),
]  # fmt: skip
MATCHED = [("pmconv9", 128, 3, 1, 1), ("pmconv10", 128, 3, 1, 1)]
DECODER = [
    ("allconv11", 128, 3, 1, 1), ("allconv12", 128, 3, 1, 1), ("allconv13_upsample", 64, 3, 1, 1),
    ("allconv14", 64, 3, 1, 1), ("allconv15_upsample", 32, 3, 1, 1), ("allconv16", 16, 3, 1, 1),
    ("allconv17", 3, 3, 1, 1),
]  # fmt: skip


def layers(table, channels, cnum):
    stack = nn.Sequential()
    for name, width, kernel, stride, dilation in table:
        activation = nn.ReLU(True) if name == "pmconv6" else None if width == 3 else nn.ELU(inplace=True)
        out = width if width == 3 else width * cnum // 32
        stack.add_module(name, Layer(channels, out, kernel, stride, dilation, activation, "upsample" in name))
        channels = out
    return stack


def downscale(x, rate):
    """Nearest with align_corners as TensorFlow 1 has it: halves rounded up."""
    for axis in (2, 3):
        n = x.shape[axis] // rate
        last = x.shape[axis] - 1
        source = (2 * torch.arange(n, device=x.device) * last + n - 1) // max(2 * (n - 1), 1)
        x = x.index_select(axis, source.clamp(max=last if n > 1 else 0))
    return x


def fuse(scores):
    """Sums along the diagonal of the last two axes."""
    kernel = torch.eye(3, dtype=scores.dtype, device=scores.device).reshape(1, 1, 3, 3)
    return F.conv2d(scores, kernel, padding=1)


def literal_attention(f, b, mask, rate=2, scale=10.0):
    """Contextual attention of each sample in turn; mask is 1 in the hole, at the resolution of b."""
    f_small, b_small = downscale(f, rate), downscale(b, rate)
    available = (F.max_pool2d(downscale(mask, rate), 3, 1, 1) == 0).to(f.dtype)
    n, c, h, w = f_small.shape
    results = []
    for k in range(n):
        patches = F.unfold(b_small[k : k + 1], 3, padding=1).transpose(1, 2).reshape(h * w, c, 3, 3)
        norms = patches.square().sum((1, 2, 3), keepdim=True).clamp(min=1e-8).sqrt()
        scores = F.conv2d(f_small[k : k + 1], patches / norms, padding=1).reshape(1, 1, h * w, h * w)  # b, then f
        scores = fuse(scores).reshape(h, w, h, w).permute(1, 0, 3, 2).reshape(1, 1, h * w, h * w)
        scores = fuse(scores).reshape(w, h, w, h).permute(1, 0, 3, 2).reshape(1, h * w, h, w)
        m = available[min(k, len(mask) - 1)].reshape(1, h * w, 1, 1)
        attention = torch.softmax(scores * (m * scale), 1) * m
        pastes = F.unfold(b[k : k + 1], 2 * rate, padding=rate // 2, stride=rate)
        pastes = pastes.transpose(1, 2).reshape(h * w, c, 2 * rate, 2 * rate)
        results.append(F.conv_transpose2d(attention, pastes, stride=rate, padding=rate // 2) / 4)
    return torch.cat(results)


def shifted_sum(x, axes, low, high):
    """The sum of x moved by low..high along both axes at once, zeros beyond the border."""
    sides = [0] * (2 * x.dim())
    for axis in axes:
        sides[2 * (x.dim() - 1 - axis)] = max(-low, 0)
        sides[2 * (x.dim() - 1 - axis) + 1] = max(high, 0)
    padded, total = F.pad(x, sides), None
    for d in range(high - low + 1):
        start = d + max(low, 0)
        part = padded
        for axis in axes:
            part = part.narrow(axis, start, x.shape[axis])
        total = part if total is None else total + part
    return total


def cheap_attention(f, b, mask, rate=2, scale=10.0):
    """The same with one product over single pixels, sums along diagonals, and one product a phase of the result.

    After the second propagation both indices stay in column-major order.
    """
    f_small, b_small = downscale(f, rate), downscale(b, rate)
    available = (F.max_pool2d(downscale(mask, rate), 3, 1, 1) == 0).to(f.dtype)
    n, c, h, w = f_small.shape
    scores = torch.bmm(f_small.reshape(n, c, h * w).transpose(1, 2), b_small.reshape(n, c, h * w))
    scores = shifted_sum(shifted_sum(scores.reshape(n, h, w, h, w), (1, 3), -1, 1), (2, 4), -1, 1)
    energy = 9 * F.avg_pool2d(b_small.square().sum(1, keepdim=True), 3, 1, 1)
    norms = energy.clamp(min=1e-8).sqrt().reshape(n, 1, h * w)
    scores = shifted_sum(scores.reshape(n, h * w, h * w) / norms, (1, 2), -1, 1)
    scores = scores.reshape(n, h, w, h, w).permute(0, 2, 1, 4, 3).reshape(n, h * w, h * w)
    scores = shifted_sum(scores, (1, 2), -1, 1)
    m = available.transpose(2, 3).reshape(-1, 1, h * w)
    attention = (torch.softmax(scores * (m * scale), 2) * m).reshape(n, w, h, w, h)
    phases = b.reshape(n, c, h, 2, w, 2)
    pieces = []
    for row in range(2):
        along_rows = shifted_sum(attention, (2, 4), row - 1, row)
        for column in range(2):
            weights = shifted_sum(along_rows, (1, 3), column - 1, column).reshape(n, h * w, h * w)
            pixels = phases[:, :, :, row, :, column].permute(0, 3, 2, 1).reshape(n, h * w, c)
            pieces.append(torch.bmm(weights, pixels) / 4)
    y = torch.stack(pieces, 3).reshape(n, w, h, c, 2, 2)
    return y.permute(0, 3, 2, 4, 1, 5).reshape(n, c, 2 * h, 2 * w)


ATTENTIONS = {"literal": literal_attention, "cheap": cheap_attention}


class Generator(nn.Module):
    """The coarse-to-fine network; image (N,3,H,W) in [-1,1], mask (N or 1,1,H,W) with 1 in the hole."""

    def __init__(self, cnum=32, attention="literal"):
        super().__init__()
        wide = 128 * cnum // 32
        self.attention = ATTENTIONS[attention]
        self.coarse, self.dilated = layers(COARSE, 5, cnum), layers(DILATED, 5, cnum)
        self.matching, self.matched = layers(MATCHING, 5, cnum), layers(MATCHED, wide, cnum)
        self.decoder = layers(DECODER, 2 * wide, cnum)

    def forward(self, image, mask):
        mask = mask.expand(image.shape[0], -1, -1, -1)
        incomplete, ones = image * (1 - mask), torch.ones_like(mask)
        coarse = self.coarse(torch.cat([incomplete, ones, mask], 1)).clamp(-1, 1)
        x = torch.cat([coarse * mask + incomplete, ones, mask], 1)
        matching = self.matching(x)
        small = downscale(mask, mask.shape[2] // matching.shape[2])
        matched = self.matched(self.attention(matching, matching, small))
        fine = self.decoder(torch.cat([self.dilated(x), matched], 1)).clamp(-1, 1)
        return coarse, fine

    def named_layers(self):
        for stack in (self.coarse, self.dilated, self.matching, self.matched, self.decoder):
            for name, layer in stack.named_children():
                yield f"inpaint_net/{name}/{name}_conv" if layer.upsample else f"inpaint_net/{name}", layer.conv


class Critic(nn.Module):
    def __init__(self, kind, extent, cnum=64):
        super().__init__()
        self.kind = kind
        widths = [3, cnum, 2 * cnum, 4 * cnum, (8 if kind == "local" else 4) * cnum]
        activation = nn.LeakyReLU(0.2)
        self.layers = nn.Sequential(*(Layer(a, b, 5, 2, 1, activation) for a, b in zip(widths, widths[1:])))
        for _ in range(4):
            extent = [-(-n // 2) for n in extent]
        self.dense = nn.Linear(math.prod(extent) * widths[-1], 1)

    def forward(self, x):
        return self.dense(self.layers(x).permute(0, 2, 3, 1).flatten(1))

    def named_layers(self):
        for k, layer in enumerate(self.layers):
            yield f"discriminator/discriminator_{self.kind}/conv{k + 1}", layer.conv
        yield f"discriminator/dout_{self.kind}_fc", self.dense


@torch.no_grad()
def load(network, weights):
    """Copies Lacuna's parameters (kernels HWIO) into a network."""
    for name, layer in network.named_layers():
        kernel = torch.tensor(weights[name + "/kernel"])
        layer.weight.copy_(kernel.permute(3, 2, 0, 1) if kernel.dim() == 4 else kernel.t())
        layer.bias.copy_(torch.tensor(weights[name + "/bias"]))
    return network


def unload(network):
    """The parameters under Lacuna's names and in its order of axes."""
    weights = {}
    for name, layer in network.named_layers():
        kernel = layer.weight.detach()
        kernel = kernel.permute(2, 3, 1, 0) if kernel.dim() == 4 else kernel.t()
        weights[name + "/kernel"] = kernel.contiguous().numpy()
        weights[name + "/bias"] = layer.bias.detach().numpy()
    return weights


@torch.no_grad()
def initialise(network, seed=0):
    """Glorot-uniform kernels and small biases."""
    source = torch.Generator().manual_seed(seed)
    for _, layer in network.named_layers():
        field = math.prod(layer.weight.shape[2:])
        limit = math.sqrt(6 / (field * (layer.weight.shape[0] + layer.weight.shape[1])))
        layer.weight.uniform_(-limit, limit, generator=source)
        layer.bias.uniform_(-0.1, 0.1, generator=source)
    return network


def nchw(x):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, 3, 1)))
