"""Time jobs with the package's own code and with the library's.

``python -m hardneg.benchmarks.own_code results/bench`` writes ``own_code.md``.

For each piece that :mod:`hardneg.common.library_switch` names, jobs run in new processes, imports included, once with
the own code and once with the library's, in random order. The table states CPU seconds and the ratio within each pair.

- ``cnn``: training and evaluation of the default network on log-mel windows, as many as in the default run.
- ``head``: training and evaluation of a head on embeddings, as many as in the study.
- ``mining``: features and scores of recordings at 48 kHz, 16 bit, 3 s each, in two processes.
"""

import argparse
import itertools
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from hardneg.common.files import write_text
from hardneg.common.library_switch import VARIABLE

JOBS = {
    "cnn": ("adamw", "average_precision", "dropout"),
    "head": ("adamw", "average_precision", "dropout"),
    "mining": ("log_mel",),
}
# Files by split. The default run trains on some 430 windows for 15 epochs; the study on some 7,000 for 50.
CNN_FILES = {"train": 430, "val": 90, "test_iid": 90, "test_ood": 120, "pool": 40}
CNN_EPOCHS, HEAD_EPOCHS = 15, 50
RATE, LENGTH_S, DISTINCT_RECORDINGS = 48000, 3, 500


def run_job(job: str, folder: Path, files: int) -> None:
    """Run one job in this process."""
    from hardneg.benchmarks import matrix_timing, reference_pipelines

    if job == "mining":
        recordings = sorted((folder / "recordings").iterdir())
        paths = list(itertools.islice(itertools.cycle(recordings), files))
        reference_pipelines.run_workflow(paths, reference_pipelines.build_detector(), "cpu", processes=2)
        return
    with tempfile.TemporaryDirectory(dir=folder) as runs:
        for path in (folder / job).iterdir():
            Path(runs, path.name).symlink_to(path)
        epochs = CNN_EPOCHS if job == "cnn" else HEAD_EPOCHS
        training = replace(matrix_timing.TRAINING, model=job, epochs=epochs)
        matrix_timing.train(Path(runs), "cpu", training, seed=1)
        matrix_timing.score(Path(runs), "cpu", seeds=[1])
        matrix_timing.measure(Path(runs), seeds=[1])


def make_inputs(folder: Path) -> None:
    """Write simulated features for both networks, and recordings."""
    from hardneg.benchmarks import matrix_timing

    for job in ("cnn", "head"):
        (folder / job).mkdir(parents=True)
        files = CNN_FILES if job == "cnn" else matrix_timing.FILES
        matrix_timing.simulate_features(folder / job, matrix_timing.SHAPES[job], files=files)
    write_recordings(folder / "recordings")


def write_recordings(folder: Path) -> None:
    """Write :data:`DISTINCT_RECORDINGS` files of noise with a tone."""
    import soundfile

    folder.mkdir()
    rng = np.random.default_rng(1)
    time_s = np.arange(LENGTH_S * RATE) / RATE
    for number in range(DISTINCT_RECORDINGS):
        noise = 0.02 * rng.standard_normal(len(time_s))
        tone = 0.1 * np.sin(2 * np.pi * rng.uniform(300, 4000) * time_s)
        soundfile.write(folder / f"{number:05d}.wav", noise + tone, RATE, subtype="PCM_16")


def measure_cpu_s(job: str, folder: Path, files: int, library: str) -> float:
    """Run one job in a new process; return its CPU seconds, children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {VARIABLE: library, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "hardneg.benchmarks.own_code", str(folder)]
    subprocess.run([*command, "--job", job, "--files", str(files)], env=environment, check=True)  # noqa: S603, ours
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(folder: Path, files: int, repeats: int) -> str:
    """Time every job with and without each piece that matters to it; return a Markdown table."""
    lines = ["| job | piece | own code, CPU s | library, CPU s | ratio (range) |", "|---|---|---|---|---|"]
    for job, pieces in JOBS.items():
        measure_cpu_s(job, folder, files, "")  # compiles, and fills the page cache
        for piece in pieces:
            seconds: dict[str, list[float]] = {"": [], piece: []}
            for _ in range(repeats):
                for library in random.sample(list(seconds), 2):
                    seconds[library].append(measure_cpu_s(job, folder, files, library))
            ratios = [theirs / ours for ours, theirs in zip(seconds[""], seconds[piece], strict=True)]
            own, library_s = (statistics.median(values) for values in seconds.values())
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            lines.append(
                f"| {job} | {piece} | {own:.2f} | {library_s:.2f} | {statistics.median(ratios):.2f} ({spread}) |"
            )
            print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark, or one of its jobs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--files", type=int, default=16000, help="recordings to mine")
    parser.add_argument("--repeats", type=int, default=5, help="pairs of each")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.job:
        run_job(options.job, options.folder, options.files)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        make_inputs(Path(folder))
        write_text(compare(Path(folder), options.files, options.repeats), options.folder / "own_code.md")


if __name__ == "__main__":
    main()
