import pandas as pd
import pytest

from hardneg.audit import suspected_positives

POSITIVES = [(f"p{n}", n / 10, 1, "positive") for n in range(1, 10)]


def test_suspects_are_pool_files_that_score_as_positives_do():
    fitted = pd.DataFrame(
        [*POSITIVES, ("n", 0.9, 0, "negative"), ("q", 0.9, 0, "pool"), ("r", 0.1, 0, "pool")],
        columns=["file_path", "confidence", "label", "origin"],
    )
    assert suspected_positives.find_suspects([fitted], 10) == {"q"}
    assert suspected_positives.find_suspects([], 10) == set()


def test_passes_are_averaged_as_logits():
    passes = pd.DataFrame({"file_path": ["a", "b", "a"], "confidence": [0.9, 0.2, 0.1], "label": 0, "origin": "pool"})
    assert suspected_positives.average_passes([passes]).set_index("file_path").confidence.to_dict() == pytest.approx(
        {"a": 0.5, "b": 0.2}
    )
