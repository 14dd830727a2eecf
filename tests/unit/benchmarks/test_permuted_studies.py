import numpy as np
import pandas as pd
import pytest

from hardneg.benchmarks.permuted_studies import RealScores
from hardneg.common.errors import InputError


def write_runs(folder, tiers=("none", "hardest"), seeds=(1, 2), nights=6):
    """Write runs whose confidences are the tier's number (0.1, 0.2, ...), plus a hundredth of the seed."""
    files = [
        (split, f"{split}-{night}", number)
        for split in ("val", "test_ood")
        for night in range(nights)
        for number in range(4)
    ]
    for tier, seed in [(tier, seed) for tier in tiers for seed in seeds]:
        run = folder / f"negative_tier~{tier}" / f"seed~{seed}"
        run.mkdir(parents=True)
        table = pd.DataFrame(files, columns=["split", "group", "number"])
        table["file_path"] = table.group + "/" + table.number.astype(str)
        table["label"] = table.number % 2
        table["confidence"] = 0.1 * (tiers.index(tier) + 1) + 0.01 * seed
        table["duration_s"] = 3.0
        table.sample(frac=1, random_state=seed).to_parquet(run / "scores.parquet")
    return str(folder)


def test_the_arms_of_a_night_are_permuted_together_for_all_files_and_seeds(tmp_path):
    scores = RealScores.read(write_runs(tmp_path))
    study = scores.permute(2, 10, 200, np.random.default_rng(1))
    for split, nights in ((study.validation, 10), (study.test, 200)):
        shift = [np.round(split[arm, 0].confidences, 1) for arm in ("none", "tier 1")]
        assert set(np.round(shift[0] + shift[1], 1)) == {np.float32(0.3)}, "each night has each arm once"
        for arm in ("none", "tier 1"):
            np.testing.assert_array_equal(
                np.round(split[arm, 0].confidences, 1), np.round(split[arm, 1].confidences, 1)
            )
            assert all(
                len(set(np.round(split[arm, 0].confidences[split[arm, 0].nights == night], 2))) == 1
                for night in range(nights)
            )
    share = np.mean(np.round(study.test["none", 0].confidences, 1) == np.float32(0.1))
    assert 0.35 < share < 0.65, "each arm as often as the other"


def test_a_study_has_no_more_seeds_than_were_trained(tmp_path):
    scores = RealScores.read(write_runs(tmp_path))
    study = scores.permute(10, 5, 5, np.random.default_rng(1))
    assert {seed for _, seed in study.test} == {0, 1}


def test_nights_are_drawn_with_replacement_and_count_as_different_nights(tmp_path):
    study = RealScores.read(write_runs(tmp_path)).permute(2, 5, 40, np.random.default_rng(1))
    run = study.test["none", 0]
    assert len(set(run.nights)) == 40 and len(run.labels) == 160
    assert set(study.test["none", 0].hours) == {3 / 3600}


def test_a_missing_run_is_named(tmp_path):
    folder = write_runs(tmp_path)
    (tmp_path / "negative_tier~hardest" / "seed~2" / "scores.parquet").unlink()
    with pytest.raises(InputError, match="hardest, seed 2"):
        RealScores.read(folder)


def test_one_tier_alone_cannot_be_permuted(tmp_path):
    with pytest.raises(InputError, match="at least two tiers"):
        RealScores.read(write_runs(tmp_path, tiers=("none",)))
