"""One peer of run.py, in a process of its own: builds the network, checks its result, and times it on demand.

    inference.py NAME ATTENTION SIZE THREADS CASE

CASE is a generator case of the golden files with a picture of SIZE x SIZE. Each line on standard input, a number of
runs, is answered by one line of JSON with their seconds.
"""

import contextlib
import ctypes
import io
import json
import logging
import os
import sys
import tempfile
import time
import warnings

import torch

import network
from safetensors_file import read_safetensors

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


def torch_eager(generator, inputs, threads, reduced):
    """Contiguous or channels_last planes, whichever is faster here."""
    del threads

    def forward(layout):
        model = generator.to(memory_format=layout)
        placed = [x.contiguous(memory_format=layout) for x in inputs]
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=reduced):
            return model(*placed)

    layouts = (torch.contiguous_format, torch.channels_last)
    seconds = {}
    for layout in layouts:
        forward(layout)
        seconds[layout] = min(timed(lambda: forward(layout)) for _ in range(3))
    best = min(layouts, key=seconds.get)
    return lambda: forward(best)[1].float().numpy()


def torch_compiled(generator, inputs, threads, reduced):
    """Inductor with the parameters frozen in, so that they are packed once."""
    del threads
    import torch._inductor.config

    torch._inductor.config.freezing = True
    compiled = torch.compile(generator)

    def forward():
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=reduced):
            return compiled(*inputs)[1].float().numpy()

    return forward


def exported(generator, inputs, folder):
    """The path of the network as ONNX, for pictures of the inputs' size."""
    path = os.path.join(folder, "generator.onnx")
    names = {"input_names": ["image", "mask"], "output_names": ["coarse", "fine"]}
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(generator, inputs, path, dynamo=True, external_data=False, **names)
    return path


def onnx_runtime(generator, inputs, threads, reduced):
    import onnxruntime

    assert not reduced
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    with tempfile.TemporaryDirectory() as folder:
        path = exported(generator, inputs, folder)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = dict(zip(("image", "mask"), (x.numpy() for x in inputs)))
    return lambda: session.run(["fine"], feed)[0]


def openvino(generator, inputs, threads, reduced):
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if reduced else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
    }
    with tempfile.TemporaryDirectory() as folder:
        compiled = core.compile_model(core.read_model(exported(generator, inputs, folder)), "CPU", settings)
    request = compiled.create_infer_request()
    feed = [x.numpy() for x in inputs]
    return lambda: request.infer(feed)[1]


PEERS = {
    "torch-f32": (torch_eager, False),
    "torch-bf16": (torch_eager, True),
    "compile-f32": (torch_compiled, False),
    "compile-bf16": (torch_compiled, True),
    "onnxruntime-f32": (onnx_runtime, False),
    "openvino-f32": (openvino, False),
    "openvino-bf16": (openvino, True),
}


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    name, attention, size, threads, case = sys.argv[1:]
    prepare, reduced = PEERS[name]
    torch.set_num_threads(int(threads))
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer

    tensors, metadata = read_safetensors(case)
    weights = {k.removeprefix("weight."): v for k, v in tensors.items() if k.startswith("weight.")}
    generator = network.Generator(json.loads(metadata["args"])["cnum"], attention).eval().requires_grad_(False)
    network.load(generator, weights)
    inputs = tuple(network.nchw(tensors["in." + k]).float() for k in ("image", "mask"))
    expected = network.nchw(tensors["out.fine"]).float()
    assert inputs[0].shape[2:] == (int(size), int(size))

    forward = prepare(generator, inputs, int(threads), reduced)
    difference = (torch.from_numpy(forward()) - expected).double()
    report = {
        "error": difference.abs().max().item(),
        "psnr": -10 * torch.log10(difference.square().mean() / 4).item(),  # the range is 2
    }
    ctypes.CDLL(None).malloc_trim(0)  # what exporting and compiling needed
    forward()
    print(json.dumps(report), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps([timed(forward) for _ in range(int(line))]), file=answers, flush=True)


if __name__ == "__main__":
    main()
