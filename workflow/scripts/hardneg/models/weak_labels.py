"""Which windows of a positive file to train on, when a label means only that the file has a call somewhere."""

import numpy as np
import numpy.typing as npt

# The second pass trains on the windows that the first pass scores at least this high.
CALLING_CONFIDENCE = 0.5


def find_highest(files: npt.NDArray[np.integer], confidences: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Find the highest window of each file; of equally high ones, the first.

    Parameters
    ----------
    files : a number for each window that tells its file, shape (n,).
    confidences : of the windows, shape (n,).

    Examples
    --------
    >>> find_highest(np.array([0, 0, 1, 1]), np.array([0.2, 0.9, 0.4, 0.4]))
    array([False,  True,  True, False])
    """
    order = np.lexsort((-confidences, files))
    is_first = np.append(True, np.diff(files[order]) != 0)
    highest = np.zeros(len(files), bool)
    highest[order[is_first]] = True
    return highest


def find_calling(files: npt.NDArray[np.integer], confidences: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Find the windows that a detector takes for calls, and the highest window of each file.

    See :func:`find_highest` for the parameters.
    """
    return (confidences >= CALLING_CONFIDENCE) | find_highest(files, confidences)
