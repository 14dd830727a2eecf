import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.models.metrics import METRICS
from hardneg.statistics import run_pairs
from hardneg.statistics.run_pairs import Comparison


def test_the_runs_behind_a_difference_are_found_by_their_folders():
    axes_of_runs = [
        {"size": size, "tier": tier, "seed": seed}
        for size in ("a", "b")
        for tier in ("none", "hard")
        for seed in (1, 2)
    ]
    runs = pd.DataFrame(axes_of_runs).assign(split="test_ood", **dict.fromkeys(METRICS, 0.5))
    pairs = run_pairs.pair_all(runs, [Comparison("tier", "none")], ["size", "tier"])
    folders = {f"{run['size']}/{run['tier']}/{run['seed']}": run for run in axes_of_runs}
    row = pd.Series(
        {"vary": "tier", "value": "hard", "baseline": "none", "size": "b", "split": "test_ood", "metric": "f1"}
    )
    behind = run_pairs.find_runs_behind(row, pairs, folders)
    assert behind[["run", "baseline_run"]].to_numpy().tolist() == [["b/hard/1", "b/none/1"], ["b/hard/2", "b/none/2"]]


def test_a_comparison_whose_baseline_or_every_other_value_is_left_out_is_dropped():
    runs = pd.DataFrame({"tier": ["none", "top", "top"], "size": 1})
    with_none, with_empty = Comparison("tier", "none"), Comparison("tier", "random95")
    alone = Comparison("size", "1")
    assert run_pairs.select_possible([with_empty, alone, with_none], runs) == [with_none]
    with pytest.raises(InputError, match="There is nothing to compare"):
        run_pairs.select_possible([with_none], runs[runs.tier == "none"])
