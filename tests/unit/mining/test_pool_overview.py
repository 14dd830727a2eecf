import numpy as np
import pandas as pd

from hardneg.mining import pool_overview


def pool(confidence, **columns):
    names = [f"{number:03d}.wav" for number in range(len(confidence))]
    return pd.DataFrame(
        {"file_path": names, "confidence": confidence, "recorder_id": "r", "date": "", "night": ""}
    ).assign(**columns)


def test_the_number_of_files_above_every_cut_is_known():
    overview = pool_overview.describe_pool(pool([0.0, 0.25, 0.25, 0.9996, 1.0]), hardest=24)
    assert overview.at_or_above[0] == 5
    assert overview.at_or_above[250] == 4 and overview.at_or_above[251] == 2
    assert overview.at_or_above[1000] == 1
    assert sum(overview.histogram) == 5 and overview.histogram[-1] == 2


def test_the_confidence_of_round_numbers_of_hardest_files_is_listed():
    overview = pool_overview.describe_pool(pool(np.arange(60) / 100), hardest=24)
    assert [(cut.files, cut.confidence) for cut in overview.cuts] == [(10, 0.5), (20, 0.4), (50, 0.1)]


def test_files_that_share_the_highest_confidence_are_counted():
    assert pool_overview.describe_pool(pool([1.0, 1.0, 1.0, 0.2]), hardest=2).at_top == 3
    assert pool_overview.describe_pool(pool([0.9, 0.2]), hardest=2).at_top == 1


def test_the_recorder_and_the_night_of_most_of_the_hardest_files_are_found():
    scores = pool(
        [0.9, 0.8, 0.7, 0.6, 0.1],
        recorder_id=["D7", "D7", "D7", "D8", "D9"],
        night=["2025-03-12", "2025-03-12", "2025-03-13", "2025-03-12", "2025-03-12"],
    )
    (part,) = pool_overview.describe_pool(scores, hardest=4).concentrations
    assert (part.files, part.recorder, part.recorder_share, part.recorders) == (4, "D7", 0.75, 2)
    assert (part.night, part.night_share) == ("D7@2025-03-12", 0.5)


def test_a_large_pool_also_describes_its_hardest_hundredth():
    counts = [part.files for part in pool_overview.describe_pool(pool(np.arange(5000) / 5000), 24).concentrations]
    assert counts == [24, 50]
