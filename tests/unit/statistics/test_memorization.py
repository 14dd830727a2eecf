import numpy as np
import pandas as pd
import pytest

from hardneg.statistics.memorization import PoolFiles, measure_memorization

SEEDS = ["1", "2", "3"]


def world(held_out_confidence, nights=6, files=10):
    """Mined files are silent after the training; held-out files of the same initial confidence are as given."""
    rows = []
    for split, confidence in (("mined", 0.1), ("test_pool", held_out_confidence)):
        for night in range(nights):
            for number in range(files):
                path = f"{split}/{night}/{number}"
                rows.append({"split": split, "file_path": path, "confidence": confidence, "group": f"{split}@{night}"})
    table = pd.DataFrame(rows)
    before = table[["file_path"]].assign(confidence=0.9)
    is_mined = table.split == "mined"
    pool = PoolFiles({"hard": before[is_mined]}, {"hard": before[~is_mined]})
    return {("hard", seed): table.copy() for seed in SEEDS}, pool


def measure(scores, pool):
    thresholds = dict.fromkeys(scores, 0.5)
    return measure_memorization(scores, thresholds, pool, ["negative_tier"], resamples=300)


def test_equally_hard_files_that_stay_false_alarms_show_memorization():
    scores, pool = world(held_out_confidence=0.1)
    rng = np.random.default_rng(1)
    for table in scores.values():  # about half of the held-out pool is still flagged
        still = (table.split == "test_pool") & (rng.random(len(table)) < 0.5)
        table.loc[still, "confidence"] = 0.8
    row = measure(scores, pool).iloc[0]
    assert row.flagged_share == 0 and row.held_out_flagged_share == pytest.approx(0.5, abs=0.1)
    assert 0.3 < row.ci_low < row.difference and row.held_out_loss > row.loss
    assert (row.files, row.nights, row.held_out_files, row.held_out_nights, row.n) == (60, 6, 60, 6, 3)


def test_only_held_out_files_of_the_tiers_confidence_are_compared():
    scores, pool = world(held_out_confidence=0.8)
    below = pool.held_out["hard"].index[:30]
    pool.held_out["hard"].loc[below, "confidence"] = 0.3
    row = measure(scores, pool).iloc[0]
    assert row.held_out_files == 30 and row.files == 60


def test_a_tier_without_a_held_out_file_of_its_confidence_has_no_row():
    scores, pool = world(held_out_confidence=0.8)
    pool.held_out["hard"]["confidence"] = 0.3
    assert measure(scores, pool).empty


def test_arms_of_other_tiers_are_left_out():
    scores, pool = world(held_out_confidence=0.8)
    scores |= {("none", seed): table[table.split != "mined"] for (_, seed), table in scores.items()}
    assert list(measure(scores, pool).negative_tier) == ["hard"]


@pytest.mark.slow
def test_files_that_are_equal_but_for_the_training_seldom_seem_memorized():
    """Without memorization, both sets are flagged by the same process, with nights and seeds that differ."""
    rng, found, studies = np.random.default_rng(7), 0, 200
    for _ in range(studies):
        scores, pool = world(held_out_confidence=0.1)
        first = next(iter(scores.values()))
        night = {name: rng.normal(-1, 1) for name in first.group.unique()}
        for table in scores.values():
            logits = table.group.map(night) + rng.normal(0, 0.3) + rng.normal(0, 1, len(table))
            table["confidence"] = 1 / (1 + np.exp(-logits))
        row = measure(scores, pool).iloc[0]
        found += row.ci_low > 0 or row.ci_high < 0
    assert found <= 20  # 5 % expected; 20 of 200 is beyond the 99.7 % limit of a binomial with p = 0.05
