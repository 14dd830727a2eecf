"""The audit's accuracy counts what it flags in the tier against the truth."""

import numpy as np
import pandas as pd
from scipy.special import expit

from hardneg.benchmarks.audit_accuracy import GeneratedSet, format_table, measure_accuracy


def test_flags_are_counted_in_the_hard_tier_and_among_the_hardest_files():
    rng = np.random.default_rng(1)
    hidden = np.arange(600) < 30
    logits = np.where(hidden, rng.normal(6, 1, 600), -6 + rng.exponential(1, 600))
    logits[0], logits[-1] = -5, 6  # a missed hidden call, and a negative that scores like a call
    labelled = pd.DataFrame({"origin": ["positive", "negative"] * 100, "confidence": expit([6.0, -6.0] * 100)})
    labelled["confidence"] = expit(
        np.where(labelled.origin == "positive", rng.normal(6, 1, 200), rng.normal(-6, 1, 200))
    )
    pool = pd.DataFrame({"origin": "pool", "confidence": expit(logits)})
    cross_fitted = pd.concat([labelled, pool], ignore_index=True)
    cross_fitted["file_path"] = [f"{n}.wav" for n in range(800)]
    cross_fitted["recorder_id"] = [f"r{n % 10}" for n in range(800)]
    cross_fitted["label"] = (cross_fitted.origin == "positive").astype(int)
    paths = cross_fitted.file_path[200:].to_numpy()
    hard = hidden | (np.arange(600) >= 580)
    scores = pd.DataFrame({"file_path": paths, "confidence": np.where(hard, 0.9, 0.1), "hidden": hidden})
    found = measure_accuracy(GeneratedSet("set", seed=1), scores, cross_fitted, cpu_s=3.0)
    assert found.can_tell and found.truly_hidden == found.tier_hidden == 30 and found.tier_negatives == 20
    assert (found.found, found.false_alarms) == (29, 1)
    assert (found.hardest_negatives, found.hardest_false_alarms) == (0, 0)
    row = format_table(pd.DataFrame([found])).splitlines()[2]
    assert row.startswith("| set | 1 |") and row.endswith("| yes | 29 of 30 | 1 of 20 | 0 of 0 |")
