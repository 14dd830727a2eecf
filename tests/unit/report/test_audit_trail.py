import base64
import hashlib
import json

import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.report import audit_trail
from hardneg.report.audit_trail import AuditTrail


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a raw file, a table made from it, and Snakemake's record of the job that made the table."""
    monkeypatch.chdir(tmp_path)
    metadata = tmp_path / "metadata"
    metadata.mkdir()
    (tmp_path / "raw.csv").write_text("a\n")
    (tmp_path / "table.csv").write_text("b\n")
    record = {
        "rule": "compare", "input": ["raw.csv", "other/run.csv"], "starttime": 100.0, "endtime": 102.5,
        "input_checksums": {"raw.csv": "sha256:" + hashlib.sha256(b"a\n").hexdigest()},
        "params": ["'0123456789abcdef'", "{'alpha': 0.05}"],
    }  # fmt: skip
    (metadata / base64.urlsafe_b64encode(b"table.csv").decode()).write_text(json.dumps(record))
    return tmp_path


def trace(project):
    raw, table = audit_trail.trace_file(project / "metadata", "table.csv", ("other/",))
    return raw, table


def test_sources_come_first_and_ignored_folders_are_left_out(project):
    raw, table = trace(project)
    assert (raw.path, raw.rule, raw.unchanged) == ("raw.csv", "", True)
    assert (table.path, table.rule, table.inputs, table.unchanged) == ("table.csv", "compare", ["raw.csv"], None)
    assert (table.code, table.parameters, table.seconds) == ("0123456789abcdef", "{'alpha': 0.05}", 2.5)


def test_a_source_that_changed_after_a_job_read_it_is_named_at_the_top(project):
    (project / "raw.csv").write_text("changed\n")
    difference = pd.Series(
        {"metric": "f1", "split": "test_ood", "value": "hard", "baseline": "none", "positive_subset": "base",
         "difference": 0.05, "ci_low": 0.01, "ci_high": 0.09, "p_adjusted": 0.01, "verdict": "improves", "effect_of_interest": 0.03}
    )  # fmt: skip
    pairs = pd.DataFrame(
        {"positive_subset": ["base"], "seed": 1, "score": 0.9, "score_baseline": 0.85, "change": 0.05,
         "run": "runs/a", "baseline_run": "runs/b"}
    )  # fmt: skip
    page = audit_trail.render_trail(AuditTrail(difference, pairs, list(trace(project)), {"torch": "2"}, 7))
    lines = page.splitlines()
    assert "hard compared with none (positive subset base): +5.0 points** [+1.0, +9.0]" in lines[2]
    assert lines[4] == "Of the 2 files behind this number, 1 changed after a job read them: `raw.csv`."
    assert "| 1 | 0.9000 | 0.8500 | +5.0 | `runs/a` | `runs/b` |" in lines


@pytest.mark.parametrize(
    ("metric", "difference", "operating_point"),
    [
        ("f1", "+5.0 points", "at the thresholds frozen on validation"),
        ("average_precision", "+5.0 points", "which need no threshold"),
        ("recall_at_baseline_precision", "+5.0 points", "at the operating point of the baseline"),
        ("false_positives_per_hour", "+0.1", "at the thresholds frozen on validation"),
    ],
)
def test_the_number_has_the_unit_and_the_operating_point_of_its_metric(project, metric, difference, operating_point):
    row = pd.Series(
        {"metric": metric, "split": "test_ood", "value": "hard", "baseline": "none", "difference": 0.05, "n": 1,
         "ci_low": float("nan"), "ci_high": float("nan"), "p_adjusted": float("nan"), "verdict": "no verdict",
         "reason": "one seed", "effect_of_interest": 0.03}
    )  # fmt: skip
    pairs = pd.DataFrame(
        {"seed": [1], "score": 0.9, "score_baseline": 0.85, "change": 0.05, "run": "a", "baseline_run": "b"}
    )
    lines = audit_trail.render_trail(AuditTrail(row, pairs, [], {}, 7)).splitlines()
    assert f"compared with none: {difference}**, adjusted p \N{EN DASH}: no verdict (one seed)." in lines[2]
    assert f"the mean of these differences, {operating_point}:" in "\n".join(lines)


@pytest.mark.parametrize(
    ("cells", "message"),
    [({"tier": "hard"}, "no column tier. Use one of: value"), ({"value": "soft"}, "value = soft .* Use one of: hard")],
)
def test_cells_that_no_difference_has_are_refused_with_those_that_exist(cells, message):
    with pytest.raises(InputError, match=message):
        audit_trail.select_difference(pd.DataFrame({"value": ["hard"], "metric": "f1"}), cells)
