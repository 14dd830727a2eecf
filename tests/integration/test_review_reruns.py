"""From the mined files to the review page, to a person's answers, and back to the tiers."""

import json
import shutil
import time

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(small):
    small.snakemake("review", "results/tiers/top.csv", config="small.yaml")
    return small.path("results/review/index.html")


@pytest.fixture
def answer(small, page):
    """Write the review table that the workflow reads; it is taken away at the end, with what it changed."""
    path = small.path("resources/review.csv")

    def write(rows):
        path.parent.mkdir(exist_ok=True)
        rows.to_csv(path, index=False)

    yield write
    path.unlink()
    small.snakemake(
        *(f"results/tiers/{tier}.csv" for tier in ("hard", "top", "control/1", "control/2")), config="small.yaml"
    )
    assert small.plan("small.yaml") == {}


def ten(small, label):
    """Ten answers on the ten hardest files."""
    hardest = small.table("results/mining/trained/scores.parquet").head(10)
    return hardest[["file_path", "start_s", "end_s"]].assign(
        label=label, reviewer="ab", reviewed_at="2026-01-01", note=""
    )


def test_ten_answers_in_the_browser_change_the_tiers_and_the_training_sets(small, page, browser, answer, changed):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.select import Select

    browser.get(page.as_uri())
    browser.execute_script("localStorage.clear()")
    browser.get(page.as_uri())
    ActionChains(browser).send_keys("ab", Keys.ENTER).perform()
    Select(browser.find_element("id", "sort")).select_by_value("confidence")
    browser.execute_script("showCandidate(queue[0]); $('card').focus()")
    for key in "pppupppppp":
        ActionChains(browser).send_keys(key).perform()
    browser.refresh()
    assert browser.find_element("id", "progress").text == "10 of 40 (0 negative, 9 positive, 1 uncertain)"
    saved = browser.downloads / "review.csv"
    saved.unlink(missing_ok=True)
    ActionChains(browser).send_keys("s").perform()
    end = time.monotonic() + 10
    while not saved.exists() and time.monotonic() < end:
        time.sleep(0.05)
    rows = pd.read_csv(saved)
    before = {tier: set(small.table(f"results/tiers/{tier}.csv").file_path) for tier in ("hard", "top")}
    answer(rows)
    small.snakemake(
        *(f"results/tiers/{tier}.csv" for tier in before), "results/positives/heard.csv", config="small.yaml"
    )
    heard = set(rows.file_path)
    assert len(heard) == 10
    for tier, files in before.items():
        after = set(small.table(f"results/tiers/{tier}.csv").file_path)
        assert heard & files and not heard & after
    subset = small.table("results/positives/heard.csv")
    positive = set(rows.file_path[rows.label == "positive"])
    assert set(subset.file_path[subset.start_s.notna()]) == positive

    config = changed(lambda config: config["matrix"]["positive_subset"].append("heard"))
    run = "results/runs/positive_subset~heard/negative_tier~hard/validation~holdout/seed~1"
    small.snakemake(f"{run}/model.safetensors", config=config)
    used = small.table(f"{run}/training_set.parquet").set_index("file_path")
    reviewed = used[used.origin == "reviewed"]
    assert set(reviewed.index) == positive and (reviewed.label == 1).all()
    assert not positive & set(used.index[used.origin == "mined"])
    counts = json.loads(small.path(f"{run}/model.json").read_text())["counts"]
    assert counts["reviewed_positives"] == len(reviewed)
    assert counts["labelled_positives"] + counts["reviewed_positives"] == (used.label == 1).sum() > len(positive)


def test_an_answer_reruns_only_the_tiers_whose_files_it_changes(small, answer):
    assert small.plan("small.yaml") == {}
    answer(ten(small, "negative"))
    assert small.plan("small.yaml") == {"write_report": 1}, "negatives that no tier leaves out are only reported"
    rows = ten(small, "negative")
    rows.loc[9, "label"] = "positive"
    answer(rows)
    plan = small.plan("small.yaml")
    controls = [set(small.table(f"results/tiers/control/{seed}.csv").file_path) for seed in (1, 2)]
    drawn = sum(rows.file_path[9] in control for control in controls)
    assert plan["assign_tier"] == 1 and plan.get("draw_tier", 0) == drawn, "hard, and the controls that drew the file"
    assert plan["train"] == 4 + 2 * drawn
    assert not {"cross_fit", "audit", "train_mining_model", "rank_pool"} & set(plan)


def test_a_tier_can_exclude_flagged_files_and_cap_nights_and_clusters(small, page):
    small.snakemake("results/tiers/clean.csv", config="small.yaml")
    tier, audited = small.table("results/tiers/clean.csv"), small.table("results/audit/pool.csv")
    assert not audited.suspected_positive[audited.file_path.isin(tier.file_path)].any()
    assert tier.groupby(["recorder_id", "night"]).size().max() <= 2
    clusters = small.table("results/audit/clusters.csv")
    assert tier.merge(clusters, on="file_path").cluster.value_counts().max() <= 3
    pool = small.table("results/inputs/pool.parquet")
    assert set(audited.file_path) == set(pool.file_path[pool.split == "pool"])


def test_the_review_page_loads_nothing_from_elsewhere(page, tmp_path, browser):
    shutil.copy(page, tmp_path / "elsewhere.html")
    browser.get((tmp_path / "elsewhere.html").as_uri())
    wait = "const done = arguments[0]; const go = () => $('picture').complete && $('picture').naturalHeight ? done(true) : setTimeout(go, 30); go();"
    assert browser.execute_async_script(wait)
