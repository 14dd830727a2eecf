import pandas as pd
import pytest

from hardneg.common.formatting import MINUS
from hardneg.report import confuser_table


@pytest.fixture
def confusers():
    """Two subsets, two tiers; the tier removes the frog of cluster 1."""
    rows = [
        {
            "value": tier, "baseline": "none", "positive_subset": subset, "validation": "holdout", "cluster": cluster,
            "files": 10, "n": 3, "false_positives_per_hour_baseline": before, "false_positives_per_hour": after,
            "difference": after - before, "ci_low": after - before - 1, "ci_high": after - before + 1, "change": change,
            "example": f"{cluster}.wav", "start_s": 3.0, "name": "tree_frog" if cluster == "1" else None,
            "name_share": 0.75,
        }
        for subset in ("base", "half") for tier in ("hard", "random")
        for cluster, before, after, change in (
            ("0", 2.0, 2.0, "no clear change"), ("1", 9.0, 1.0, "fewer"), ("2", 0.0, 0.0, "no clear change"),
            ("all", 11.0, 3.0, "fewer"),
        )
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_worst_kinds_come_first_then_all_sounds_and_silent_kinds_are_left_out(confusers):
    base, half = confuser_table.build_confuser_tables(confusers)
    assert [row.name for row in base.rows] == ["tree frog (75 % of cluster 1)", "cluster 0", "all sounds"]
    assert (base.configuration, half.configuration, base.tiers) == ("base", "half", ["hard", "random"])
    cell = base.rows[0].cells[0]
    assert (cell.rate, cell.difference, cell.change) == (1, f"{MINUS}8.0", "fewer")


def test_the_figure_has_a_panel_per_configuration_and_its_numbers(confusers):
    figure, numbers = confuser_table.draw_confusers(confusers)
    assert [panel.get_title() for panel in figure.axes] == ["base", "half"]
    pd.testing.assert_frame_equal(numbers, confusers)


def test_a_study_without_names_and_without_false_positives_is_shown(confusers):
    silent = confusers.drop(columns=["name", "name_share"]).assign(
        false_positives_per_hour=0.0, false_positives_per_hour_baseline=0.0, ci_low=float("nan"), ci_high=float("nan")
    )
    table, _ = confuser_table.build_confuser_tables(silent)
    assert [row.name for row in table.rows] == ["all sounds"] and table.rows[0].cells[0].interval == ""
    confuser_table.draw_confusers(silent)


def test_a_comparison_without_any_tier_is_empty(confusers):
    assert confuser_table.build_confuser_tables(confusers.head(0)) == []
    confuser_table.draw_confusers(confusers.head(0))
