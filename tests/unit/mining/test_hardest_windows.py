import pandas as pd
import pytest

from hardneg.mining.hardest_windows import add_next_hardest


@pytest.fixture
def scores(tmp_path):
    """Two models' scores of three windows of two files, and of a file outside the tier."""
    windows = pd.DataFrame({"file_path": list("aaabbbccc"), "start_s": [0.0, 3.0, 6.0] * 3})
    first = windows.assign(confidence=[0.1, 0.9, 0.5, 0.8, 0.2, 0.2, 1, 1, 1])
    second = windows.assign(confidence=[0.6, 0.7, 0.1, 0.4, 0.3, 0.9, 1, 1, 1])
    paths = [tmp_path / f"{number}.parquet" for number in (1, 2)]
    for table, path in zip((first, second), paths, strict=True):
        table.to_parquet(path)
    return paths


HARDEST = pd.DataFrame({"file_path": ["b", "a"], "start_s": [0.0, 3.0]})


def test_the_next_hardest_windows_of_a_file_follow_its_hardest(scores):
    windows = add_next_hardest(HARDEST, scores[:1], "mean", 2)
    assert windows.to_numpy().tolist() == [["b", 0.0], ["b", 3.0], ["a", 3.0], ["a", 6.0]]
    assert len(add_next_hardest(HARDEST, scores[:1], "mean", 9)) == 6, "a file has only so many windows"


def test_several_models_rank_the_windows_by_the_tiers_aggregation(scores):
    assert add_next_hardest(HARDEST, scores, "mean", 2).start_s.tolist() == [0.0, 6.0, 3.0, 0.0]
    assert add_next_hardest(HARDEST, scores, "min", 2).start_s.tolist() == [0.0, 3.0, 3.0, 0.0]


def test_the_window_of_the_tier_comes_first_even_if_another_scores_higher(scores):
    of_another_round = pd.DataFrame({"file_path": ["b"], "start_s": [6.0]})
    assert add_next_hardest(of_another_round, scores[:1], "mean", 2).start_s.tolist() == [6.0, 0.0]
