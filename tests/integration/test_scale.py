"""A season of recordings goes through with bounded memory, and every file is accounted for."""

import json
import os
from itertools import cycle

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import SMALL, Project, add_recordings

pytestmark = pytest.mark.slow
FILES = int(os.environ.get("HARDNEG_SCALE_FILES", "20000"))  # make scale: 200,000
NIGHTS = 500
BAD = 0.01
RATE, SAMPLES = 16000, 1600
MOST_MIB = 2048


def wav(samples: np.ndarray) -> bytes:
    """A mono 16-bit WAV file."""
    data = samples.astype("<i2").tobytes()
    fields = np.array([16, 1 | 1 << 16, RATE, 2 * RATE, 2 | 16 << 16], "<u4").tobytes()
    sizes = np.array([36 + len(data), len(data)], "<u4")
    return b"RIFF" + sizes[:1].tobytes() + b"WAVEfmt " + fields + b"data" + sizes[1:].tobytes() + data


def test_a_season_runs_in_bounded_memory_and_accounts_for_every_file(tmp_path):
    project = Project(tmp_path / "hardneg")
    add_recordings(project, 200, 20, seed=9)
    rng = np.random.default_rng(9)
    nights = [
        f"m{recorder:02d}/2027{1 + night // 25:02d}{1 + night % 25:02d}"
        for recorder in range(10)
        for night in range(50)
    ]
    bad = cycle([b"", wav(np.zeros(0)), b"not audio", wav(np.ones(SAMPLES))[:200], None])
    rows = []
    for night in nights:
        project.path(f"data/audio/{night}").mkdir(parents=True)
        for number in range(FILES // NIGHTS):
            content = next(bad) if rng.random() < BAD else wav(rng.normal(0, 3000, SAMPLES))
            name = f"{night}/{night[-8:]}_{number // 60:02d}{number % 60:02d}00.WAV"
            if content is not None:
                project.path(f"data/audio/{name}").write_bytes(content)
            rows.append({"file_path": name, "label": "negative", "split": "pool", "recorder_id": night[:3]})
    manifest = pd.read_csv(project.path("data/manifest.csv"), dtype=str, keep_default_na=False)
    manifest = pd.concat([manifest, pd.DataFrame(rows)]).fillna("")
    manifest.to_csv(project.path("data/manifest.csv"), index=False)
    config = SMALL | {
        "files_per_shard": 10_000,
        "min_duration_s": 0.05,
        "windows": {"length_s": 0.5, "hop_s": 0.5, "sample_rate": RATE},
    }
    project.path("season.yaml").write_text(yaml.safe_dump(config))
    project.snakemake(
        "results/inputs/recordings.parquet", "results/mining/trained/scores.parquet", config="season.yaml"
    )
    used, rejected = project.table("results/inputs/recordings.parquet"), project.table("results/inputs/rejected.csv")
    assert len(used) + len(rejected) == len(manifest)
    assert set(rejected.reason.str.split(":").str[0]) == {
        "empty", "zero samples", "unreadable", "missing", "too short",
    }  # fmt: skip
    assert 0.5 * BAD < len(rejected) / FILES < 1.5 * BAD
    assert sorted(project.table("results/mining/trained/scores.parquet").file_path) == sorted(
        used.file_path[used.split == "pool"]
    )
    peaks = {
        path.relative_to(project.path("results/benchmarks")).as_posix(): json.loads(line)["max_rss"]
        for path in project.path("results/benchmarks").rglob("*.jsonl")
        for line in path.read_text().splitlines()
    }
    print(f"\n{FILES} files, MiB by job: {peaks}")
    assert max(float(peak) for peak in peaks.values() if peak not in (None, "NA")) < MOST_MIB
