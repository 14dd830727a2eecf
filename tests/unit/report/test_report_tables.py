import pandas as pd

from hardneg.models.metrics import METRICS
from hardneg.report import report_tables


def test_runs_without_scores_have_no_matched_operating_points_and_no_table_of_them():
    row = {"vary": "tier", "value": "hard", "baseline": "none", "split": "test_ood", "n": 3, "verdict": "undecided"}
    deltas = pd.DataFrame([row | {"metric": metric} for metric in METRICS])
    tables = report_tables.build_comparison_tables(deltas)
    assert [table.question.title for table in tables] == ["Ranking", "At the frozen threshold"]
