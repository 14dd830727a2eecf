"""Time the workflow's pipeline from recordings to scores against others, on the same files and in turns.

``python -m hardneg.benchmarks.pipeline_timing results/bench`` writes ``bench.json`` and ``bench.md``. OpenSoundscape is
included if it is installed. Its spectrograms differ, so its scores are not comparable with the others.
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
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile
import torch

from hardneg.benchmarks.reference_pipelines import LENGTH_S, PassResult
from hardneg.benchmarks.step_timing import time_steps
from hardneg.common import process_context, provenance, tables
from hardneg.common.files import write_text

# Format, sampling rate (Hz) and state of the page cache.
CONDITIONS = [("wav", 48000, "warm"), ("wav", 48000, "cold"), ("flac", 48000, "warm"), ("wav", 24000, "warm")]
STEPS_KIND = ("wav", 48000)  # of the files by which single steps and memory are measured
WORKFLOW = "this workflow"
POLL_S = 0.05


def make_recordings(folder: Path, files: int, kinds: Sequence[tuple[str, int]], seed: int = 1) -> None:
    """Write noise with tones, 16 bit mono, of :data:`LENGTH_S` each, unless the folder has them.

    Parameters
    ----------
    kinds : formats (``wav`` or ``flac``) and sampling rates (Hz). Files of one rate have the same samples.
    """
    kinds = [(extension, rate) for extension, rate in kinds if not (folder / f"{extension}-{rate}").exists()]
    for extension, rate in kinds:
        (folder / f"{extension}-{rate}").mkdir(parents=True)
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_make_recording, folder, kinds, seed), range(files), chunksize=16))


def _make_recording(folder: Path, kinds: Sequence[tuple[str, int]], seed: int, number: int) -> None:
    for rate in {rate for _, rate in kinds}:
        rng = np.random.default_rng([seed, rate, number])
        time_s = np.arange(round(LENGTH_S * rate)) / rate
        noise = np.cumsum(rng.standard_normal(len(time_s))) * 2e-4 + 0.01 * rng.standard_normal(len(time_s))
        samples = (noise + 0.1 * np.sin(2 * np.pi * rng.uniform(300, 4000) * time_s)).clip(-1, 1)
        for extension in (extension for extension, own_rate in kinds if own_rate == rate):
            soundfile.write(folder / f"{extension}-{rate}" / f"{number:05d}.{extension}", samples, rate, "PCM_16")


class PipelineProcess:
    """A process that runs one of :mod:`hardneg.benchmarks.reference_pipelines`, a pass at a time."""

    def __init__(self, pipeline: str, threads: int, processes: int, device: str):
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": str(threads),
            "HARDNEG_BENCH_DEVICE": device,
        }
        module = "hardneg.benchmarks.reference_pipelines"
        self.name = pipeline
        self.process = subprocess.Popen(  # noqa: S603 # our own module
            [sys.executable, "-W", "ignore", "-m", module, pipeline, str(threads), str(processes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout

    def run(self, folder: Path) -> PassResult:
        """Run one pass over the files of a folder."""
        print(folder, file=self._stdin, flush=True)
        answer = self._stdout.readline()
        if not answer:
            raise RuntimeError(f"pipeline {self.name} ended with exit code {self.process.wait()}: see its error above.")
        return PassResult(**json.loads(answer))

    def measure_peak_bytes(self, folder: Path) -> int:
        """Measure the peak memory of a pass over all processes. Shared memory counts once (Linux PSS)."""
        peak, ended = 0, threading.Event()

        def watch() -> None:
            nonlocal peak
            root = psutil.Process(self.process.pid)
            while not ended.wait(POLL_S):
                peak = max(peak, sum(_read_pss(process) for process in [root, *root.children(recursive=True)]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        self.run(folder)
        ended.set()
        watcher.join()
        return peak

    def end(self) -> None:
        """End the process."""
        self._stdin.close()
        self.process.wait()


def start_fastest_naive(folder: Path, thread_counts: Sequence[int], device: str) -> tuple[PipelineProcess, int]:
    """Start the naive pipeline with each number of threads, and keep the fastest by the median of three passes."""
    started = [PipelineProcess("naive", threads, 1, device) for threads in thread_counts]
    seconds = [[pipeline.run(folder).seconds for pipeline in started] for _ in range(4)]
    fastest = int(np.argmin(np.median(seconds[1:], axis=0)))  # the first pass warms up
    for pipeline in started[:fastest] + started[fastest + 1 :]:
        pipeline.end()
    return started[fastest], thread_counts[fastest]


def compare(
    folder: Path, pipelines: Mapping[str, PipelineProcess], conditions: Sequence[tuple[str, int, str]], repeats: int
) -> list[dict[str, Any]]:
    """Run all pipelines in turns under each condition.

    Parameters
    ----------
    folder : from :func:`make_recordings`.
    pipelines : by name; the others are compared with the first.
    conditions : see :data:`CONDITIONS`.
    repeats : passes that count. One more pass warms up.

    Returns
    -------
    One row per condition and pipeline: ``format, rate, cache``, ``rival`` (the pipeline), ``seconds`` (median),
    ``ratio`` (how many times faster than the first pipeline, median over turns), ``parts`` (median seconds of each part
    that the pipeline times), ``files_per_s, times_real_time, cpu_ms_per_file, gpu_bytes`` and
    ``largest_score_difference, score_spread``.
    """
    rows = []
    for extension, rate, cache in conditions:
        recordings = folder / f"{extension}-{rate}"
        passes: dict[str, list[PassResult]] = {name: [] for name in pipelines}
        for _ in range(repeats + 1):
            for name, pipeline in pipelines.items():
                if cache == "cold":
                    _drop_from_page_cache(recordings)
                passes[name].append(pipeline.run(recordings))
        counted = {name: _without_warm_up(results) for name, results in passes.items()}
        naive = counted[next(iter(pipelines))]
        files = len(list(recordings.iterdir()))
        for name, results in counted.items():
            condition = {"format": extension, "rate": rate, "cache": cache, "rival": name}
            rows.append(condition | _summarize(results, naive, files))
    return rows


def format_markdown(result: Mapping[str, Any]) -> str:
    """Format the result as Markdown tables."""
    lines = [
        "# Benchmark",
        "",
        f"{result['files']} files of {LENGTH_S:g} s, {result['cores']} cores, device {result['device']}, "
        f"{result['machine']}. `times first` is the median of the ratios within one turn: how many times faster a "
        "pipeline is than the first. The naive loop has its faster number of threads. Absolute figures depend on the "
        "machine and its other load.",
        "",
        "| files | page cache | pipeline | times first | files/s | x real time | CPU ms/file | scores differ by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['format']} {row['rate'] // 1000} kHz | {row['cache']} | {row['rival']} | {row['ratio']:.2f} | "
        f"{row['files_per_s']:.0f} | {row['times_real_time']:.0f} | {row['cpu_ms_per_file']:.2f} | "
        f"{row['largest_score_difference']:.4f} |"
        for row in result["pipelines"]
    ]
    first_condition = next(row for row in result["pipelines"] if row["rival"] == WORKFLOW)
    per_minute = 60 * result["files"] / first_condition["parts"]["scoring"]
    lines += ["", f"From cached features alone, this workflow scores {per_minute:,.0f} windows a minute."]
    lines += ["", "| step, one thread | naive ms/file | workflow ms/file | times |", "|---|---|---|---|"]
    lines += [
        f"| {row['step']} | {row['naive_ms']:.2f} | {row['workflow_ms']:.2f} | "
        + (f"{row['naive_ms'] / row['workflow_ms']:.1f} |" if row["naive_ms"] else "- |")
        for row in result["steps"]
    ]
    lines += ["", "| pipeline | peak memory, MB | GPU memory, MB |", "|---|---|---|"]
    gpu = {row["rival"]: row["gpu_bytes"] for row in result["pipelines"]}
    lines += [f"| {name} | {peak / 1e6:.0f} | {gpu[name] / 1e6:.0f} |" for name, peak in result["peak_bytes"].items()]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and write its results."""
    parser = argparse.ArgumentParser(
        prog="python -m hardneg.benchmarks.pipeline_timing", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="where to write; the recordings are kept there too")
    parser.add_argument("--files", type=int, default=1600, help="of each kind; a few files take too little time")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="to use")
    parser.add_argument("--gpu", action="store_true", help="run networks and front ends on CUDA")
    names = ["-".join(map(str, condition)) for condition in CONDITIONS]
    parser.add_argument("--conditions", nargs="+", choices=names, default=names, help="files, and state of the cache")
    parser.add_argument("--without-rivals", action="store_true", help="time only this workflow")
    options = parser.parse_args(arguments)
    device = "cuda" if options.gpu else "cpu"
    process_context.prepend_pythonpath(Path(__file__).parents[2])
    conditions = [CONDITIONS[names.index(name)] for name in options.conditions]
    kinds = sorted({(extension, rate) for extension, rate, _ in conditions} | {STEPS_KIND})
    recordings = options.folder.resolve() / f"recordings-{options.files}"
    make_recordings(recordings, options.files, kinds)
    trial = options.folder.resolve() / "trial"
    make_recordings(trial, 64, [STEPS_KIND])
    pipelines = {} if options.without_rivals else _start_rivals(trial, options.cores, device)
    pipelines[WORKFLOW] = PipelineProcess("workflow", options.cores, options.cores, device)
    try:
        rows = compare(recordings, pipelines, conditions, options.repeats)
        wav = recordings / "wav-48000"
        peaks = {name: pipeline.measure_peak_bytes(wav) for name, pipeline in pipelines.items()}
    finally:
        for pipeline in pipelines.values():
            pipeline.end()
    result = {
        "files": options.files,
        "cores": options.cores,
        "device": torch.cuda.get_device_name() if options.gpu else "cpu",
        "machine": f"{platform.machine()}, {platform.system()}",
        "versions": provenance.collect_versions(device),
        "pipelines": rows,
        "steps": [asdict(step) for step in time_steps(trial, options.repeats)],
        "peak_bytes": peaks,
    }
    tables.write_json(result, options.folder / "bench.json")
    write_text(format_markdown(result), options.folder / "bench.md")
    print(format_markdown(result))


def _start_rivals(trial: Path, cores: int, device: str) -> dict[str, PipelineProcess]:
    naive, threads = start_fastest_naive(trial / "wav-48000", sorted({1, cores}), device)
    rivals = {f"naive, {threads} thread{'s' * (threads > 1)}": naive}
    rivals["torchaudio and DataLoader"] = PipelineProcess("dataloader", cores, cores, device)
    if importlib.util.find_spec("opensoundscape"):
        rivals["OpenSoundscape"] = PipelineProcess("opensoundscape", cores, cores, device)
    return rivals


def _without_warm_up(passes: Sequence[PassResult]) -> list[PassResult]:
    """Drop the first pass, and replace the CPU time since the start of the process by that of each pass."""
    return [replace(result, cpu_s=result.cpu_s - previous.cpu_s) for previous, result in pairwise(passes)]


def _summarize(results: Sequence[PassResult], naive: Sequence[PassResult], files: int) -> dict[str, Any]:
    seconds = statistics.median(result.seconds for result in results)
    differences = np.abs(np.array(results[-1].scores) - np.array(naive[-1].scores))
    pairs = zip(naive, results, strict=True)
    return {
        "seconds": seconds,
        "ratio": statistics.median(base.seconds / result.seconds for base, result in pairs),
        "parts": {part: statistics.median(result.parts[part] for result in results) for part in results[0].parts},
        "files_per_s": files / seconds,
        "times_real_time": files * LENGTH_S / seconds,
        "cpu_ms_per_file": 1e3 * statistics.median(result.cpu_s for result in results) / files,
        "gpu_bytes": max(result.gpu_bytes for result in results),
        "largest_score_difference": float(differences.max()),
        "score_spread": float(np.ptp(results[-1].scores)),
    }


def _drop_from_page_cache(folder: Path) -> None:
    for path in folder.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


if __name__ == "__main__":
    main()
