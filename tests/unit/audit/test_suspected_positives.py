import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from hardneg.audit import suspected_positives

ORIGINS = ["file_path", "recorder_id", "confidence", "label", "origin"]


def cross_fitted(negatives=600, hidden=30, seed=3):
    """Positives around a logit of 5, a pool whose tail falls exponentially, and hidden positives in it."""
    rng = np.random.default_rng(seed)
    positives, pool = rng.normal(5, 2, 200), np.append(-6 + rng.exponential(1.5, negatives), rng.normal(5, 2, hidden))
    table = pd.DataFrame(
        {
            "file_path": [f"p{n}" for n in range(200)] + [f"u{n}" for n in range(len(pool))],
            "recorder_id": [f"r{n % 10}" for n in range(200)] + [f"q{n % 10}" for n in range(len(pool))],
            "confidence": expit(np.append(positives, pool)),
        }
    )
    is_pool = table.file_path.str.startswith("u")
    return table.assign(label=(~is_pool).astype(int), origin=np.where(is_pool, "pool", "positive"))


def test_suspects_are_the_pool_files_that_are_probably_positive():
    hidden = {f"u{n}" for n in range(600, 630)}
    suspects = suspected_positives.find_suspects([cross_fitted()], None)
    assert len(suspects & hidden) >= 25 and len(suspects - hidden) <= 1


def test_without_a_pass_or_without_evidence_no_file_is_left_out_of_training():
    assert suspected_positives.find_suspects([], None) == set()
    assert suspected_positives.find_suspects([cross_fitted(hidden=0)], None) == set()


def test_a_percentile_overrides_the_derived_threshold():
    table = cross_fitted()
    half = table.confidence[table.label == 1].median()
    suspicion = suspected_positives.derive_threshold(table, 50)
    assert suspicion.threshold == pytest.approx(half) and not suspicion.is_derived
    pool = table[table.origin == "pool"]
    assert suspected_positives.find_suspects([table], 50) == set(pool.file_path[pool.confidence >= half])


def test_where_no_score_is_probably_positive_files_that_score_as_most_positives_do_are_listed():
    table = cross_fitted(hidden=0)
    suspicion = suspected_positives.derive_threshold(table, None)
    assert not suspicion.is_derived
    assert (table.confidence[table.label == 1] >= suspicion.threshold).mean() == pytest.approx(0.7, abs=0.01)


def test_no_file_is_listed_if_most_of_the_pool_scores_as_positives_do():
    table = cross_fitted(hidden=0)
    table.loc[table.origin == "pool", "confidence"] = np.linspace(0.97, 0.999, 600)
    suspicion = suspected_positives.derive_threshold(table, None)
    assert suspicion.threshold == np.inf and suspicion.mixture is not None and not suspicion.is_derived


def test_a_single_positive_gives_no_threshold():
    table = cross_fitted()
    suspicion = suspected_positives.derive_threshold(table[(table.origin == "pool") | (table.file_path == "p0")], None)
    assert suspicion.threshold == np.inf and suspicion.mixture is None


def test_passes_are_averaged_as_logits():
    rows = [("a", "r", 0.9, 0, "pool"), ("b", "r", 0.2, 0, "pool"), ("a", "r", 0.1, 0, "pool")]
    mean = suspected_positives.average_passes([pd.DataFrame(rows, columns=ORIGINS)])
    assert mean.set_index("file_path").confidence.to_dict() == pytest.approx({"a": 0.5, "b": 0.2})
