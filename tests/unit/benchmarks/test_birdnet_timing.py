import itertools

import numpy as np
import pandas as pd
import pytest

from hardneg.benchmarks import birdnet_timing


def test_each_variant_runs_once_in_each_round_and_its_time_is_per_window():
    calls, ticks = [], itertools.count(step=4)
    variants = {name: lambda windows, name=name: calls.append(name) for name in ("a", "b")}
    times = birdnet_timing.time_rounds(variants, np.zeros((2, 10), np.float32), 3, lambda: next(ticks))
    assert calls == ["a", "b"] * 4  # the first turn is not timed
    assert times.to_dict("list") == {"a": [2000.0] * 3, "b": [2000.0] * 3}


def test_speeds_are_relative_to_the_best_litert_in_the_same_round():
    times = pd.DataFrame({"LiteRT, slow": [40, 60, 80], "LiteRT, fast": [20, 30, 90], "torch": [10, 10, 30]})
    summary = birdnet_timing.summarize(times)
    assert summary.loc["torch", "relative speed"] == 3
    assert summary.loc["torch", ["lowest", "highest"]].tolist() == [2, 3]
    assert summary.loc["LiteRT, fast", "relative speed"] == 1
    assert summary.loc["LiteRT, slow", "ms per window"] == pytest.approx(60)
