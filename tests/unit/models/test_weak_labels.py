import numpy as np

from hardneg.models.weak_labels import find_calling, find_highest

FILES = np.array([3, 3, 3, 1, 1, 2])


def test_each_file_has_one_highest_window_also_when_several_are_equal():
    confidences = np.array([0.2, 0.9, 0.9, 0.1, 0.3, 0.05])
    assert list(np.flatnonzero(find_highest(FILES, confidences))) == [1, 4, 5]


def test_a_file_keeps_what_calls_and_at_least_its_highest_window():
    confidences = np.array([0.5, 0.49, 0.9, 0.1, 0.3, 0.05])
    assert list(np.flatnonzero(find_calling(FILES, confidences))) == [0, 2, 4, 5]
