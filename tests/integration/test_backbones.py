"""A network brought as a file, through the whole chain, exported, and used on raw audio."""

import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import yaml
from conftest import SMALL, Project, add_recordings
from onnx import TensorProto, helper

from hardneg.common import tables
from hardneg.features import store
from hardneg.recordings import detection_tables

pytestmark = pytest.mark.slow

SAMPLES, PARTS = 24000, 48


def write_network(path, floor=1e-6):
    """An ONNX network that gives the logarithm of the energy of each of 48 parts of a window."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [3], [-1, PARTS, SAMPLES // PARTS])
    last = helper.make_tensor("last", TensorProto.INT64, [1], [2])
    least = helper.make_tensor("least", TensorProto.FLOAT, [], [floor])
    nodes = [
        helper.make_node("Reshape", ["heard", "shape"], ["parts"]),
        helper.make_node("Mul", ["parts", "parts"], ["squared"]),
        helper.make_node("ReduceMean", ["squared"], ["energy"], axes=[2], keepdims=0),
        helper.make_node("Add", ["energy", "least"], ["raised"]),
        helper.make_node("Log", ["raised"], ["embedding"]),
    ]
    heard = helper.make_tensor_value_info("heard", TensorProto.FLOAT, ["n", SAMPLES])
    made = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", PARTS])
    graph = helper.make_graph(nodes, "energies", [heard], [made], [shape, last, least])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"sample_rate": "16000", "sample_duration": "1.5"})
    onnx.save(model, path)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A small project with heads on an ONNX network, run to the end and exported."""
    project = Project(tmp_path_factory.mktemp("backbones") / "hardneg")
    add_recordings(project, 240, 160, seed=3)
    write_network(project.path("network.onnx"))
    config = SMALL | {
        "files_per_shard": 1000,
        "positive_subsets": {"base": SMALL["positive_subsets"]["base"]},
        "features": {"kind": "onnx", "path": "network.onnx"},
        "matrix": {"positive_subset": ["base"], "negative_tier": ["none", "hard"], "seed": [1, 2]},
        "training": {"model": "head", "hidden_units": 8, "epochs": 4, "balance": "none", "upsampling": "linear"},
        "evaluation": {"threshold": {"rule": "precision", "value": 0.9}},
        "export": {"run": {"negative_tier": "hard", "seed": 2}, "label": "Rana draytonii_Red-legged Frog"},
    }
    project.path("onnx.yaml").write_text(yaml.safe_dump(config))
    project.snakemake("all", "export", config="onnx.yaml")
    run = "results/runs/positive_subset~base/negative_tier~hard/validation~holdout/seed~2"
    return project, project.path("results/export"), project.path(run)


def test_heads_on_a_users_network_run_through_the_whole_workflow(exported):
    project, _, _ = exported
    runs = project.table("results/runs.csv")
    assert len(runs) == 4 * 2 * 2 and runs.auroc.notna().all()
    index = project.table("results/features/onnx/labelled.parquet")
    assert store.load(index.assign(array=index.array.map(project.path))).shape == (len(index), PARTS)
    assert project.plan("onnx.yaml") == {}


def test_a_changed_network_computes_the_features_again(exported):
    project, _, _ = exported
    path = project.path("network.onnx")
    content = path.read_bytes()
    try:
        path.write_bytes(content + b"")
        assert project.plan("onnx.yaml") == {}
        write_network(path)
        onnx.save(helper.make_model(onnx.load(path).graph, producer_name="another", ir_version=8), path)
        shards = list(project.path("results/features/onnx").glob("*.npy"))
        assert project.plan("onnx.yaml")["extract_features"] == len(shards)
    finally:
        path.write_bytes(content)


def test_changed_features_train_detectors_again_even_after_an_interruption(exported):
    """The arrays are no inputs of a training: it is the index that must tell that they are others."""
    project, _, _ = exported
    path, index = project.path("network.onnx"), "results/features/onnx/labelled.parquet"
    content = path.read_bytes()
    try:
        write_network(path, floor=0.1)
        project.snakemake(index, config="onnx.yaml")
        planned = project.plan("onnx.yaml")
        assert planned["train_mining_model"] == 1 and planned["train"] == 4 and planned["evaluate"] == 2
    finally:
        path.write_bytes(content)
        project.snakemake(index, config="onnx.yaml")
    assert project.plan("onnx.yaml") == {}


def measured(project):
    """The metrics of the exported run on each split."""
    runs = project.table("results/runs.csv")
    return runs[(runs.negative_tier == "hard") & (runs.seed == 2)].set_index("split")


def predict(project, *arguments):
    command = [sys.executable, "-m", "hardneg", "predict", *map(str, arguments)]
    environment = {"PYTHONPATH": str(project.path("workflow/scripts")), "PATH": ""}
    return subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)


def test_the_exported_model_gives_the_trainings_scores_on_raw_audio(exported, tmp_path):
    project, export, run = exported
    completed = predict(project, export, "data/audio", "--output", tmp_path, "--threads", 1)
    assert completed.returncode == 0, completed.stderr
    ours = tables.read(tmp_path / "scores.csv").assign(file_path=lambda t: t.file_path.str.removeprefix("data/audio/"))
    theirs = tables.read(run / "scores.parquet")
    tests = theirs[theirs.split != "val"].merge(ours, on="file_path", suffixes=("", "_exported"), validate="1:1")
    assert len(tests) == (theirs.split != "val").sum() > 20
    np.testing.assert_allclose(tests.confidence_exported, tests.confidence, atol=1e-6)
    np.testing.assert_array_equal(tests.start_s_exported, tests.start_s)

    threshold = measured(project).threshold.iloc[0]
    assert ours.flagged.tolist() == (ours.confidence >= threshold).tolist() and 0 < ours.flagged.sum() < len(ours)
    flagged = ours[ours.flagged].file_path.iloc[0]
    stem = str(tmp_path / flagged).removesuffix(".WAV")
    for suffix in (detection_tables.CSV_SUFFIX, detection_tables.RAVEN_SUFFIX):
        detections = detection_tables.read_detections(stem + suffix)
        assert (
            set(detections.file_path) == {f"data/audio/{flagged}"} and (detections.confidence >= threshold - 1e-4).all()
        )
        assert set(detections.common_name) == {"Red-legged Frog"}


def test_the_exported_onnx_gives_the_same_confidences(exported):
    project, export, run = exported
    index = project.table("results/features/onnx/labelled.parquet")
    index = index.assign(array=index.array.map(project.path))
    session = onnxruntime.InferenceSession(str(export / "model.onnx"))
    (confidence,) = session.run(["confidence"], {"features": store.load(index).astype(np.float32)})
    scored = index.assign(confidence=confidence).groupby("file_path").confidence.max()
    theirs = pd.read_parquet(run / "scores.parquet").set_index("file_path")
    theirs = theirs[~theirs.split.isin(("test_pool", "mined"))].confidence
    np.testing.assert_allclose(scored[theirs.index], theirs, atol=1e-5)


def test_the_model_card_describes_the_model_and_its_metrics(exported):
    project, export, _ = exported
    card = (export / "README.md").read_text().replace("\\", "")  # without Markdown's escapes
    metrics = measured(project)
    assert f"{metrics.threshold.iloc[0]:.4f}" in card and "negative_tier hard" in card
    assert f"{metrics.average_precision['test_ood']:.3f}" in card
    assert (export / "labels.txt").read_text() == "Rana draytonii_Red-legged Frog\n"


def test_another_backbone_than_the_trained_one_is_refused(exported, tmp_path):
    project, export, _ = exported
    other = tmp_path / "other.onnx"
    other.write_bytes(project.path("network.onnx").read_bytes() + b"\x00")
    completed = predict(project, export, "data/audio", "--backbone", other, "--output", tmp_path)
    assert completed.returncode == 1 and "give the file that it was trained on" in completed.stderr
    assert "Traceback" not in completed.stderr


def write_detections(project):
    """BirdNET's tables of the first five files of the pool, which are given."""
    table = project.table("results/inputs/pool.parquet")
    pool = table.file_path[table.split == "pool"].sort_values().tolist()
    for position, path in enumerate(pool[:5]):
        detections = pd.DataFrame(
            {"file_path": f"/field/{path}", "start_s": [0.0], "end_s": 3.0, "confidence": 0.95 - position / 10}
        )
        detection_tables.write_detections(
            detections, "Rana draytonii_Red-legged Frog", 8000, project.path(f"birdnet/{position}")
        )
    return pool


def test_tables_of_birdnet_mine_the_pool_and_windows_without_a_detection_score_zero(exported):
    project, _, _ = exported
    pool = write_detections(project)
    config = yaml.safe_load(project.path("onnx.yaml").read_text())
    config["mining"] |= {"model": "birdnet", "label": "Red-legged Frog"}
    project.path("detections.yaml").write_text(yaml.safe_dump(config))
    project.snakemake("results/mining/birdnet/scores.parquet", config="detections.yaml")
    scores = project.table("results/mining/birdnet/scores.parquet")
    assert list(scores.file_path[:5]) == pool[:5] and len(scores) == len(pool)
    np.testing.assert_allclose(scores.confidence[:5], [0.95, 0.85, 0.75, 0.65, 0.55])
    assert (scores.confidence[5:] == 0).all()


@pytest.fixture(scope="module")
def several(exported, tmp_path_factory):
    """A copy of that project whose pool is mined by its own model and by BirdNET's tables."""
    project = Project(tmp_path_factory.mktemp("several") / "hardneg")
    shutil.copytree(exported[0].folder, project.folder, dirs_exist_ok=True)
    pool = write_detections(project)
    config = yaml.safe_load(project.path("onnx.yaml").read_text())
    config["mining"] |= {"model": ["train", {"name": "theirs", "model": "birdnet", "label": "Red-legged Frog"}]}
    config["negative_tiers"] |= {"theirs": {"min_confidence": 0.6, "ranked_by": "theirs"}}
    project.path("several.yaml").write_text(yaml.safe_dump(config))
    project.snakemake("all", "results/tiers/theirs.csv", config="several.yaml")
    return project, pool


def test_tiers_use_the_mean_of_several_mining_models_or_one_of_them(several):
    project, pool = several
    scores = project.table("results/mining/scores.parquet").set_index("file_path")
    models = [project.table(f"results/mining/{name}/scores.parquet") for name in ("trained", "theirs")]
    ours, theirs = (model.set_index("file_path").confidence[scores.index] for model in models)
    np.testing.assert_allclose(scores.confidence, (ours + theirs) / 2)  # recordings of one window
    np.testing.assert_array_equal(scores.confidence_trained, ours)
    assert project.table("results/tiers/theirs.csv").file_path.tolist() == pool[:4]
    assert set(project.table("results/tiers/hard.csv").file_path) == set(scores.index[: round(0.3 * len(pool))])
    page = project.path("results/report.html").read_text()
    assert "Do the mining models agree?" in page and "trained and theirs" in page
    assert project.plan("several.yaml") == {}


def test_a_tier_cut_by_another_model_reruns_alone(several):
    project, _ = several
    config = yaml.safe_load(project.path("several.yaml").read_text())
    config["negative_tiers"]["hard"]["ranked_by"] = "minimum"
    project.path("changed.yaml").write_text(yaml.safe_dump(config))
    summaries = {
        "collect_runs",
        "compare",
        "compare_effects",
        "compare_confusers",
        "measure_memorization",
        "tabulate_nights",
        "draw_figures",
        "write_report",
    }
    plan = project.plan("changed.yaml")
    assert plan == {"assign_tier": 1, "train": 2, "evaluate": 1} | dict.fromkeys(summaries, 1)
