import pandas as pd

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
