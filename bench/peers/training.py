"""Training in PyTorch for run.py, in a process of its own: the recipe of train/configs/paper.toml.

    training.py NAME ATTENTION SIZE THREADS BATCH

Each line on standard input, a number of runs, is answered by one line of JSON with their seconds. A run is one
iteration: five updates of both critics, each on a fresh batch, and one of the generator. Pictures and holes are drawn
outside the time, as a data loader would prepare them.
"""

import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F

import network
from safetensors_file import read_safetensors

CRITIC_STEPS, PENALTY, GAN, L1, AE, COARSE, GAMMA = 5, 10, 0.001, 1.2, 1.2, 1.2, 0.9
HOLE, MAX_SHRINK = 128, 32  # of pictures of 256x256; other sizes in proportion


def discount(extent):
    """Weights (1,1,H,W) of the reconstruction loss in the hole's box."""
    near = torch.minimum(torch.arange(extent), extent - torch.arange(extent))
    line = GAMMA ** near.float()
    return torch.maximum(line[:, None], line[None])[None, None]


def crop(x, boxes, extent):
    return torch.cat([x[k : k + 1, :, r : r + extent, c : c + extent] for k, (r, c) in enumerate(boxes)])


class Batch:
    def __init__(self, source, size, count):
        draw = lambda low, high: torch.randint(low, high + 1, (), generator=source).item()
        self.extent = HOLE * size // 256
        self.truth = torch.rand(count, 3, size, size, generator=source) * 2 - 1
        self.mask = torch.zeros(count, 1, size, size)
        self.boxes = []
        for k in range(count):
            top, left = draw(0, size - self.extent), draw(0, size - self.extent)
            rows, columns = (draw(0, MAX_SHRINK * size // 512) for _ in range(2))
            self.mask[k, :, top + rows : top + self.extent - rows, left + columns : left + self.extent - columns] = 1
            self.boxes.append((top, left))

    def box(self, x):
        return crop(x, self.boxes, self.extent)

    def complete(self, generated):
        return generated * self.mask + self.truth * (1 - self.mask)


def critic_loss(critic, real, fake, alpha, mask, penalty):
    """WGAN-GP with the slope taken in the hole alone."""
    between = torch.lerp(real, fake, alpha.reshape(-1, 1, 1, 1)).requires_grad_()
    scores = critic(torch.cat([real, fake])).float().reshape(2, -1)
    (slope,) = torch.autograd.grad(critic(between).float().sum(), between, create_graph=True)
    norm = (slope.float().square() * mask).sum((1, 2, 3)).sqrt()
    return (scores[1] - scores[0]).mean() + penalty * (norm - 1).square().mean()


def check_critics():
    """The loss and its gradients, which hold second derivatives, against Lacuna's golden cases."""
    files = sorted((pathlib.Path(__file__).resolve().parents[2] / "tests/golden").glob("critic_*.safetensors"))
    assert files, "tests/golden holds no critic case"
    for file in files:
        tensors, metadata = read_safetensors(file)
        arguments = json.loads(metadata["args"])
        weights = {k.removeprefix("weight."): v for k, v in tensors.items() if k.startswith("weight.")}
        real, fake, mask = (network.nchw(tensors["in." + k]).float() for k in ("real", "fake", "mask"))
        critic = network.Critic(arguments["kind"], real.shape[2:], arguments["cnum"])
        network.load(critic, weights)
        alpha = torch.tensor(tensors["in.alpha"]).float()
        loss = critic_loss(critic, real, fake, alpha, mask, arguments["lambda"])
        expected = {"loss": tensors["out.critic_loss"]}
        found = {"loss": loss.detach().numpy()}
        for name, layer in critic.named_layers():
            (gradient,) = torch.autograd.grad(loss, layer.weight, retain_graph=True)
            gradient = gradient.permute(2, 3, 1, 0) if gradient.dim() == 4 else gradient.t()
            found[name], expected[name] = gradient.numpy(), tensors[f"grad.weight.{name}/kernel"]
        for name, value in expected.items():
            error = abs(found[name] - value).max() / max(1, abs(value).max())
            assert error < 1e-4, f"{file.name}: {name} is {error:.2g} off"


class Training:
    def __init__(self, attention, size, reduced, compiled):
        self.reduced = reduced
        extent = HOLE * size // 256
        self.weight = discount(extent)
        self.generator = network.initialise(network.Generator(32, attention))
        self.judges = [
            (network.initialise(network.Critic("global", (size, size)), 1), lambda batch, x: x),
            (network.initialise(network.Critic("local", (extent, extent)), 2), Batch.box),
        ]
        # The critics stay as they are: compiled code has no second derivatives.
        self.generate = torch.compile(self.generator) if compiled else self.generator
        settings = {"lr": 1e-4, "betas": (0.5, 0.9), "eps": 1e-8, "fused": True}
        self.generator_adam = torch.optim.Adam(self.generator.parameters(), **settings)
        self.critics_adam = torch.optim.Adam((p for c, _ in self.judges for p in c.parameters()), **settings)

    def to(self, layout):
        for module in (self.generator, *(critic for critic, _ in self.judges)):
            module.to(memory_format=layout)

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.reduced)

    def update_critics(self, batch):
        with torch.no_grad(), self.autocast():
            completed = batch.complete(self.generate(batch.truth, batch.mask)[1].float())
        self.critics_adam.zero_grad()
        loss = 0
        for critic, view in self.judges:
            real, fake, mask = (view(batch, x) for x in (batch.truth, completed, batch.mask))
            with self.autocast():
                loss = loss + critic_loss(critic, real, fake, torch.rand(len(real), 1), mask, PENALTY)
        loss.backward()
        self.critics_adam.step()
        return loss.item()

    def update_generator(self, batch):
        for critic, _ in self.judges:
            critic.requires_grad_(False)
        with self.autocast():
            stages = self.generate(batch.truth, batch.mask)
        known = 1 - batch.mask
        truth, share = batch.box(batch.truth), known.mean()
        loss = 0
        for generated, factor in zip((stages[0].float(), stages[1].float()), (COARSE, 1)):
            l1 = ((truth - batch.box(generated)).abs() * self.weight).mean()
            ae = ((batch.truth - generated).abs() * known).mean() / share
            loss = loss + factor * (L1 * l1 + AE * ae)
        completed = batch.complete(stages[1].float())
        for critic, view in self.judges:
            with self.autocast():
                scores = critic(view(batch, completed))
            loss = loss - GAN * scores.float().mean()
        self.generator_adam.zero_grad()
        loss.backward()
        self.generator_adam.step()
        for critic, _ in self.judges:
            critic.requires_grad_(True)
        return loss.item()

    def iteration(self, batches):
        for batch in batches[:-1]:
            critic_loss = self.update_critics(batch)
        return critic_loss, self.update_generator(batches[-1])


# bf16 autocast, compiled generator
PEERS = {
    "torch-f32": (False, False),
    "torch-bf16": (True, False),
    "compile-f32": (False, True),
    "compile-bf16": (True, True),
}


def main():
    name, attention, size, threads, count = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    check_critics()
    source = torch.Generator().manual_seed(2)
    training = Training(attention, int(size), *PEERS[name])

    def timed(critic_steps):
        batches = [Batch(source, int(size), int(count)) for _ in range(critic_steps + 1)]
        start = time.perf_counter()
        losses = training.iteration(batches)
        assert all(abs(x) < 1e6 for x in losses), f"losses {losses}"
        return time.perf_counter() - start

    seconds = {}
    for layout in (torch.contiguous_format, torch.channels_last):
        training.to(layout)
        seconds[layout] = min(timed(1) for _ in range(2))
    training.to(min(seconds, key=seconds.get))
    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps([timed(CRITIC_STEPS) for _ in range(int(line))]), flush=True)


if __name__ == "__main__":
    main()
