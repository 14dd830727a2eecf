import pandas as pd

from hardneg.report import forest_plot


def test_a_difference_without_an_interval_is_an_open_diamond():
    judged = {
        "vary": "tier", "value": "hard", "baseline": "none", "split": "test_ood", "metric": "f1", "difference": 0.02,
        "ci_low": -0.01, "ci_high": 0.05, "effect_of_interest": 0.03, "verdict": "undecided",
    }  # fmt: skip
    missing = {"value": "soft", "ci_low": float("nan"), "ci_high": float("nan"), "verdict": "no verdict"}
    deltas = pd.DataFrame([judged, judged | missing])
    pairs = deltas.assign(change=0.02, seed=1)[["vary", "value", "baseline", "split", "metric", "change", "seed"]]
    figure, _ = forest_plot.draw_forest(deltas, pairs, "tier", "none")
    diamonds = [line for line in figure.axes[0].lines if line.get_marker() == "D" and len(line.get_xdata())]
    assert [line.get_fillstyle() for line in diamonds] == ["full", "none"]


def test_a_comparison_whose_runs_are_left_out_is_one_line_of_text():
    columns = ["vary", "value", "baseline", "split", "metric", "difference"]
    figure, numbers = forest_plot.draw_forest(
        pd.DataFrame(columns=columns), pd.DataFrame(columns=columns), "negative_tier", "random85"
    )
    assert numbers.empty
    (text,) = figure.texts
    assert "Nothing is compared with negative tier random85" in text.get_text()
