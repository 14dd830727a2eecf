"""What the workflow decides before any job runs, tried without Snakemake."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from paths import ROOT

from hardneg import configuration
from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.planning.plan import Plan

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration of two recorders per site, whose results and recordings are in an empty folder."""
    monkeypatch.chdir(tmp_path)
    nights = [f"2025-03-{day:02d}" for day in range(1, 11)]
    rows = [
        {"file_path": f"{site}/{night}/{number}.wav", "recorder_id": site, "site": site, "date": night, "quality": ""}
        | {"label": "positive" if number == 0 and site != "hills" else "negative"}
        | {"split": "pool" if site == "hills" else ""}
        for site in ("pond", "marsh", "hills")
        for night in nights
        for number in range(3)
    ]
    table = pd.DataFrame(rows)
    table["quality"] = table.label.map({"positive": "high"}).fillna("")
    table.loc[(table.label == "positive") & table.date.str.endswith(("2", "4", "6")), "quality"] = "low"
    table.to_csv("manifest.csv", index=False)
    return {
        "target": "RADR",
        "manifest": "manifest.csv",
        "audio_root": "audio",
        "files_per_shard": 10,
        "splits": {"validation_fraction": 0.2, "iid_fraction": 0.2},
        "windows": {},
        "features": {},
        "mining": {"positive_subset": "base", "training": {"mixup": 0}},
        "positive_subsets": {
            "base": {"quality": ["high"]},
            "more": {"quality": ["high"], "add": {"quality": ["low"], "top_fraction": 0.5}},
            "heard": {"quality": ["high"], "reviewed": True},
        },
        "negative_tiers": {
            "none": {},
            "hard": {"top_k": 2},
            "clean": {"top_k": 2, "exclude": ["near_duplicate"], "per_cluster": 1},
            "control": {"match_size_of": "clean"},
        },
        "matrix": {"positive_subset": ["base", "more"], "negative_tier": ["none", "hard"], "seed": [1, 2]},
        "training": {},
        "comparisons": [{"vary": "negative_tier", "baseline": "none"}],
    }


def plan_of(config, **options):
    return Plan.from_config(configuration.complete(config, SCHEMA), **options)


def run_of(subset="base", tier="none", seed="1", **axes):
    return {"positive_subset": subset, "negative_tier": tier, "validation": "holdout", "seed": seed} | axes


def with_second_round(config):
    config["mining"]["rounds"] = 2
    config["negative_tiers"]["again"] = {"top_k": 2, "round": 2}
    config["matrix"]["negative_tier"].append("again")


def test_a_run_without_mined_negatives_needs_nothing_of_the_pool(config):
    without, with_tier = (plan_of(config).runs.inputs(run_of(tier=tier)) for tier in ("none", "hard"))
    assert without["tier"] == without["pool_index"] == without["window_scores"] == []
    assert with_tier["tier"] == "results/tiers/hard.csv"
    assert with_tier["pool_index"] == "results/features/logmel/pool.parquet"
    assert with_tier["window_scores"] == []


def test_background_of_the_pool_is_what_no_tier_mines_for_any_seed(config):
    config["matrix"]["negative_tier"].append("control")
    assert plan_of(config).runs.inputs(run_of())["background"] == []
    config["training"]["augmentation"] = {"background": "pool"}
    plan = plan_of(config)
    assert plan.runs.inputs(run_of())["background"] == "results/background.parquet"
    assert plan.tiers.all_mined_paths == [
        "results/tiers/hard.csv",
        "results/tiers/control/1.csv",
        "results/tiers/control/2.csv",
    ]


def test_a_run_on_reviewed_positives_needs_the_pools_features_even_without_mined_negatives(config):
    inputs = plan_of(config).runs.inputs(run_of(subset="heard"))
    assert (inputs["tier"], inputs["pool_index"]) == ([], "results/features/logmel/pool.parquet")


def test_a_subset_needs_a_ranking_only_to_add_recordings_and_the_pool_only_for_reviewed_ones(config):
    runs = plan_of(config).runs
    needed = {
        name: {key for key, path in runs.positive_inputs(name).items() if path} for name in ("base", "more", "heard")
    }
    assert needed["base"] == {"recordings"}
    assert needed["more"] == {"recordings", "ranking"}
    assert needed["heard"] == {"recordings", "pool"}
    assert runs.selection("heard") == {"quality": ["high"]}


def test_a_tier_needs_the_tables_that_its_definition_or_that_of_the_tier_it_matches_names(config):
    tiers = plan_of(config).tiers
    needed = {name: {key for key, path in tiers.inputs(name).items() if path} for name in config["negative_tiers"]}
    assert needed["hard"] == {"scores"}
    assert needed["clean"] == needed["control"] == {"scores", "audit", "clusters"}
    assert list(tiers.definitions_for("control")) == ["control", "clean"]
    assert list(tiers.definitions_for("clean")) == ["clean"]


def test_a_tier_drawn_at_random_has_its_own_files_for_each_seed(config):
    config["negative_tiers"]["once"] = {"random": 2, "redraw": False}
    config["matrix"]["negative_tier"] += ["control", "once"]
    plan = plan_of(config)
    paths = {
        tier: [plan.runs.inputs(run_of(tier=tier, seed=seed))["tier"] for seed in "12"]
        for tier in ("hard", "control", "once")
    }
    assert paths == {
        "hard": ["results/tiers/hard.csv"] * 2,
        "control": ["results/tiers/control/1.csv", "results/tiers/control/2.csv"],
        "once": ["results/tiers/once.csv"] * 2,
    }
    assert plan.tiers.redrawn == ["control"] and plan.tiers.fixed == ["none", "hard", "clean", "once"]
    assert plan.report.inputs["tiers"] == [
        "results/tiers/hard.csv",
        "results/tiers/control/1.csv",
        "results/tiers/once.csv",
    ]


def test_a_second_round_after_a_random_tier_trains_on_the_first_seeds_draw(config):
    with_second_round(config)
    config["negative_tiers"]["drawn"] = {"random": 2}
    config["mining"]["second_round"] = {"negative_tier": "drawn"}
    assert plan_of(config).mining.first_round_tier == "results/tiers/drawn/1.csv"


def test_a_run_on_several_windows_of_a_file_needs_their_scores_by_the_models_that_rank_the_tier(config):
    config["matrix"]["mined_windows_per_file"] = [1, 3]
    config["mining"]["model"] = ["old.safetensors", "train"]
    config["negative_tiers"]["theirs"] = {"top_k": 2, "ranked_by": "old"}
    config["negative_tiers"]["both"] = {"top_k": 2, "ranked_by": "minimum"}
    plan = plan_of(config)
    old, trained = (f"results/mining/{name}/windows.parquet" for name in ("old", "trained"))
    scores = {
        tier: plan.runs.inputs(run_of(tier=tier, mined_windows_per_file="3"))["window_scores"]
        for tier in ("none", "hard", "theirs", "both")
    }
    assert scores == {"none": [], "hard": [old, trained], "theirs": [old], "both": [old, trained]}
    assert [plan.tiers.window_aggregation(tier) for tier in ("hard", "both")] == ["mean", "min"]
    assert plan.runs.inputs(run_of(tier="hard", mined_windows_per_file="1"))["window_scores"] == []


def test_a_tier_of_the_second_round_needs_both_rounds(config):
    with_second_round(config)
    plan = plan_of(config)
    inputs = plan.tiers.inputs("again")
    assert inputs["second_scores"] == "results/mining/second/scores.parquet"
    assert inputs["first_round_tier"] == plan.mining.first_round_tier == "results/tiers/hard.csv"
    assert plan.report.inputs["rounds"] == "results/mining/second/comparison.csv"


def test_each_mining_seed_trains_a_model_and_all_rank_the_pool(config):
    config["mining"] |= {"model": "train", "seeds": [1, 22]}
    mining = plan_of(config).mining
    assert {name: model.seed for name, model in mining.models.items()} == {"trained_1": 1, "trained_22": 22}
    assert mining.model_path("trained_22") == "results/mining/trained_22/model.safetensors"
    assert mining.scores == "results/mining/scores.parquet"
    config["mining"] |= {"rounds": 2}
    assert plan_of(config).mining.second_round.seed == 1


def test_mining_seeds_need_a_model_that_the_workflow_trains(config):
    config["mining"] |= {"model": "old.safetensors", "seeds": [1, 2]}
    with pytest.raises(InputError, match=r"mining\.seeds: the workflow trains no mining model"):
        plan_of(config)


def test_one_mining_model_ranks_the_pool_alone_and_several_are_combined(config):
    assert plan_of(config).mining.scores == "results/mining/trained/scores.parquet"
    config["mining"]["model"] = ["old.safetensors", "train"]
    mining = plan_of(config).mining
    assert mining.scores == "results/mining/scores.parquet"
    assert mining.ranking_model == "old" and mining.model_path("old") == "old.safetensors"
    assert mining.model_path("trained") == "results/mining/trained/model.safetensors"


def test_each_kind_of_model_is_scored_by_its_own_rule(config, tmp_path):
    (tmp_path / "detections.csv").write_text("Start (s),End (s),Scientific name,Common name,Confidence,File\n")
    config["mining"] |= {"model": ["frogs.tflite", "old.safetensors", "detections.csv", "train"], "label": "Frog"}
    mining = plan_of(config).mining
    assert mining.names("trained", "checkpoint") == ["old", "trained"]
    assert mining.names("classifier") == ["frogs"] and mining.labels_path("frogs") == "frogs_Labels.txt"
    assert [str(path) for path in mining.detections["detections"]] == ["detections.csv"]
    assert mining.ranking_kind == "classifier"


def test_the_first_look_validates_all_mining_models_but_detections_and_reads_what_went_wrong_in_training(
    config, tmp_path
):
    assert plan_of(config).mining.validation_scores == ["results/mining/trained/validation_scores.parquet"]
    assert plan_of(config).mining.trained_descriptions == ["results/mining/trained/model.json"]
    (tmp_path / "detections.csv").write_text("Start (s),End (s),Scientific name,Common name,Confidence,File\n")
    config["mining"] |= {"model": ["old.safetensors", "detections.csv"], "label": "Frog"}
    mining = plan_of(config).mining
    assert mining.kinds == {"old": "checkpoint", "detections": "detections"}
    assert mining.validated == ["old"]
    assert mining.validation_scores == ["results/mining/old/validation_scores.parquet"]
    assert mining.trained_descriptions == []


def test_missing_tables_of_detections_are_refused(config):
    config["mining"] |= {"model": ["train", "detections.csv"], "label": "Frog"}
    with pytest.raises(InputError, match=r"detections\.csv"):
        plan_of(config)


def test_a_subset_without_a_recording_is_refused_if_something_trains_on_it(config):
    config["positive_subsets"]["empty"] = {"quality": ["medium"]}
    plan_of(config)
    config["matrix"]["positive_subset"].append("empty")
    with pytest.raises(InputError, match="empty"):
        plan_of(config)


def test_the_subsets_of_both_mining_detectors_are_checked(config):
    with_second_round(config)
    config["matrix"]["positive_subset"] = ["more"]
    config["mining"]["second_round"] = {"positive_subset": "heard"}
    assert plan_of(config).trained_subsets == {"more", "base", "heard"}


def test_a_new_night_makes_new_shards_and_leaves_the_others_alone(config):
    config["files_per_shard"] = 3
    before = plan_of(config).shards
    table = pd.read_csv("manifest.csv")
    season = table[table.site == "hills"].assign(date="2025-04-01", file_path=lambda rows: rows.file_path + ".new")
    pd.concat([table, season.head(3)]).to_csv("manifest.csv", index=False)
    after = plan_of(config).shards
    assert before.names("labelled") == after.names("labelled")
    assert len(set(before.names("pool")) - set(after.names("pool"))) <= 1
    assert len(set(after.names("pool")) - set(before.names("pool"))) >= 1
    kept = set(before.hashes) & set(after.hashes)
    assert all(before.hashes[shard] == after.hashes[shard] for shard in kept)


def test_a_changed_recording_changes_the_hash_of_its_shard_alone(config, tmp_path):
    before = plan_of(config).shards
    row = before.recordings.iloc[0]
    path = tmp_path / "audio" / row.file_path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"sound")
    after = plan_of(config).shards
    assert {shard for shard in before.hashes if before.hashes[shard] != after.hashes[shard]} == {row.shard}


def test_generated_recordings_are_listed_before_they_exist(config):
    del config["manifest"], config["audio_root"]
    config["generated"] = {"labelled_files": 300, "pool_files": 60}
    plan = plan_of(config, prefix="<results>")
    assert plan.shards.manifest_path == "<results>/soundscapes/manifest.csv"
    assert plan.shards.audio_root == "results/soundscapes/audio"
    assert len(plan.shards.recordings) == 360


def test_the_prefix_begins_every_path_of_results_and_the_folder_is_used_on_disk(config):
    config["pathvars"] = {"results": "out"}
    plan = plan_of(config, prefix="<results>")
    folder = plan.runs.folders[0]
    assert folder == "<results>/runs/positive_subset~base/negative_tier~none/validation~holdout/seed~1"
    assert plan.on_disk(folder).startswith("out/runs/")
    assert plan_of(config).runs.folders[0] == plan.on_disk(folder)


def test_the_matrix_becomes_one_folder_per_run(config):
    config["matrix"]["dropout"] = [0.1, 0.5]
    runs = plan_of(config).runs
    assert runs.pattern == (
        "positive_subset~{positive_subset}/negative_tier~{negative_tier}/validation~{validation}/dropout~{dropout}/seed~{seed}"
    )
    assert len(runs.folders) == len(set(runs.folders)) == len(runs.table) == 16
    assert runs.varied_axes == ["positive_subset", "negative_tier", "seed", "dropout"]
    assert runs.training(runs.table[1])["dropout"] == 0.1 and runs.table[1]["dropout"] == "0.1"


def test_the_export_takes_the_first_value_of_every_axis_that_it_does_not_name(config):
    config["export"] = {"run": {"seed": 2}}
    assert plan_of(config).runs.exported.endswith("positive_subset~base/negative_tier~none/validation~holdout/seed~2")


def write_pool(scores):
    (path := "results/mining/trained/scores.parquet")
    tables.write(scores.assign(start_s=0.0, end_s=3.0, recorder_id="hills", date="2025-03-01"), path)


def write_review(label, *files):
    pd.DataFrame({"file_path": files, "label": label}).to_csv("review.csv", index=False)


@pytest.fixture
def reviewed(config, tmp_path):
    """Scores of five files; the tier "hard" contains the first two."""
    (tmp_path / "results/mining/trained").mkdir(parents=True)
    write_pool(pd.DataFrame({"file_path": list("abcde"), "confidence": [0.9, 0.8, 0.7, 0.6, 0.5]}))
    config["review"] = {"file": "review.csv"}
    config["negative_tiers"]["all"] = {"min_confidence": 0.1}
    return config


def fingerprints(config):
    plan = plan_of(config)
    return {tier: plan.hash_review(tier) for tier in ("hard", "all")}


def test_only_tiers_whose_files_an_answer_changes_get_another_fingerprint(reviewed):
    assert fingerprints(reviewed) == {"hard": "", "all": ""}
    write_review("positive", "d")
    first = fingerprints(reviewed)
    assert first["hard"] == "" and first["all"]
    write_review("positive", "d", "a")
    second = fingerprints(reviewed)
    assert second["hard"] and second["all"] not in ("", first["all"])


def test_answers_that_confirm_negatives_change_no_fingerprint(reviewed):
    write_review("negative", *"abcde")
    assert fingerprints(reviewed) == {"hard": "", "all": ""}


def test_a_tier_has_no_fingerprint_before_its_pool_is_scored(config):
    config["review"] = {"file": "review.csv"}
    write_review("positive", "a")
    assert plan_of(config).hash_review("hard") == ""


def test_reviewed_positives_are_given_to_the_subsets_that_include_them(reviewed):
    pd.DataFrame({"file_path": ["d"], "label": "positive", "start_s": 1.5}).to_csv("review.csv", index=False)
    plan = plan_of(reviewed)
    assert plan.reviewed_positives("heard") == [["d", 1.5]]
    assert plan.reviewed_positives("base") == []


def test_an_answer_on_another_computers_path_counts_and_one_on_an_unknown_file_is_named(config, caplog):
    config["review"] = {"file": "review.csv"}
    write_review("positive", "E:\\hills\\2025-03-01\\0.WAV", "hills/2025-03-01/9.wav")
    plan = plan_of(config)
    assert plan.review.matches == {"E:\\hills\\2025-03-01\\0.WAV": "hills/2025-03-01/0.wav"}
    assert plan.review.decisions["hills/2025-03-01/0.wav"] == "positive"
    assert "review review.csv: 1 path fits no recording of the manifest: hills/2025-03-01/9.wav." in caplog.text


def test_a_broken_review_is_refused(reviewed):
    write_review("frog", "a")
    with pytest.raises(InputError, match="label"):
        plan_of(reviewed)


def test_a_pass_of_the_audit_builds_on_all_but_the_first_of_the_passes_before_it(config):
    config["audit"] = {"passes": 3}
    audit = plan_of(config).audit
    scores = "results/audit/passes/{}.parquet".format
    assert audit.locate_scores_before(0) == []
    assert audit.locate_scores_before(1) == [scores(0)]
    assert audit.locate_scores_before(2) == [scores(1)]
    assert audit.last_scores == [scores(1), scores(2)]


def test_every_pass_of_the_audit_has_its_own_seed_and_the_training_of_the_mining_model(config):
    config["audit"] = {"seed": 7, "training": {"epochs": 1}}
    first, second = (plan_of(config).audit.collect_pass_settings(number) for number in (0, 1))
    assert first["seed"] != second["seed"]
    assert first["training"]["epochs"] == 1 and first["training"]["mixup"] == 0


def test_the_audit_is_part_of_the_report_only_if_a_trained_tier_uses_it(config):
    assert plan_of(config).report.inputs["audit"] == []
    config["matrix"]["negative_tier"].append("clean")
    inputs = plan_of(config).report.inputs
    assert inputs["audit"] == "results/audit/pool.csv"
    assert inputs["tiers"] == ["results/tiers/hard.csv", "results/tiers/clean.csv"]
    assert inputs["truth"] == inputs["sounds"] == inputs["rounds"] == []


def test_the_report_has_a_forest_plot_for_each_comparison(config):
    config["comparisons"].append({"vary": "positive_subset", "baseline": "base"})
    plan = plan_of(config).report
    assert [name for name in plan.figures if name.startswith("forest")] == ["forest_1", "forest_2"]
    assert [plan.caption(figure) for figure in ("forest_2", "metrics")] == ["forest", "metrics"]


def test_a_key_that_a_rule_does_not_list_changes_none_of_its_settings(config):
    before = plan_of(config).settings("audit", "clipped_share", "dc_offset")
    config["audit"] = {"dropout_share": 0.1, "folds": 3}
    assert plan_of(config).settings("audit", "clipped_share", "dc_offset") == before
    assert list(before) == ["clipped_share", "dc_offset"]


def test_the_settings_of_a_section_in_a_section_can_be_taken(config):
    config["evaluation"] = {"nights": {"review_s": 20}}
    assert plan_of(config).settings("evaluation/nights", "review_s") == {"review_s": 20}


@pytest.mark.parametrize("path", sorted((ROOT / "workflow" / "rules").glob("*.smk")), ids=lambda path: path.name)
def test_no_rule_depends_on_every_key_of_these_sections(path):
    whole = r'config\["(audit|clusters|evaluation|export|recommendation|review|statistics)"\](?!\[|\.get\()'
    assert not re.findall(whole, path.read_text())


def test_spectrograms_on_the_review_page_end_at_half_of_the_sample_rate(config):
    assert plan_of(config).top_hz == 15_000
    config["windows"] = {"sample_rate": 16_000}
    config["features"] = {"fmax": 6_000}
    config["review"] = {"top_hz": 12_000}
    assert plan_of(config).top_hz == 8_000


def test_only_a_head_on_birdnet_is_exported_as_a_classifier(config):
    assert plan_of(config).exported_classifier == {}
    config["features"], config["training"] = {"kind": "birdnet", "path": "birdnet.tflite"}, {"model": "head"}
    plan = plan_of(config)
    assert set(plan.exported_classifier) == {"classifier", "classifier_labels"}
    assert plan.extractor_file == ["birdnet.tflite"]


def test_every_shipped_configuration_with_generated_sound_can_be_planned(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert len(plan_of(config).runs.table) == 42


def test_another_beginning_of_the_night_changes_only_the_shards_whose_nights_it_changes(config):
    table = pd.read_csv("manifest.csv", keep_default_na=False)
    table.loc[table.site == "hills", "time"] = "02:00"
    table.to_csv("manifest.csv", index=False)
    noon, midnight = (
        plan_of(config | {"splits": config["splits"] | {"night_begins": begins}}).shards
        for begins in ("12:00", "00:00")
    )
    assert noon.recordings.night[noon.recordings.site == "hills"].min() == "2025-02-28"
    assert midnight.recordings.night.min() == "2025-03-01"
    changed = set(noon.hashes.items()) ^ set(midnight.hashes.items())
    assert {shard.split("-")[0] for shard, _ in changed} == {"pool"}


def test_a_job_plans_the_same_without_reading_the_manifest(config):
    plan = plan_of(config, prefix="<results>")
    plan.shards.write()
    Path("manifest.csv").write_text("a job must not read this")
    of_job = plan_of(config, prefix="<results>", in_job=True)
    assert of_job.shards.hashes == plan.shards.hashes
    assert of_job.targets == plan.targets
    assert of_job.report.inputs == plan.report.inputs
    pd.testing.assert_frame_equal(
        of_job.shards.recordings.sort_values("file_path", ignore_index=True),
        plan.shards.recordings.sort_values("file_path", ignore_index=True),
        check_dtype=False,
    )


def test_a_job_without_a_plan_on_disk_reads_the_manifest(config):
    assert plan_of(config, in_job=True).shards.hashes == plan_of(config).shards.hashes
