"""What a finished run leaves, on the small project, the default and real recordings."""

import json
import os
import re

import pandas as pd
import pytest
import yaml
from conftest import Project
from paths import ROOT, SHARED

from hardneg.audit import pool_audit
from hardneg.experiments import matrix
from hardneg.synthetic import dataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    """The default configuration, run to its end; also what it printed."""
    project = Project(tmp_path_factory.mktemp("default") / "hardneg")
    return project, project.snakemake()


def test_the_default_run_writes_its_results_and_prints_where_they_are(default):
    project, printed = default
    for name in ("runs.csv", "deltas.csv", "report.html"):
        assert project.path(f"results/{name}").stat().st_size > 500
    assert str(project.path("results/report.html")) in printed
    assert "negative_tier compared with none" in printed
    assert project.plan() == {}


def test_every_column_of_the_results_is_documented(default):
    chapters = re.findall(r"^## `(\S+)`$(.*?)(?=^##+ |\Z)", (ROOT / "docs/using/results.md").read_text(), re.M | re.S)
    made_elsewhere = ("calls.csv", "sites.csv")  # of annotated recordings, and of sites held out in turn
    chapters = [(name, text) for name, text in chapters if name not in made_elsewhere]
    assert len(chapters) == 16
    for name, text in chapters:
        rows = re.findall(r"^\| (`.*?) \|", text, re.M)
        documented = {column for row in rows for column in re.findall("`(.+?)`", row)}
        columns = set(default[0].table(f"results/{name}").columns)
        assert columns <= documented, name
        assert documented - columns <= {"positive_subset", "negative_tier", "validation"}, name


def test_the_default_matrix_is_complete(default):
    runs = default[0].table("results/runs.csv")
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    expected = matrix.expand(config["matrix"], config["leave_out"])
    axes = ["positive_subset", "negative_tier", "validation", "seed"]
    trained = runs[axes].astype(str).drop_duplicates()
    assert len(trained.merge(expected, on=axes)) == len(expected) == len(trained)
    assert len(runs) == 4 * len(expected) == len(runs.drop_duplicates([*axes, "split"]))
    assert runs.groupby(axes).threshold.nunique().max() == 1
    assert (runs.mined_negatives[runs.negative_tier == "none"] == 0).all()
    assert (runs.mined_negatives == runs.tier_files).all() and (
        runs.mined_negatives[runs.negative_tier != "none"] > 0
    ).all()


def test_tiers_are_compared_within_each_validation_scheme_as_far_as_it_was_trained(default):
    deltas = default[0].table("results/deltas.csv")
    internal = deltas[deltas.validation == "internal"]
    assert set(zip(internal.positive_subset, internal["value"], internal.baseline, strict=True)) == {
        ("base", "conf85", "none"), ("base", "none", "conf85"),
    }  # fmt: skip
    interactions = default[0].table("results/interactions.csv")
    by_validation = interactions[interactions.interaction == "negative_tier x validation"]
    assert set(by_validation["value"]) == {"conf85"} and set(by_validation.level) == {"internal"}
    answers = default[0].table("results/answers.csv")
    about_validation = answers[answers.question.str.contains("validation")]
    assert len(about_validation) and not (about_validation.answer == "not measured").any()


def test_the_default_run_finds_the_confusers_that_its_tiers_remove(default):
    """Sounds like the target are common at the site held out, and rare among the labeled negatives."""
    deltas = default[0].table("results/deltas.csv")
    headline = deltas[deltas.metric.isin(["f1", "precision_at_baseline_recall"]) & (deltas.split == "test_ood")]
    mined = headline[headline["value"].isin(["conf50", "conf85"]) & (headline.baseline == "none")]
    assert (mined.verdict == "improves").sum() >= 3 and (mined.difference > 0.03).all()
    against_random = headline[headline["value"].isin(["conf50", "conf85"]) & (headline.baseline == "random")]
    assert len(against_random) == 8 and (against_random.difference > 0).all()
    assert not (headline[headline.baseline == "none"].verdict == "hurts").any()


def test_the_arms_of_one_seed_differ_in_the_tier_alone(default):
    project, _ = default
    runs = project.table("results/runs.csv")
    arms = runs.groupby(["positive_subset", "validation", "seed"])
    for column in ("labelled_positives", "labelled_negatives", "reviewed_positives", "labelled_hash", "steps"):
        assert arms[column].nunique().max() == 1, column
    assert (arms.training_hash.nunique() == arms.negative_tier.nunique()).all()
    assert runs.warning.isna().all()
    warnings = project.table("results/comparison_warnings.csv")
    assert not warnings.warning.str.contains("trained on the same windows").any()


def test_the_mined_top_tier_is_rich_in_confusers(default):
    project, _ = default
    truth = project.table("results/soundscapes/truth.csv").set_index("file_path").sound
    pool = project.table("results/mining/trained/scores.parquet")
    tier = project.table("results/tiers/conf85.csv")
    confusers = set(dataset.CONFUSERS)
    base_rate = truth[pool.file_path].isin(confusers).mean()
    in_tier = truth[tier.file_path].isin(confusers).mean()
    assert len(tier) >= 10
    assert in_tier > 1.5 * base_rate


def test_the_audit_flags_hidden_positives_of_the_top_tier_and_few_others(default):
    project, _ = default
    audited, truth = project.table("results/audit/pool.csv"), project.table("results/soundscapes/truth.csv")
    found = pool_audit.compare_with_truth(audited, truth, {"conf85": audited[audited.confidence >= 0.85]}).iloc[0]
    assert found.hidden >= 10 and found.files - found.hidden >= 15
    # Of so few files, one or two more or fewer decide, and processors round differently. docs/understanding/audit.md
    # has the shares over eight generated sets.
    assert found.recall >= 0.75 and found.false_alarm_rate <= 0.15
    left = project.table("results/tiers/conf85.csv").file_path
    assert not audited.suspected_positive[audited.file_path.isin(left)].any()
    page = project.path("results/report.html").read_text()
    assert "How good is the audit?" in page and f"<td>{found.recall:.3f}</td>" in page
    assert "The recommendation in numbers" in page and "What the tiers consist of" in page


def mined(project):
    """The pool's files without those that are held out of it."""
    pool = project.table("results/inputs/pool.parquet")
    return pool.file_path[pool.split == "pool"]


def test_the_first_pass_of_the_audit_selects_files_to_leave_out_and_does_not_count(small):
    second = small.table("results/audit/passes/1.parquet").set_index("file_path").confidence
    audited = small.table("results/audit/pool.csv").set_index("file_path").cross_fit
    assert len(audited) == len(mined(small)) and audited.to_numpy() == pytest.approx(
        second[audited.index].to_numpy(), abs=1e-5
    )


def test_snakemakes_report_contains_the_tables_and_figures(default):
    project, _ = default
    project.snakemake("--report", "report.html")
    page = project.path("report.html").read_text()
    assert all(name in page for name in ("deltas.csv", "metrics.svg", "precision_recall.svg"))


def test_every_pool_file_has_one_score(small):
    scores = small.table("results/mining/trained/scores.parquet")
    assert sorted(scores.file_path) == sorted(mined(small)) and 100 < len(scores) < 160
    assert scores.confidence.between(0, 1).all()


def test_every_test_file_is_evaluated_by_every_run(small):
    recordings = small.table("results/inputs/recordings.parquet")
    expected = (
        recordings[recordings.split.isin(["test_iid", "test_ood", "test_pool"])].groupby("split").file_path.apply(set)
    )
    found = list(small.path("results/runs").rglob("scores.parquet"))
    assert len(found) == 12
    for path in found:
        scores = pd.read_parquet(path)
        for split, files in expected.items():
            assert set(scores.file_path[scores.split == split]) == files


def test_a_model_records_its_settings_and_versions(small):
    path = next(small.path("results/runs").rglob("negative_tier~hard/*/seed~2/model.json"))
    model = json.loads(path.read_text())
    assert model["run"] == {
        "positive_subset": path.parts[-5].split("~")[1],
        "negative_tier": "hard",
        "validation": "holdout",
        "seed": 2,
    }
    assert model["training"]["epochs"] == 2 and model["input"]["windows"]["length_s"] == 1.5
    assert {"torch", "device", "hardneg"} <= set(model["versions"])


def test_a_checkpoint_gives_the_scores_of_the_model_that_it_contains(small):
    config = yaml.safe_load(small.path("small.yaml").read_text())
    config["mining"]["model"] = "results/mining/trained/model.safetensors"
    config["pathvars"] = {"results": "results/checkpoint"}
    small.path("checkpoint.yaml").write_text(yaml.safe_dump(config))
    small.snakemake("results/checkpoint/mining/model/scores.parquet", config="checkpoint.yaml")
    ours = small.table("results/checkpoint/mining/model/scores.parquet")
    pd.testing.assert_frame_equal(ours, small.table("results/mining/trained/scores.parquet"))


def test_the_published_runs_are_judged_from_one_command(small, tmp_path):
    if not (SHARED / "published/all_experiments.csv").exists():
        pytest.skip("the study's tables are not there (../shared/published)")
    config = yaml.safe_load(small.path("config/published.yaml").read_text())
    config["finished_runs"]["table"] = str(SHARED / "published/all_experiments.csv")
    config["pathvars"] = {"results": str(tmp_path)}
    small.path("published.yaml").write_text(yaml.safe_dump(config))
    printed = small.snakemake("published", config="published.yaml")
    assert "12. IID performance improves in all configurations tested: contradicted" in printed
    assert "10 not distinguishable from no effect, 2 contradicted" in (tmp_path / "published/claims.md").read_text()
    assert len(pd.read_csv(tmp_path / "published/deltas.csv")) == 75


def test_real_recordings_run_end_to_end(tmp_path):
    if not (SHARED / "audio/anurans/manifest.csv").exists():
        pytest.skip("the real recordings are not there (../shared/audio/anurans)")
    (tmp_path / "shared").symlink_to(SHARED)
    project = Project(tmp_path / "hardneg")
    config = yaml.safe_load(project.path("config/anurans.yaml").read_text())
    config["matrix"] |= {"positive_subset": ["base"], "negative_tier": ["none", "conf85", "random"], "seed": [123]}
    config["mining"]["training"]["epochs"] = config["training"]["epochs"]  # or the tiers' confidences are out of reach
    config["training"]["epochs"] = 4
    project.path("reduced.yaml").write_text(yaml.safe_dump(config))
    project.snakemake(config="reduced.yaml")
    runs = project.table("results/anurans/runs.csv")
    assert len(runs) == 2 * 3 * 4
    assert runs[["threshold", "precision", "recall", "f1", "average_precision", "auroc"]].notna().all(axis=None)
    held_out = runs[(runs.split == "test_ood") & (runs.validation == "holdout")]
    assert held_out.auroc.mean() > 0.55, "a few epochs are enough to be better than chance"
    assert "Generated sound" not in project.path("results/anurans/report.html").read_text()
    deltas = project.table("results/anurans/deltas.csv")
    assert {"none", "random"} == set(deltas.baseline)


def test_a_number_is_traced_to_the_files_behind_it_and_a_file_changed_since_is_named(small, changed):
    selected = {"value": "hard", "positive_subset": "half", "split": "test_ood", "metric": "f1"}
    config = changed(lambda config: config.update(audit_trail=selected))
    small.snakemake("audit_trail", config=config)
    page = small.path("results/audit_trail.md").read_text()
    deltas, runs = small.table("results/deltas.csv"), small.table("results/runs.csv")
    row = deltas[(deltas[list(selected)] == pd.Series(selected)).all(axis=1)].iloc[0]
    assert f"{row.difference * 100:+.1f}".replace("-", "\N{MINUS SIGN}") in page.splitlines()[2]
    matching = runs[(runs.negative_tier == "hard") & (runs.positive_subset == "half") & (runs.split == "test_ood")]
    for score in matching.f1:
        assert f"| {score:.4f} |" in page
    behind = {line.removeprefix("### ").strip("`") for line in page.splitlines() if line.startswith("### ")}
    models = {name for name in behind if name.endswith("model.safetensors") and "/runs/" in name}
    assert len(models) == 2 * 2 and all("positive_subset~half" in name for name in models)  # tier and baseline x seeds
    assert {"results/tiers/hard.csv", "results/mining/trained/scores.parquet", "data/manifest.csv"} <= behind
    assert " 0 changed after a job read them" in page

    tier = small.path("results/tiers/hard.csv")
    content, times = tier.read_bytes(), tier.stat()
    before = min(path.stat().st_mtime_ns for path in small.path("results").rglob("*.parquet"))
    try:
        tier.write_bytes(content.replace(b"\n", b"\r\n"))
        os.utime(tier, ns=(before, before))  # older than all that was made from it, so that nothing is made again
        small.path("results/audit_trail.md").unlink()
        small.snakemake("audit_trail", config=config)
        assert " 1 changed after a job read them: `results/tiers/hard.csv`" in (
            small.path("results/audit_trail.md").read_text()
        )
    finally:
        tier.write_bytes(content)
        os.utime(tier, ns=(times.st_atime_ns, times.st_mtime_ns))
