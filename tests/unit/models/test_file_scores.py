import numpy as np
import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.models.file_scores import score_by_highest_window


def test_a_file_is_scored_by_its_most_confident_window_and_keeps_its_row_when_quiet():
    windows = pd.DataFrame(
        [("quiet.wav", 0.0, 3.0, 0.01), ("loud.wav", 0.0, 3.0, 0.2), ("loud.wav", 3.0, 6.0, 0.98)],
        columns=["file_path", "start_s", "end_s", "confidence"],
    )
    scored = score_by_highest_window(windows)
    assert list(scored.file_path) == ["loud.wav", "quiet.wav"]
    assert (scored.start_s[0], scored.confidence[0]) == (3.0, 0.98)
    with pytest.raises(InputError, match=r"quiet\.wav: confidence nan at 0\.0 s"):
        score_by_highest_window(windows.assign(confidence=[np.nan, 0.2, 0.98]))
