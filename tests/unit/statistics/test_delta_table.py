import pandas as pd

from hardneg.statistics import delta_table


def test_axes_are_the_columns_between_baseline_and_split_and_only_some_vary():
    deltas = pd.DataFrame(
        {
            "vary": "t",
            "value": ["x", "y"],
            "baseline": "none",
            "size": ["a", "b"],
            "dropout": "0.1",
            "split": "test_iid",
        }
    )
    assert delta_table.axes_of(deltas) == ["size", "dropout"]
    assert delta_table.varying_axes(deltas) == ["size"]
