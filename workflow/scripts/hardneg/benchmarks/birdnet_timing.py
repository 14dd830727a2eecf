"""Time BirdNET in torch against LiteRT: ``python -m hardneg.benchmarks.birdnet_timing [--device cuda]``.

The variants take turns, so that other load on the machine affects all of them equally. On a CPU, the CPU time counts,
which covers all threads and depends less on other load than the time on the clock. Ratios are medians over the rounds.
"""

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from hardneg.features import birdnet, extractors

Windows = npt.NDArray[np.float32]


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
    variants = {f"LiteRT, threads: {threads}": make_litert_variant(threads) for threads in thread_counts}
    if device == "cpu":
        return variants | {
            f"torch, threads: {threads}": make_torch_variant("cpu", threads, extractors.BIRDNET_BATCH["cpu"])
            for threads in thread_counts
        }
    for precision in (None, torch.bfloat16):
        for batch in (64, 256):
            name = f"torch, CUDA, {precision or 'float32'}, batches of {batch}"
            variants[name] = make_torch_variant("cuda", 1, batch, precision)
    return variants


def time_rounds(
    variants: dict[str, Callable[[Windows], None]], windows: Windows, rounds: int, clock: Callable[[], float]
) -> pd.DataFrame:
    """Run the variants in turn.

    Parameters
    ----------
    variants : functions to time, by name.
    windows : shape (n, samples). Each variant first runs on a few of them, to allocate memory and select kernels.
    rounds : number of turns of each variant.
    clock : returns a time in seconds.

    Returns
    -------
    Milliseconds per window: a row for each round, a column for each variant.
    """
    for run in variants.values():
        run(windows[:16])
    rows = []
    for _ in range(rounds):
        row = {}
        for name, run in variants.items():
            start = clock()
            run(windows)
            row[name] = 1000 * (clock() - start) / len(windows)
        rows.append(row)
    return pd.DataFrame(rows)


def summarize(times: pd.DataFrame) -> pd.DataFrame:
    """Summarize :func:`time_rounds`: median time, and the median and range of the speed relative to the best LiteRT.

    The best LiteRT variant is the one with the lowest median. Its time in the same round is the reference.
    """
    litert = [name for name in times if name.startswith("LiteRT")]
    best = times[litert].median().idxmin()
    ratios = times[[best]].to_numpy() / times
    return pd.DataFrame(
        {
            "ms per window": times.median(),
            "relative speed": ratios.median(),
            "lowest": ratios.min(),
            "highest": ratios.max(),
        }
    )


def main() -> None:
    """Print the time of each variant per window, and its speed relative to the best LiteRT variant."""
    parser = argparse.ArgumentParser(
        prog="python -m hardneg.benchmarks.birdnet_timing", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--windows", type=int, default=24, help="windows in a round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    windows = 0.1 * rng.standard_normal((options.windows, birdnet.WINDOW_SAMPLES), dtype=np.float32)
    clock = time.process_time if options.device == "cpu" else time.perf_counter
    times = time_rounds(make_variants(options.device), windows, options.rounds, clock)
    print(f"{'CPU time' if options.device == 'cpu' else 'time on the clock'}, {options.rounds} rounds")
    print(summarize(times).round(2).to_string())


if __name__ == "__main__":
    main()
