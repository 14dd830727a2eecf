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


def test_the_overview_has_the_test_splits_and_metrics_in_panels_a_mark_for_each_configuration_and_gray_controls():
    rows = [
        {"vary": "tier", "baseline": "none", "value": value, "positive_subset": subset, "split": split, "metric": metric,
         "difference": 0.05, "ci_low": 0.01, "ci_high": 0.09, "effect_of_interest": 0.03, "verdict": "improves"}
        for value in ("hard", "random") for subset in ("base", "half")
        for split in ("test_iid", "test_ood", "test_pool", "val") for metric in ("f1", "average_precision", "recall")
    ]  # fmt: skip
    figure, numbers = forest_plot.draw_overview(pd.DataFrame(rows), "tier", "none", ["random"])
    assert set(numbers.split) == {"test_iid", "test_ood"} and set(numbers.metric) == {"f1", "average_precision"}
    assert len(figure.axes) == 4
    for panel in figure.axes:
        marks = [line for line in panel.lines if line.get_marker() == "D" and len(line.get_xdata()) == 1]
        heights = [float(line.get_ydata()[0]) for line in marks]
        assert len(set(heights)) == 4 and sorted(round(height) for height in heights) == [0, 0, 1, 1]
        assert {line.get_color() for line in marks if line.get_ydata()[0] > 0.5} == {forest_plot.CONTROL_COLOR}
        assert {line.get_color() for line in marks if line.get_ydata()[0] < 0.5} == {
            forest_plot.VERDICT_COLORS["improves"]
        }


def test_a_comparison_whose_runs_are_left_out_is_one_line_of_text():
    columns = ["vary", "value", "baseline", "split", "metric", "difference"]
    figure, numbers = forest_plot.draw_forest(
        pd.DataFrame(columns=columns), pd.DataFrame(columns=columns), "negative_tier", "random85"
    )
    assert numbers.empty
    (text,) = figure.texts
    assert "Nothing is compared with negative tier random85" in text.get_text()
