"""Copies of the project that tests run and change as a user would."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from paths import ROOT

from hardneg.features.logmel import LogMel
from hardneg.synthetic import dataset, sounds

PACKAGE = "workflow/scripts/hardneg/audio"


@cache
def _compile() -> None:
    """Compile the front end once; copies of the project reuse its cache."""
    LogMel(16000, 32, 50, 8000, 512, 0.02)(torch.zeros(1, 512))


class Project:
    """A copy of the project in a separate folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        _compile()
        cache = folder / PACKAGE / "__pycache__"
        cache.mkdir()
        for path in (ROOT / PACKAGE / "__pycache__").glob("*.nb?"):
            shutil.copy2(path, cache / path.name)

    def path(self, name: str) -> Path:
        return self.folder / name

    def table(self, name: str) -> pd.DataFrame:
        path = self.path(name)
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)

    def snakemake(self, *arguments: str, config: str | None = None, fails: bool = False, cores: int | None = 2) -> str:
        """Run Snakemake, check that it succeeds or `fails`, and return everything that it printed."""
        command = [sys.executable, "-m", "snakemake", *arguments]
        command += ["--cores", str(cores)] if cores else []
        command += ["--configfile", config] if config else []
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SNAKEMAKE")}
        completed = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        output = completed.stdout + completed.stderr
        assert (completed.returncode != 0) == fails, output[-6000:]
        return output

    def plan(self, config: str | None = None) -> dict[str, int]:
        """Count the jobs of each rule that a dry run plans; empty if there is nothing to do."""
        output = self.snakemake("--dry-run", config=config)
        if "Nothing to be done" in output:
            return {}
        table = output[output.rindex("Job stats:") :]
        counts = dict(re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE))
        return {rule: int(count) for rule, count in counts.items() if rule not in ("total", "main_job")}


SMALL = {
    "target": "RADR",
    "audio_root": "data/audio",
    "manifest": "data/manifest.csv",
    "files_per_shard": 60,
    "splits": {"ood_sites": ["reservoir"], "validation_fraction": 0.2, "iid_fraction": 0.2},
    "windows": {"length_s": 1.5, "hop_s": 1.5, "sample_rate": 16000},
    "features": {"n_mels": 32, "fmin": 50, "fmax": 8000, "n_fft": 512, "hop_s": 0.02},
    "mining": {"positive_subset": "base", "training": {"mixup": 0, "label_smoothing": 0}},
    "positive_subsets": {
        "base": {"quality": ["high", "medium"]},
        "half": {"quality": ["high", "medium"], "add": {"quality": ["low"], "top_fraction": 0.5}},
        "heard": {"quality": ["high", "medium"], "reviewed": True},
    },
    "negative_tiers": {
        "none": {},
        "hard": {"top_fraction": 0.3},
        "top": {"top_k": 20},
        "control": {"match_size_of": "top"},
        "clean": {"top_k": 20, "exclude": ["suspected_positive"], "per_cluster": 3, "per_night": 2},
    },
    "audit": {"folds": 2, "passes": 2, "training": {"epochs": 1}, "exclude_suspected": "always"},
    "review": {"candidates": 40, "top_hz": 4000},
    "matrix": {"positive_subset": ["base", "half"], "negative_tier": ["none", "hard", "control"], "seed": [1, 2]},
    "training": {"channels": [8, 16], "epochs": 2},
    "comparisons": [{"vary": "negative_tier", "baseline": "none"}],
}


# What runs in a page that takes names for markup sets window.hit; the paths, with a slash in some, are legal on disk.
HOSTILE = [
    "<img src=x onerror='window.hit=1'>", "</script><script>window.hit=1</script>", "quote\"s' and, comma", "two\nlines",
    "right\u202eto\u200fleft",
]  # fmt: skip


def name_badly(design: pd.DataFrame) -> pd.DataFrame:
    """Rename files, a site and its recorders in the pool to markup, line breaks and other hostile text."""
    pool = design.split == "pool"
    site = design.site.where(~pool | (design.site != "meadow"), '<b onmouseover="window.hit=1">meadow</b>\u202e')
    recorder = design.recorder_id.where(site == design.site, design.recorder_id + HOSTILE[1])
    names = pd.Series(
        [f"{HOSTILE[position % len(HOSTILE)]}.WAV" for position in range(len(design))], index=design.index
    )
    paths = site + "/" + recorder + "/" + design.file_path.str.extract(r"(\d{8}_\d{6})")[0] + names
    return design.assign(site=site, recorder_id=recorder, file_path=paths.where(pool, design.file_path))


def add_recordings(
    project: Project, labelled: int, pool: int, seed: int, only: str | None = None, hostile: bool = False
) -> None:
    """Generate recordings and add them to the project's manifest, as a user adds a season."""
    design = dataset.draw_design(labelled, pool, duration_s=1.5, sample_rate=16000, seed=seed)
    if hostile:
        design = name_badly(design)
    if only:
        design = design[design.split == only]
        stamps = design.file_path.str.extract(r"(\d{8}_\d{6})")[0].str.replace("2025", "2026")
        design = design.assign(file_path=design.recorder_id + "/" + stamps + ".WAV")
    sounds.render_recordings(design, project.path("data/audio"), workers=2)
    rows = dataset.extract_manifest(design)
    path = project.path("data/manifest.csv")
    old = [pd.read_csv(path, dtype=str, keep_default_na=False)] if path.exists() else []
    pd.concat([*old, rows]).to_csv(path, index=False)


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Project:
    """A small finished project. Its pool has hostile names, and one of its tiers is audited."""
    project = Project(tmp_path_factory.mktemp("small") / "hardneg")
    add_recordings(project, 240, 160, seed=3, hostile=True)
    tiers = SMALL["negative_tiers"] | {"hard": {"top_fraction": 0.3, "exclude": ["unusable"]}}
    project.path("small.yaml").write_text(yaml.safe_dump(SMALL | {"negative_tiers": tiers}))
    project.snakemake(config="small.yaml")
    return project


@pytest.fixture
def changed(small, tmp_path):
    """Write a changed configuration of the small project; pass a function that changes the mapping."""

    def write(change) -> str:
        config = yaml.safe_load(small.path("small.yaml").read_text())
        change(config)
        small.path("changed.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        return "changed.yaml"

    return write
