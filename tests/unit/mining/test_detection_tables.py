import numpy as np
import pandas as pd

from hardneg.mining import detection_tables


def test_detections_are_read_back_from_both_formats(tmp_path):
    detections = pd.DataFrame(
        {"file_path": "x/rec.wav", "start_s": [0.0, 4.5], "end_s": [3.0, 7.5], "confidence": [0.51234, 0.9]}
    )
    detection_tables.write_detections(detections, "Rana draytonii_Red-legged Frog", 24000, tmp_path / "rec")
    for suffix in (detection_tables.CSV_SUFFIX, detection_tables.RAVEN_SUFFIX):
        table = detection_tables.read_detections(tmp_path / f"rec{suffix}")
        np.testing.assert_allclose(table[["start_s", "end_s"]], detections[["start_s", "end_s"]])
        np.testing.assert_allclose(table.confidence, [0.5123, 0.9])
        assert list(table.scientific_name.unique()) == ["Rana draytonii"]
        assert list(table.common_name.unique()) == ["Red-legged Frog"]
