"""Time the workflow's way from recordings to scores against others, on the same files in the same run.

``python -m hardneg.benchmarks.pipeline_timing results/bench`` writes ``bench.json`` and ``bench.md``. OpenSoundscape is among the others
where it is installed; its spectrograms are its own, so its scores are not those of the rest.
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import psutil
import soundfile
import torch

from hardneg.audio import decoding, resampling
from hardneg.benchmarks import reference_pipelines
from hardneg.benchmarks.reference_pipelines import LENGTH_S, LOGMEL, MEL, RATE
from hardneg.common import process_context, provenance, tables
from hardneg.common.files import write_text
from hardneg.features.logmel import LogMel
from hardneg.models import inference

CONDITIONS = [("wav", 48000, "warm"), ("wav", 48000, "cold"), ("flac", 48000, "warm"), ("wav", 24000, "warm")]


def make_recordings(folder: Path, files: int, seed: int = 1) -> None:
    """Write the same noise with tones as WAV and FLAC, at 48 and 24 kHz, 16 bit mono, :data:`LENGTH_S` each."""
    rng = np.random.default_rng(seed)
    for rate in (48000, 24000):
        time_s = np.arange(round(LENGTH_S * rate)) / rate
        for place in range(files):
            noise = np.cumsum(rng.standard_normal(len(time_s))) * 2e-4 + 0.01 * rng.standard_normal(len(time_s))
            sound = (noise + 0.1 * np.sin(2 * np.pi * rng.uniform(300, 4000) * time_s)).clip(-1, 1)
            for extension in ("wav", "flac"):
                path = folder / f"{extension}-{rate}" / f"{place:05d}.{extension}"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, sound, rate, subtype="PCM_16")


class Rival:
    """A process that runs one of :mod:`hardneg.benchmarks.reference_pipelines`, a pass at a time."""

    def __init__(self, pipeline: str, threads: int, processes: int, device: str):
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads), "HARDNEG_BENCH_DEVICE": device,
        }  # fmt: skip
        self.process = subprocess.Popen(  # noqa: S603, our own module
            [sys.executable, "-W", "ignore", "-m", "hardneg.benchmarks.reference_pipelines", pipeline, str(threads), str(processes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def run(self, folder: Path) -> dict:
        """One pass over the files of a folder: ``seconds, parts, cpu_s`` (so far), ``gpu_bytes, scores``."""
        print(folder, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{' '.join(self.process.args)} ended with {self.process.wait()}")
        return json.loads(answer)

    def peak_bytes(self, folder: Path) -> int:
        """Most memory that a pass has in use, over all processes, what they share counted once (Linux' PSS)."""
        peak, ended = 0, threading.Event()

        def watch() -> None:
            nonlocal peak
            root = psutil.Process(self.process.pid)
            while not ended.wait(0.05):
                peak = max(peak, sum(_memory(one) for one in [root, *root.children(recursive=True)]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        self.run(folder)
        ended.set()
        watcher.join()
        return peak

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def fastest_naive(folder: Path, settings: list[int], device: str) -> tuple[Rival, int]:
    """Start the naive way with each number of threads, and keep the fastest of three passes taken in turns."""
    started = [Rival("naive", threads, 1, device) for threads in settings]
    turns = [[rival.run(folder)["seconds"] for rival in started] for _ in range(4)]
    best = int(np.argmin(np.median(turns[1:], axis=0)))  # the first warms up
    for rival in started[:best] + started[best + 1 :]:
        rival.end()
    return started[best], settings[best]


def compare(folder: Path, rivals: dict[str, Rival], repeats: int) -> list[dict]:
    """Run all rivals in turns under each condition.

    Returns
    -------
    One row per condition and rival: ``format, rate, cache, rival, seconds`` (median), ``ratio`` (how many times faster
    than the first rival, median over turns), ``parts`` (median seconds of each that the rival tells), ``files_per_s,
    times_real_time, cpu_ms_per_file``.
    """
    rows = []
    for extension, rate, cache in CONDITIONS:
        recordings = folder / f"{extension}-{rate}"
        files = len(list(recordings.iterdir()))
        passes: dict[str, list[dict]] = {name: [] for name in rivals}
        for _ in range(repeats + 1):
            for name, rival in rivals.items():
                if cache == "cold":
                    _forget(recordings)
                passes[name].append(rival.run(recordings))
        # The first turn warms up, and tells how much each process had used of the CPU before.
        for done in passes.values():
            used = [one["cpu_s"] for one in done]
            done[:] = [one | {"cpu_s": end - start} for one, start, end in zip(done[1:], used, used[1:], strict=False)]
        naive = next(iter(rivals))
        for name, done in passes.items():
            seconds = statistics.median(one["seconds"] for one in done)
            pairs = zip(passes[naive], done, strict=True)
            differ = np.abs(np.array(done[-1]["scores"]) - np.array(passes[naive][-1]["scores"])).max()
            rows.append(
                {
                    "format": extension,
                    "rate": rate,
                    "cache": cache,
                    "rival": name,
                    "seconds": seconds,
                    "ratio": statistics.median(plain["seconds"] / one["seconds"] for plain, one in pairs),
                    "parts": {part: statistics.median(one["parts"][part] for one in done) for part in done[0]["parts"]},
                    "files_per_s": files / seconds,
                    "times_real_time": files * LENGTH_S / seconds,
                    "cpu_ms_per_file": 1e3 * statistics.median(one["cpu_s"] for one in done) / files,
                    "gpu_bytes": max(one["gpu_bytes"] for one in done),
                    "largest_score_difference": float(differ),
                    "score_spread": float(np.ptp(done[-1]["scores"])),
                }
            )
    return rows


def time_parts(folder: Path, repeats: int) -> list[dict]:
    """Time each step of the naive way and of the workflow's by itself, on one thread.

    Returns
    -------
    One row per step: ``step, naive_ms, workflow_ms`` per file, medians of passes taken in turns, and their ``ratio``.
    """
    torch.set_num_threads(1)
    paths = sorted((folder / "wav-48000").iterdir())[:96]
    stored = [decoding.read_samples(path)[0] for path in paths]
    decoded = [decoding.to_float_mono(samples) for samples in stored]
    heard = [resampling.to_working_rate(samples, 48000, RATE) for samples in stored]
    stacked = torch.from_numpy(np.stack(heard))
    front_end, network = LogMel(RATE, **LOGMEL).eval(), reference_pipelines.detector()
    folded = inference.fold_batch_norm(network)
    with torch.inference_mode():
        pictures = front_end(stacked).contiguous()
    features = pictures.half().numpy()

    def naive_mel(samples: np.ndarray) -> None:
        librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=RATE, fmin=50, fmax=12000, **MEL))

    def in_batches(function: Callable, items: torch.Tensor) -> None:
        for start in range(0, len(items), 32):
            function(items[start : start + 32])

    def write() -> None:
        np.save(folder / "written.npy", features)

    steps: dict[str, tuple[Callable | None, Callable]] = {
        "decode": (
            lambda: [soundfile.read(path, dtype="float32") for path in paths],
            lambda: [decoding.read_samples(path) for path in paths],
        ),
        "resample 48 to 24 kHz": (
            lambda: [librosa.resample(samples, orig_sr=48000, target_sr=RATE) for samples in decoded],
            lambda: [resampling.to_working_rate(samples, 48000, RATE) for samples in stored],
        ),
        "log-mel": (
            lambda: [naive_mel(samples) for samples in heard],
            lambda: in_batches(lambda batch: front_end(batch).half().contiguous(), stacked),
        ),
        "network": (
            lambda: [network(picture[None]) for picture in pictures],
            lambda: in_batches(folded, pictures),
        ),
        "write features": (None, write),
    }
    rows = []
    with torch.inference_mode():
        for step, ways in steps.items():
            times: list[list[float]] = [[], []]
            for _ in range(repeats + 1):
                for taken, way in zip(times, ways, strict=True):
                    started = time.perf_counter()
                    if way:
                        way()
                    taken.append(time.perf_counter() - started)
            naive, ours = (1e3 * statistics.median(taken[1:]) / len(paths) for taken in times)
            rows.append({"step": step, "naive_ms": naive if ways[0] else 0.0, "workflow_ms": ours})
    return rows


def as_markdown(result: dict) -> str:
    """The result as tables."""
    lines = [
        "# Benchmark",
        "",
        f"{result['files']} files of {LENGTH_S:g} s, {result['cores']} cores, device {result['device']}, "
        f"{result['machine']}. `times naive` is the median of ratios within one turn, against the naive loop at its "
        "better thread setting; absolute figures belong to the machine and its other load.",
        "",
        "| files | page cache | way | times naive | files/s | x real time | CPU ms/file | scores differ by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['format']} {row['rate'] // 1000} kHz | {row['cache']} | {row['rival']} | {row['ratio']:.2f} | "
        f"{row['files_per_s']:.0f} | {row['times_real_time']:.0f} | {row['cpu_ms_per_file']:.2f} | "
        f"{row['largest_score_difference']:.4f} |"
        for row in result["pipelines"]
    ]
    ours = next(row for row in result["pipelines"] if row["parts"])  # under the first condition
    per_minute = 60 * result["files"] / ours["parts"]["scoring"]
    lines += ["", f"From cached features alone, this workflow scores {per_minute:,.0f} windows a minute."]
    lines += ["", "| step, one thread | naive ms/file | workflow ms/file | times |", "|---|---|---|---|"]
    lines += [
        f"| {row['step']} | {row['naive_ms']:.2f} | {row['workflow_ms']:.2f} | "
        + (f"{row['naive_ms'] / row['workflow_ms']:.1f} |" if row["naive_ms"] else "- |")
        for row in result["steps"]
    ]
    lines += ["", "| way | peak memory, MB | GPU memory, MB |", "|---|---|---|"]
    gpu = {row["rival"]: row["gpu_bytes"] for row in result["pipelines"]}
    lines += [f"| {way} | {peak / 1e6:.0f} | {gpu[way] / 1e6:.0f} |" for way, peak in result["peak_bytes"].items()]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark and write its results; see the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write; the recordings made are kept there too")
    parser.add_argument("--files", type=int, default=1600, help="of each kind; few are over too soon")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="to use")
    parser.add_argument("--gpu", action="store_true", help="run networks and front ends on CUDA")
    options = parser.parse_args(arguments)
    device = "cuda" if options.gpu else "cpu"
    process_context.prepend_pythonpath(Path(__file__).parents[2])
    sounds = options.folder.resolve() / f"recordings-{options.files}"
    if not sounds.exists():
        make_recordings(sounds, options.files)
    trial = options.folder.resolve() / "trial"
    if not trial.exists():
        make_recordings(trial, 64)
    naive, threads = fastest_naive(trial / "wav-48000", sorted({1, options.cores}), device)
    rivals = {
        f"naive, {threads} thread{'s' * (threads > 1)}": naive,
        "torchaudio and DataLoader": Rival("dataloader", options.cores, options.cores, device),
        **(
            {"OpenSoundscape": Rival("opensoundscape", options.cores, options.cores, device)}
            if importlib.util.find_spec("opensoundscape")
            else {}
        ),
        "this workflow": Rival("workflow", options.cores, options.cores, device),
    }
    try:
        pipelines = compare(sounds, rivals, options.repeats)
        peaks = {name: rival.peak_bytes(sounds / "wav-48000") for name, rival in rivals.items()}
    finally:
        for rival in rivals.values():
            rival.end()
    result = {
        "files": options.files,
        "cores": options.cores,
        "device": torch.cuda.get_device_name() if options.gpu else "cpu",
        "machine": f"{platform.machine()}, {platform.system()}",
        "versions": provenance.collect_versions(device),
        "pipelines": pipelines,
        "steps": time_parts(sounds, options.repeats),
        "peak_bytes": peaks,
    }
    tables.write_json(result, options.folder / "bench.json")
    write_text(as_markdown(result), options.folder / "bench.md")
    print(as_markdown(result))


def _forget(folder: Path) -> None:
    """Drop the files of a folder from the page cache."""
    for path in folder.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0


if __name__ == "__main__":
    main()
