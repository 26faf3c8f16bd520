"""The operations and networks of the golden cases, in PyTorch, NHWC and float64.

Written from the definitions (SAME padding, mirroring, literal contextual attention) with PyTorch's own convolutions,
pooling, interpolation and automatic differentiation; it shares nothing with the program under test.
"""
import numpy as np
import torch
import torch.nn.functional as F


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def same_padding(n, k, stride, dilation=1):
    """TensorFlow's SAME: zeros before and after."""
    out = -(-n // stride)
    total = max((out - 1) * stride + (k - 1) * dilation + 1 - n, 0)
    return total // 2, total - total // 2


def pad_axis(x, axis, before, after, mode):
    """x continued along an axis; NumPy does the mirroring, on the positions."""
    if mode == "zero":
        shape = list(x.shape)
        shape[axis] = before
        left = x.new_zeros(shape)
        shape[axis] = after
        return torch.cat([left, x, x.new_zeros(shape)], axis)
    positions = np.pad(np.arange(x.shape[axis]), (before, after), mode=mode)
    return x.index_select(axis, torch.from_numpy(positions))


def pad(x, top, bottom, left, right, mode):
    return pad_axis(pad_axis(x, 1, top, bottom, mode), 2, left, right, mode)


def conv2d(x, kernel, bias=None, stride=1, dilation=1, padding="same"):
    kh, kw = kernel.shape[:2]
    if padding == "same":
        x = pad(x, *same_padding(x.shape[1], kh, stride, dilation), *same_padding(x.shape[2], kw, stride, dilation), "zero")
    elif padding != "valid":
        ph, pw = dilation * (kh - 1) // 2, dilation * (kw - 1) // 2
        x = pad(x, ph, ph, pw, pw, padding)
    return nhwc(F.conv2d(nchw(x), kernel.permute(3, 2, 0, 1).contiguous(), bias, stride, 0, dilation))


def conv2d_input(g, kernel, height, width, stride, dilation, padding):
    """The transposed convolution, cut to the input's extent; same and valid."""
    y = nhwc(F.conv_transpose2d(nchw(g), kernel.permute(3, 2, 0, 1).contiguous(), stride=stride, dilation=dilation))
    for axis, n in ((1, height), (2, width)):
        before = same_padding(n, kernel.shape[axis - 1], stride, dilation)[0] if padding == "same" else 0
        y = pad_axis(y, axis, 0, max(before + n - y.shape[axis], 0), "zero").narrow(axis, before, n)
    return y


def resize_nearest_corners(x, height, width):
    """TensorFlow 1 with align_corners: the nearest source, halves rounded up."""
    for axis, n in ((1, height), (2, width)):
        size = x.shape[axis]
        source = [min((2 * i * (size - 1) + (n - 1)) // (2 * (n - 1)), size - 1) if n > 1 else 0 for i in range(n)]
        x = x.index_select(axis, torch.tensor(source))
    return x


def resize_bilinear(x, height, width, align_corners):
    return nhwc(F.interpolate(nchw(x), (height, width), mode="bilinear", align_corners=align_corners))


def grid_sample(x, grid):
    """grid (row, column) in pixels; zeros outside."""
    extent = torch.tensor([x.shape[2] - 1, x.shape[1] - 1], dtype=x.dtype)
    normalised = 2 * grid.flip(-1) / extent - 1
    return nhwc(F.grid_sample(nchw(x), normalised, mode="bilinear", padding_mode="zeros", align_corners=True))


def unfold(x, kernel, stride, same):
    """Patches with elements in the order row, column, channel."""
    if same:
        x = pad(x, *same_padding(x.shape[1], kernel, stride), *same_padding(x.shape[2], kernel, stride), "zero")
    patches = x.unfold(1, kernel, stride).unfold(2, kernel, stride)  # N, rows, cols, C, kernel, kernel
    return patches.permute(0, 1, 2, 4, 5, 3).reshape(*patches.shape[:3], -1)


def total_variation(x):
    return (x[:, 1:] - x[:, :-1]).abs().mean() + (x[:, :, 1:] - x[:, :, :-1]).abs().mean()


def softplus(x):
    return torch.logaddexp(x, torch.zeros_like(x))


def gan_losses(loss, real, fake):
    """What the critic and what the generator minimise."""
    if loss == "wgan":
        return (fake - real).mean(), -fake.mean()
    if loss == "lsgan":
        return (((real - 1) ** 2).mean() + (fake**2).mean()) / 2, ((fake - 1) ** 2).mean()
    if loss == "log":
        return (softplus(-real).mean() + softplus(fake).mean()) / 2, softplus(-fake).mean()
    return (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2, -fake.mean()


def fuse_once(scores, fuse_k):
    """(a, b) -> the sum along the diagonal, a convolution with the unit matrix."""
    kernel = torch.eye(fuse_k, dtype=scores.dtype).reshape(1, 1, fuse_k, fuse_k)
    return F.conv2d(scores[None, None], kernel, padding=fuse_k // 2)[0, 0]


def attention_of_one(f, b, mask, ksize, rate, fuse_k, softmax_scale, fuse):
    """Contextual attention of one sample, f and b (1,H,W,C), mask (1,H,W,1), patch by patch."""
    small = [resize_nearest_corners(t, t.shape[1] // rate, t.shape[2] // rate) for t in (f, b, mask)]
    h, w = small[0].shape[1:3]
    patches = unfold(small[1], ksize, 1, True).reshape(h * w, ksize, ksize, -1)
    norms = patches.square().sum((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-4)
    scores = conv2d(small[0], (patches / norms).permute(1, 2, 3, 0)).reshape(h * w, h * w)
    if fuse:
        scores = fuse_once(scores, fuse_k)
        scores = scores.reshape(h, w, h, w).permute(1, 0, 3, 2).reshape(h * w, h * w)
        scores = fuse_once(scores, fuse_k)
        scores = scores.reshape(w, h, w, h).permute(1, 0, 3, 2).reshape(h * w, h * w)
    available = (unfold(small[2], ksize, 1, True).sum(-1) == 0).to(f.dtype).reshape(1, h * w)
    attention = torch.softmax(softmax_scale * scores * available, 1) * available
    best = attention.argmax(1)
    offsets = torch.stack([torch.div(best, w, rounding_mode="floor"), best % w], -1).reshape(1, h, w, 2)

    kernel = 2 * rate
    pastes = unfold(b, kernel, rate, True).reshape(h * w, kernel, kernel, -1).permute(1, 2, 3, 0)  # k, k, C, L
    attention = attention.reshape(1, h, w, h * w)
    y = conv2d_input(attention, pastes, f.shape[1], f.shape[2], rate, 1, "same") / 4
    return y, attention, offsets


def contextual_attention(f, b, mask, **args):
    samples = [
        attention_of_one(f[n : n + 1], b[n : n + 1], mask[n % len(mask)][None], **args) for n in range(len(f))
    ]
    return [torch.cat(parts) for parts in zip(*samples)]


class Critic:
    """Four strided convolutions and a dense unit. `make` draws the weights: make(name, shape)."""

    def __init__(self, kind, cnum, height, width, make):
        widths = [3, cnum, 2 * cnum, 4 * cnum, (8 if kind == "local" else 4) * cnum]
        self.weights = {}
        for k in range(4):
            name = f"discriminator/discriminator_{kind}/conv{k + 1}"
            self.weights[name + "/kernel"] = make((5, 5, widths[k], widths[k + 1]))
            self.weights[name + "/bias"] = make((widths[k + 1],))
            height, width = -(-height // 2), -(-width // 2)
        name = f"discriminator/dout_{kind}_fc"
        self.weights[name + "/kernel"] = make((height * width * widths[4], 1))
        self.weights[name + "/bias"] = make((1,))

    def __call__(self, x):
        *convolutions, dense, bias = self.weights.values()
        for kernel, b in zip(convolutions[::2], convolutions[1::2]):
            x = F.leaky_relu(conv2d(x, kernel, b, stride=2), 0.2)
        return x.reshape(len(x), -1) @ dense + bias


def gradient_penalty(critic, real, fake, alpha, mask):
    a = alpha.reshape(-1, 1, 1, 1)
    between = (real + a * (fake - real)).detach().requires_grad_()
    (g,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (((g * g * mask).sum((1, 2, 3)).sqrt() - 1) ** 2).mean()


class Generator:
    """The coarse-to-fine network. `make` draws the weights: make(shape)."""

    # name, width in units of cnum / 32, kernel, stride, dilation; upsampling layers are named so
    COARSE = [
        ("conv1", 32, 5, 1, 1), ("conv2_downsample", 64, 3, 2, 1), ("conv3", 64, 3, 1, 1),
        ("conv4_downsample", 128, 3, 2, 1), ("conv5", 128, 3, 1, 1), ("conv6", 128, 3, 1, 1),
        ("conv7_atrous", 128, 3, 1, 2), ("conv8_atrous", 128, 3, 1, 4), ("conv9_atrous", 128, 3, 1, 8),
        ("conv10_atrous", 128, 3, 1, 16), ("conv11", 128, 3, 1, 1), ("conv12", 128, 3, 1, 1),
        ("conv13_upsample/conv13_upsample_conv", 64, 3, 1, 1), ("conv14", 64, 3, 1, 1),
        ("conv15_upsample/conv15_upsample_conv", 32, 3, 1, 1), ("conv16", 16, 3, 1, 1), ("conv17", 3, 3, 1, 1),
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
        ("allconv11", 128, 3, 1, 1), ("allconv12", 128, 3, 1, 1),
        ("allconv13_upsample/allconv13_upsample_conv", 64, 3, 1, 1), ("allconv14", 64, 3, 1, 1),
        ("allconv15_upsample/allconv15_upsample_conv", 32, 3, 1, 1), ("allconv16", 16, 3, 1, 1),
        ("allconv17", 3, 3, 1, 1),
    ]  # fmt: skip

    def __init__(self, cnum, padding, make, one_stage=False, attention=True):
        self.cnum, self.padding, self.one_stage, self.attention = cnum, padding, one_stage, attention
        self.weights = {}
        branches = [(self.COARSE, 5)]
        if not one_stage:
            wide = 128 * cnum // 32
            branches += [(self.DILATED, 5), (self.MATCHING, 5), (self.MATCHED, wide), (self.DECODER, 2 * wide)]
        for layers, channels in branches:
            for name, width, k, _, _ in layers:
                out = width if width == 3 else width * cnum // 32
                self.weights[f"inpaint_net/{name}/kernel"] = make((k, k, channels, out))
                self.weights[f"inpaint_net/{name}/bias"] = make((out,))
                channels = out

    def run(self, x, layers):
        for name, width, _, stride, dilation in layers:
            if "upsample" in name:
                x = resize_nearest_corners(x, 2 * x.shape[1], 2 * x.shape[2])
            kernel, bias = (self.weights[f"inpaint_net/{name}/{what}"] for what in ("kernel", "bias"))
            x = conv2d(x, kernel, bias, stride, dilation, self.padding)
            if name == "pmconv6":
                x = F.relu(x)
            elif width != 3:
                x = F.elu(x)
        return x

    def __call__(self, image, mask):
        incomplete = image * (1 - mask)
        mask = mask.expand(len(image), -1, -1, -1)
        ones = torch.ones_like(mask)
        coarse = self.run(torch.cat([incomplete, ones, mask], -1), self.COARSE).clamp(-1, 1)
        if self.one_stage:
            return coarse, coarse, None
        x = torch.cat([coarse * mask + incomplete * (1 - mask), ones, mask], -1)
        dilated, matching, offsets = self.run(x, self.DILATED), self.run(x, self.MATCHING), None
        if self.attention:
            small = resize_nearest_corners(mask, matching.shape[1], matching.shape[2])
            matching, _, offsets = contextual_attention(
                matching, matching, small, ksize=3, rate=2, fuse_k=3, softmax_scale=10, fuse=True
            )
        x = torch.cat([dilated, self.run(matching, self.MATCHED)], -1)
        return coarse, self.run(x, self.DECODER).clamp(-1, 1), offsets
