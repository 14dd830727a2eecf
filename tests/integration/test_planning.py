"""What a change makes Snakemake run again, and what it leaves alone."""

import ast
import json
import os

import pytest
from conftest import add_recordings

pytestmark = pytest.mark.slow

SUMMARIES = {
    "collect_runs": 1, "compare": 1, "compare_effects": 1, "compare_confusers": 1, "measure_memorization": 1,
    "tabulate_nights": 1, "draw_figures": 1, "write_report": 1,
}  # fmt: skip


def test_a_finished_run_has_nothing_to_do(small):
    assert small.plan("small.yaml") == {}


def test_a_dry_run_is_a_page_and_shows_each_job_on_request(small):
    printed = small.snakemake("--dry-run", "--forceall", config="small.yaml")
    assert printed.count("\n") < 120 and "results/tiers/hard.csv" not in printed
    assert printed.rindex("write_report") > printed.index("Job stats:")
    jobs = small.snakemake("--dry-run", "--forceall", "--quiet", "host", config="small.yaml")
    assert "output: results/tiers/hard.csv" in jobs and "reason: Forced execution" in jobs


def test_parameters_are_plain_values_that_read_the_same_in_every_run(small):
    records = [path for path in small.path(".snakemake/metadata").rglob("*") if path.is_file()]
    parameters = {text for path in records for text in json.loads(path.read_text())["params"] or []}
    assert len(parameters) > 50
    for text in parameters:
        assert repr(ast.literal_eval(text)) == text


def test_another_spelling_of_the_same_configuration_reruns_nothing(small, changed):
    def rewrite(config):
        config["windows"] = dict(reversed(config["windows"].items()))
        config["training"].update(dropout=0.25, focal_gamma=0)
        config["features"]["fmin"] = 50.0

    assert small.plan(changed(rewrite)) == {}


def test_a_shard_size_that_gives_the_same_shards_reruns_no_shard(small, changed):
    assert small.plan(changed(lambda config: config.update(files_per_shard=61))) == {"write_report": 1}


def test_a_changed_tier_reruns_that_tier_its_runs_and_the_summaries(small, changed):
    config = changed(lambda config: config["negative_tiers"]["hard"].update(min_confidence=0.01))
    assert small.plan(config) == {"assign_tier": 1, "train": 4, "evaluate": 2, **SUMMARIES}


def test_an_arm_that_is_left_out_reruns_the_summaries_only(small, changed):
    leave_out = [{"positive_subset": ["half"], "negative_tier": ["control"]}]
    assert small.plan(changed(lambda config: config.update(leave_out=leave_out))) == SUMMARIES


def test_a_new_value_of_an_axis_trains_only_the_arms_that_are_not_left_out(small, changed):
    def add_internal(config):
        config["matrix"]["validation"] = ["holdout", "internal"]
        config["leave_out"] = [{"validation": ["internal"], "negative_tier": ["hard", "control"]}]

    assert small.plan(changed(add_internal)) == {"train": 4, "evaluate": 2, **SUMMARIES}


def test_a_changed_tier_reruns_the_tiers_that_match_its_size(small, changed):
    config = changed(lambda config: config["negative_tiers"]["top"].update(top_k=19))
    assert small.plan(config) == {"draw_tier": 2, "train": 4, "evaluate": 2, **SUMMARIES}


def test_a_new_seed_draws_and_trains_only_its_runs(small, changed):
    config = changed(lambda config: config["matrix"]["seed"].append(3))
    assert small.plan(config) == {"draw_tier": 1, "train": 6, "evaluate": 6, **SUMMARIES}


def test_a_random_tier_that_all_seeds_share_is_not_drawn_for_a_new_seed(small, changed):
    def share(config, seeds):
        config["negative_tiers"]["control"]["redraw"] = False
        config["matrix"]["seed"] = seeds

    plan = small.plan(changed(lambda config: share(config, [1, 2])))
    assert plan == {"assign_tier": 1, "train": 4, "evaluate": 2, **SUMMARIES}
    plan = small.plan(changed(lambda config: share(config, [1, 2, 3])))
    assert plan == {"assign_tier": 1, "train": 10, "evaluate": 6, **SUMMARIES}


def test_a_changed_comparison_trains_nothing(small, changed):
    config = changed(lambda config: config["comparisons"][0].update(baseline="control"))
    assert small.plan(config) == {
        "compare": 1, "compare_effects": 1, "compare_confusers": 1, "draw_figures": 1, "write_report": 1,
    }  # fmt: skip


def test_a_changed_threshold_rule_measures_again_and_trains_and_scores_nothing(small, changed):
    config = changed(lambda config: config.update(evaluation={"threshold": {"rule": "recall", "value": 0.8}}))
    assert small.plan(config) == SUMMARIES


def test_edited_code_reruns_the_rules_that_use_it_and_a_comment_reruns_nothing(small):
    module = small.path("workflow/scripts/hardneg/mining/tiers.py")
    text = module.read_text()
    try:
        module.write_text(text.replace("ranked.confidence >= low", "ranked.confidence > low"))
        assert module.read_text() != text
        assert small.plan("small.yaml") == {
            "assign_tier": 1, "draw_tier": 2, "write_first_look": 1, "train": 8, "evaluate": 4, **SUMMARIES,
        }  # fmt: skip
        module.write_text("# A remark.\n" + text)
        assert small.plan("small.yaml") == {}
    finally:
        module.write_text(text)
    os.utime(module)
    os.utime(small.path("workflow/scripts/assign_tier.py"))
    assert small.plan("small.yaml") == {}


def test_new_pool_recordings_run_new_shards_and_no_run_without_mined_negatives(small):
    manifest = small.path("data/manifest.csv").read_text()
    shards = {path.stem for path in small.path("results/inputs/shards").glob("*.parquet")}
    try:
        add_recordings(small, 40, 60, seed=9, only="pool")
        plan = small.plan("small.yaml")
    finally:
        small.path("data/manifest.csv").write_text(manifest)
    assert 1 <= plan["check_shard"] < len(shards)
    assert plan["extract_features"] == plan["score_shard"] == plan["check_shard"]
    assert plan == {
        "check_shard": plan["check_shard"], "extract_features": plan["check_shard"], "score_shard": plan["check_shard"],
        "gather_recordings": 1, "check_inputs": 1, "merge_indexes": 1, "rank_pool": 1, "write_first_look": 1,
        "cross_fit": 2, "find_near_duplicates": 1, "audit": 1, "cluster_pool": 1, "assign_tier": 1, "draw_tier": 2, "train": 8, "evaluate": 6, **SUMMARIES,
    }  # fmt: skip
    assert small.plan("small.yaml") == {}


def test_a_changed_recording_reruns_its_shard(small):
    audio = next(small.path("data/audio/marsh").rglob("*-p*/*.WAV"))
    content, status = audio.read_bytes(), audio.stat()
    try:
        audio.write_bytes(content[:-2000])
        plan = small.plan("small.yaml")
    finally:
        audio.write_bytes(content)
        os.utime(audio, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (plan["check_shard"], plan["extract_features"], plan["score_shard"]) == (1, 1, 1)
    assert "train_mining_model" not in plan


def test_another_device_reruns_nothing(small):
    assert small.snakemake("--dry-run", "--config", "device=cpu", config="small.yaml").count("Nothing to be done") == 1


def test_a_training_key_may_be_an_axis(small, changed):
    config = changed(lambda config: config["matrix"].update(dropout=[0.1, 0.5]))
    plan = small.plan(config)
    assert (plan["train"], plan["evaluate"]) == (24, 12)
    assert "train_mining_model" not in plan


def test_the_template_runs_once_its_marked_keys_are_set(small):
    lines = small.path("config/template.yaml").read_text().splitlines()
    replaced = {"audio_root": "data/audio", "manifest": "data/manifest.csv"}
    changed = [
        next((f"{key}: {replaced[key]}" for key in replaced if line.startswith(f"{key}:")), line) for line in lines
    ]
    marked = {line.split(":")[0].strip() for line in lines if "# CHANGE: " in line}
    assert marked == {"target", *replaced, "ood_sites"}
    small.path("mine.yaml").write_text("\n".join(changed))
    planned = small.plan("mine.yaml")
    assert planned["train"] == 35 and planned["extract_features"] > 1 and "generate_soundscapes" not in planned
    assert not small.path("results/mine").exists()


def test_a_second_round_mines_again_and_reruns_nothing_of_the_first(small, changed):
    def twice(config):
        config["mining"].update(rounds=2, second_round={"negative_tier": "top"})
        config["negative_tiers"]["again"] = {"top_k": 10, "round": 2}
        config["matrix"]["negative_tier"].append("again")

    shards = len(list(small.path("results/mining/trained/shards").glob("*.parquet")))
    second = {"train_second_model": 1, "score_shard_again": shards, "rank_remaining": 1, "compare_rounds": 1}
    plan = small.plan(changed(twice))
    assert plan.pop("assign_tier") == 1 + (not small.path("results/tiers/top.csv").exists())
    assert plan == {**second, "train": 4, "evaluate": 2, **SUMMARIES}

    config = changed(twice)
    targets = ("results/tiers/again.csv", "results/mining/second/comparison.csv")
    small.snakemake(*targets, config=config)
    first_tier, tier = (small.table(f"results/tiers/{name}.csv").file_path for name in ("top", "again"))
    assert list(tier[:20]) == list(first_tier) and len(tier) == 30 and tier.is_unique
    left = small.table("results/mining/second/scores.parquet").file_path
    recordings = small.table("results/inputs/pool.parquet")
    pool = recordings.file_path[recordings.split == "pool"]
    assert set(left) == set(pool) - set(first_tier)
    assert json.loads(small.path("results/mining/second/model.json").read_text())["counts"]["tier_files"] == 20
    assert small.plan(config) == {"train": 4, "evaluate": 2, **SUMMARIES}

    config = changed(lambda config: (twice(config), config["negative_tiers"]["again"].update(round="joint")))
    assert small.plan(config) == {"assign_tier": 1, "train": 4, "evaluate": 2, **SUMMARIES}
    config = changed(lambda config: (twice(config), config["negative_tiers"]["top"].update(top_k=19)))
    plan = small.plan(config)
    assert plan == {**second, "assign_tier": 2, "draw_tier": 2, "train": 8, "evaluate": 4, **SUMMARIES}, (
        "top, its control, and again"
    )
    assert small.plan("small.yaml") == {}
