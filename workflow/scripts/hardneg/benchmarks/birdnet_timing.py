"""Time BirdNET in torch against LiteRT: ``python -m hardneg.benchmarks.birdnet_timing [--device cuda]``.

The variants take turns, and the median of the rounds counts. Other load on the machine therefore affects all variants
equally.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from hardneg.features import birdnet

Windows = npt.NDArray[np.float32]

WINDOW_S = birdnet.WINDOW_SAMPLES / birdnet.SAMPLE_RATE


def make_litert_variant(threads: int) -> Callable[[Windows], None]:
    """Make a function that runs BirdNET in LiteRT, one window at a time."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(birdnet.find_weights()), num_threads=threads)
    interpreter.allocate_tensors()
    input_index = interpreter.get_input_details()[0]["index"]

    def run(windows: Windows) -> None:
        for window in windows:
            interpreter.set_tensor(input_index, window[None])
            interpreter.invoke()

    return run


def make_torch_variant(
    device: str, threads: int, batch: int, precision: torch.dtype | None = None
) -> Callable[[Windows], None]:
    """Make a function that computes BirdNET's embeddings as the workflow does, in batches.

    Parameters
    ----------
    precision : of autocast; None for float32.
    """
    network = birdnet.load().to(device)

    def run(windows: Windows) -> None:
        torch.set_num_threads(threads)
        with torch.inference_mode(), torch.autocast(device, precision, enabled=precision is not None):
            for start in range(0, len(windows), batch):
                embeddings = network.embed(torch.from_numpy(windows[start : start + batch]).to(device))
            embeddings.cpu()

    return run


def make_variants(device: str) -> dict[str, Callable[[Windows], None]]:
    """Make the variants to time on a device, by name."""
    thread_counts = sorted({1, os.cpu_count() or 1})
    variants = {f"LiteRT, {threads} threads": make_litert_variant(threads) for threads in thread_counts}
    if device == "cpu":
        return variants | {
            f"torch, {threads} threads": make_torch_variant("cpu", threads, batch=4) for threads in thread_counts
        }
    for precision in (None, torch.bfloat16):
        for batch in (64, 256):
            name = f"torch, CUDA, {precision or 'float32'}, batches of {batch}"
            variants[name] = make_torch_variant("cuda", 1, batch, precision)
    return variants


def main() -> None:
    """Print the rate of each variant, in windows per second and relative to the fastest LiteRT variant."""
    parser = argparse.ArgumentParser(
        prog="python -m hardneg.benchmarks.birdnet_timing", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--windows", type=int, default=24, help="windows in a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    variants = make_variants(options.device)
    rng = np.random.default_rng(0)
    windows = 0.1 * rng.standard_normal((options.windows, birdnet.WINDOW_SAMPLES), dtype=np.float32)
    for run in variants.values():
        run(windows[:4])  # allocates memory and selects kernels
    rates: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(options.rounds):
        for name, run in variants.items():
            start = time.perf_counter()
            run(windows)
            rates[name].append(len(windows) / (time.perf_counter() - start))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    best = max(rate for name, rate in medians.items() if name.startswith("LiteRT"))
    for name, rate in medians.items():
        print(
            f"{name}: {rate:.1f} windows/s, {rate * WINDOW_S:.0f} x real time, {rate / best:.2f} x the fastest LiteRT"
        )


if __name__ == "__main__":
    main()
