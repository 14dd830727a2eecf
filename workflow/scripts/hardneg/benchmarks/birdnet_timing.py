"""Time BirdNET here against LiteRT, in one run: ``python -m hardneg.benchmarks.birdnet_timing [--device cuda]``.

The variants take turns and the median of the rounds counts, so that whatever else the machine does meets all alike.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from hardneg.features import birdnet

WINDOW_S = birdnet.WINDOW_SAMPLES / birdnet.SAMPLE_RATE


def litert(threads: int) -> Callable[[np.ndarray], None]:
    """BirdNET as LiteRT runs it, window by window."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(birdnet.weights_path()), num_threads=threads)
    interpreter.allocate_tensors()
    heard = interpreter.get_input_details()[0]["index"]

    def run(windows: np.ndarray) -> None:
        for window in windows:
            interpreter.set_tensor(heard, window[None])
            interpreter.invoke()

    return run


def ours(device: str, threads: int, batch: int, precision: torch.dtype | None = None) -> Callable[[np.ndarray], None]:
    """BirdNET's embeddings as this project computes them, in batches; `precision` for autocast."""
    network = birdnet.load().to(device)

    def run(windows: np.ndarray) -> None:
        torch.set_num_threads(threads)
        with torch.inference_mode(), torch.autocast(device, precision, enabled=precision is not None):
            for start in range(0, len(windows), batch):
                computed = network.embed(torch.from_numpy(windows[start : start + batch]).to(device))
            computed.cpu()

    return run


def main() -> None:
    """Print the rate of each variant, in windows per second and as a multiple of the best of LiteRT."""
    parser = argparse.ArgumentParser(prog="python -m hardneg.benchmarks.birdnet_timing")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    every = sorted({1, os.cpu_count() or 1})
    variants = {f"LiteRT, {threads} threads": litert(threads) for threads in every}
    if given.device == "cpu":
        variants |= {f"torch, {threads} threads": ours("cpu", threads, batch=4) for threads in every}
    else:
        for precision in (None, torch.bfloat16):
            for batch in (64, 256):
                variants[f"torch, CUDA, {precision or 'float32'}, batches of {batch}"] = ours(
                    "cuda", 1, batch, precision
                )
    windows = 0.1 * np.random.default_rng(0).standard_normal((given.windows, birdnet.WINDOW_SAMPLES), dtype=np.float32)
    rates: dict[str, list[float]] = {name: [] for name in variants}
    for run in variants.values():
        run(windows[:4])  # allocates and chooses kernels
    for _ in range(given.rounds):
        for name, run in variants.items():
            start = time.perf_counter()
            run(windows)
            rates[name].append(len(windows) / (time.perf_counter() - start))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    best = max(rate for name, rate in medians.items() if name.startswith("LiteRT"))
    for name, rate in medians.items():
        print(f"{name}: {rate:.1f} windows/s, {rate * WINDOW_S:.0f} x real time, {rate / best:.2f} of the best LiteRT")


if __name__ == "__main__":
    main()
