import errno
import os
import re

import pytest
import torch

from hardneg.common.errors import InputError, describe_remedy


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), r"In results: File too large\. .*ulimit -f"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "a.npy"), r"a\.npy: Too many open files\. .*ulimit -n"),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "a.csv"),
            r"a\.csv: Permission denied\. Your account",
        ),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), "a.csv"), r"a\.csv: Read-only file system\. "),
        (FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), "out"), r"out: File exists\. A file stands where"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on the disk of results"),
        (RuntimeError("can't start new thread"), "Memory ran out"),
        (MemoryError(), r"Memory ran out\. Let fewer jobs run at once"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "Memory ran out"),
        (InputError("as it is"), "^as it is$"),
    ],
)
def test_what_a_person_can_mend_comes_with_its_remedy(error, message):
    assert re.search(message, describe_remedy(error, "results"))


def test_memory_that_torch_cannot_have_is_named():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert describe_remedy(caught.value, "results").startswith("Memory ran out")


def test_an_error_of_the_program_keeps_its_traceback():
    assert describe_remedy(RuntimeError("shapes differ"), "results") == describe_remedy(KeyError("a"), "results") == ""
