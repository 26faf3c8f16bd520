"""The training iteration of training.py as one would write it for speed on a CUDA device: no copies back within an
iteration, windows taken by index, everything in CUDA graphs where that is asked for.

An iteration is five updates of both critics, each on a fresh batch, and one of the generator, by the recipe of
train/configs/paper.toml. Pictures and masks lie in the host's pinned memory and are copied within the time.
"""

import torch

import network
from training import AE, COARSE, CRITIC_STEPS, GAN, HOLE, L1, MAX_SHRINK, PENALTY, critic_loss, discount

BATCHES = CRITIC_STEPS + 1  # different ones, over and over
WARM_RUNS = 3


def captured(function):
    """A function that replays the kernels of another, on the same memory, and returns what that returned."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_RUNS):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.reset_peak_memory_stats()  # of the recording: replaying takes no more
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function()

    def replay():
        graph.replay()
        return result

    return replay


def draw_batch(source, size, count, extent):
    """truth, mask, and the rows and columns of each sample's window."""
    draw = lambda low, high: torch.randint(low, high + 1, (count,), generator=source)
    truth = torch.rand(count, 3, size, size, generator=source) * 2 - 1
    mask = torch.zeros(count, 1, size, size)
    tops, lefts = draw(0, size - extent), draw(0, size - extent)
    rows, columns = (draw(0, MAX_SHRINK * size // 512) for _ in range(2))
    for k, (t, l, r, c) in enumerate(zip(*(x.tolist() for x in (tops, lefts, rows, columns)))):
        mask[k, :, t + r : t + extent - r, l + c : l + extent - c] = 1
    along = torch.arange(extent)
    return [truth, mask, tops[:, None] + along, lefts[:, None] + along]


class Training:
    def __init__(self, attention, device, size, count, cnum, how, reduced):
        self.device, self.reduced = device, reduced
        on_card = device.type == "cuda"
        extent = HOLE * size // 256
        layout = {"memory_format": torch.channels_last}
        self.generator = network.initialise(network.Generator(cnum, attention)).to(device, **layout)
        self.judges = [
            network.initialise(network.Critic(kind, (side, side), 2 * cnum), seed).to(device, **layout)
            for seed, (kind, side) in enumerate((("global", size), ("local", extent)), 1)
        ]
        # The critics stay as they are: compiled code has no second derivatives.
        self.generate = torch.compile(self.generator) if how.startswith("compile") else self.generator
        settings = {"lr": 1e-4, "betas": (0.5, 0.9), "eps": 1e-8, "fused": True, "capturable": on_card}
        if not on_card:
            del settings["capturable"]
        self.generator_adam = torch.optim.Adam(self.generator.parameters(), **settings)
        self.critics_adam = torch.optim.Adam((p for c in self.judges for p in c.parameters()), **settings)
        self.weight = discount(extent).to(device)

        source = torch.Generator().manual_seed(2)
        self.batches = [draw_batch(source, size, count, extent) for _ in range(BATCHES)]
        if on_card:
            self.batches = [[x.pin_memory() for x in batch] for batch in self.batches]
        # What the updates read: always the same memory, so that graphs can be replayed.
        self.truth, self.mask, self.rows, self.columns = (x.to(device) for x in self.batches[0])
        self.truth = self.truth.contiguous(**layout)
        self.update_critics, self.update_generator = self.critics_update, self.generator_update
        if how.endswith("graph") and on_card:
            self.update_critics, self.update_generator = captured(self.critics_update), captured(self.generator_update)

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.reduced)

    def load(self, batch):
        for own, new in zip((self.truth, self.mask, self.rows, self.columns), batch):
            own.copy_(new, non_blocking=True)

    def box(self, x):
        """Each sample's window."""
        n, channels, _, width = x.shape
        extent = self.rows.shape[1]
        lines = x.gather(2, self.rows[:, None, :, None].expand(n, channels, extent, width))
        window = lines.gather(3, self.columns[:, None, None, :].expand(n, channels, extent, extent))
        return window.contiguous(memory_format=torch.channels_last)

    def complete(self, generated):
        return generated * self.mask + self.truth * (1 - self.mask)

    def views(self):
        return zip(self.judges, (lambda x: x, self.box))

    def critics_update(self):
        with torch.no_grad(), self.autocast():
            completed = self.complete(self.generate(self.truth, self.mask)[1].float())
        self.critics_adam.zero_grad(set_to_none=True)
        loss = 0
        for critic, view in self.views():
            real, fake, mask = (view(x) for x in (self.truth, completed, self.mask))
            places = torch.rand(len(real), 1, device=self.device)
            with self.autocast():
                loss = loss + critic_loss(critic, real, fake, places, mask, PENALTY)
        loss.backward()
        self.critics_adam.step()
        return loss.detach()

    def generator_update(self):
        for critic in self.judges:
            critic.requires_grad_(False)
        with self.autocast():
            stages = self.generate(self.truth, self.mask)
        known = 1 - self.mask
        truth, share = self.box(self.truth), known.mean()
        loss = 0
        for generated, factor in zip((stages[0].float(), stages[1].float()), (COARSE, 1)):
            l1 = ((truth - self.box(generated)).abs() * self.weight).mean()
            ae = ((self.truth - generated).abs() * known).mean() / share
            loss = loss + factor * (L1 * l1 + AE * ae)
        completed = self.complete(stages[1].float())
        for critic, view in self.views():
            with self.autocast():
                scores = critic(view(completed))
            loss = loss - GAN * scores.float().mean()
        self.generator_adam.zero_grad(set_to_none=True)
        loss.backward()
        self.generator_adam.step()
        for critic in self.judges:
            critic.requires_grad_(True)
        return loss.detach()

    def iteration(self):
        for batch in self.batches[:-1]:
            self.load(batch)
            critics = self.update_critics()
        self.load(self.batches[-1])
        self.last = critics, self.update_generator()

    def losses(self):
        losses = [x.item() for x in self.last]
        assert all(abs(x) < 1e6 for x in losses), f"losses {losses}"
        return losses
