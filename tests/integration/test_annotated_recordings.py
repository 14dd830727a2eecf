"""Long recordings with annotated calls, from the manifest to the report."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from conftest import SMALL, Project, add_recordings

pytestmark = pytest.mark.slow

CLIP_S, CLIPS = 1.5, 4


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project whose labeled clips are joined into recordings of four, each with the calls that are in it."""
    project = Project(tmp_path_factory.mktemp("annotated") / "hardneg")
    add_recordings(project, 360, 120, seed=5)
    manifest = pd.read_csv(project.path("data/manifest.csv"), dtype=str, keep_default_na=False)
    rows = [row | {"start_s": "", "end_s": ""} for row in manifest[manifest.split == "pool"].to_dict("records")]
    labelled = manifest[manifest.split != "pool"]
    for recorder, unordered in labelled.groupby("recorder_id"):
        # Half of the negatives come first, so that some recordings have no call.
        negative = unordered[unordered.label == "negative"]
        silent = negative.head(len(negative) // 2 // CLIPS * CLIPS)
        clips = pd.concat([silent, unordered.drop(silent.index)])
        for first in range(0, len(clips) - len(clips) % CLIPS, CLIPS):
            part = clips.iloc[first : first + CLIPS].to_dict("records")
            sound = [soundfile.read(project.path("data/audio") / row["file_path"])[0] for row in part]
            path = f"long/{recorder}/{Path(part[0]['file_path']).stem}.flac"
            project.path(f"data/audio/long/{recorder}").mkdir(parents=True, exist_ok=True)
            soundfile.write(project.path("data/audio") / path, np.concatenate(sound), 16000)
            shared = {name: part[0][name] for name in ("recorder_id", "site", "split")} | {"file_path": path}
            calls = [number for number, row in enumerate(part) if row["label"] == "positive"]
            for number in calls:
                times = {"start_s": f"{number * CLIP_S + 0.1:g}", "end_s": f"{(number + 1) * CLIP_S - 0.1:g}"}
                rows.append(shared | times | {"label": "positive", "quality": part[number]["quality"]})
            if not calls:
                rows.append(shared | {"label": "negative", "start_s": "", "end_s": "", "quality": ""})
    table = pd.DataFrame(rows).fillna("")
    table["annotated"] = (table.split != "pool").map({True: "complete", False: ""})
    table.to_csv(project.path("data/manifest.csv"), index=False)
    matrix = {"positive_subset": ["base"], "negative_tier": ["none", "hard"], "seed": [1, 2]}
    config = SMALL | {"matrix": matrix, "splits": SMALL["splits"] | {"pool_test_fraction": 0.2}}
    project.path("annotated.yaml").write_text(yaml.safe_dump(config))
    project.snakemake(config="annotated.yaml")
    return project


def test_windows_without_a_call_of_a_recording_with_calls_are_trained_on_as_negatives(project):
    recordings = pd.read_parquet(project.path("results/inputs/labelled.parquet")).set_index("file_path")
    folder = "results/runs/positive_subset~base/negative_tier~none/validation~holdout/seed~1"
    windows = pd.read_parquet(project.path(f"{folder}/training_set.parquet"))
    of_calls = windows[windows.file_path.map(recordings.label) == "positive"]
    assert set(of_calls.label) == {0, 1}
    for path, part in of_calls.groupby("file_path"):
        starts = {
            round(float(text.split()[1].split("-")[0]) - 0.1, 3) for text in recordings.stretches[path].split("; ")
        }
        assert set(part.start_s[part.label == 1]) == starts
        assert len(part) == CLIPS


def test_single_calls_are_measured_in_the_tests(project):
    calls = project.table("results/calls.csv")
    recordings = pd.read_parquet(project.path("results/inputs/labelled.parquet"))
    tested = recordings[recordings.split.str.startswith("test")]
    listed = tested.stretches.str.split("; ").map(lambda texts: sum(map(bool, texts))).groupby(tested.split).sum()
    assert len(calls) == 2 * 2 * 2
    for split, part in calls.groupby("split"):
        assert set(part.calls) == set(part.positive_windows) == {listed[split]}
        assert set(part.windows) == {CLIPS * (tested.split == split).sum()}
    assert (calls.found_calls <= calls.calls).all() and calls.window_average_precision.between(0, 1).all()
    assert "Single calls" in project.path("results/report.html").read_text()


def test_another_rule_of_overlap_trains_again_and_extracts_nothing(project):
    config = yaml.safe_load(project.path("annotated.yaml").read_text()) | {"annotations": {"min_overlap": 0.9}}
    project.path("changed.yaml").write_text(yaml.safe_dump(config))
    plan = project.plan("changed.yaml")
    assert plan["merge_indexes"] == 1 and plan["train"] == 4 and "extract_features" not in plan


def test_a_moved_call_is_labelled_again(project):
    path = project.path("data/manifest.csv")
    before = path.read_text()
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    row = table.index[table.start_s == "0.1"][0]
    table.loc[row, ["start_s", "end_s"]] = ["4.6", "5.9"]
    table.to_csv(path, index=False)
    plan = project.plan("annotated.yaml")
    path.write_text(before)
    assert plan["merge_indexes"] >= 1 and plan["train"] == 4
