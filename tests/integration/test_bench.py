import json

import pytest

from hardneg import bench

pytestmark = pytest.mark.slow


def test_the_ways_that_are_timed_give_the_same_scores(tmp_path):
    bench.main([str(tmp_path), "--files", "4", "--repeats", "1", "--cores", "2"])
    result = json.loads((tmp_path / "bench.json").read_text())
    alike = [row for row in result["pipelines"] if row["rival"] != "OpenSoundscape"]
    assert len(alike) == 3 * len(bench.CONDITIONS)
    assert all(row["largest_score_difference"] < 0.02 for row in alike)
    assert result["pipelines"][0]["score_spread"] > 0.1
    assert "| this workflow |" in (tmp_path / "bench.md").read_text()
