import json

import numpy as np
import pandas as pd
import pytest

from hardneg.common import job_records, tables
from hardneg.common.errors import InputError
from hardneg.features import store
from hardneg.report import verification


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a table, a folder, and an array with its index, all of them recorded; work in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "clips").mkdir(parents=True)
    array = np.arange(12, dtype=np.float16).reshape(4, 3)
    np.save("results/a.npy", array)
    content = store.combine_row_hashes(store.hash_rows(array))
    tables.write(pd.DataFrame({"row": range(4), "content": content}), "results/a.parquet")
    tables.write(pd.DataFrame({"file_path": ["a.wav"]}), "results/hard.csv")
    job_records.METADATA.mkdir(parents=True)
    for name in ("clips", "a.npy", "a.parquet", "hard.csv"):
        record = job_records.locate_record(job_records.METADATA, f"results/{name}")
        record.write_text(json.dumps({"rule": "make"}))
    job_records.keep_records("results")
    return tmp_path


def change_array(path):
    array = np.load(path)
    array[2, 1] += 1
    np.save(path, array)


def test_untouched_results_are_unchanged(project):
    found = verification.verify_results("results", threads=2)
    assert found == verification.Verification(unchanged=4, changed=[], missing=[])
    assert verification.describe(found) == "4 results are as their jobs wrote them."


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("hard.csv", lambda path: path.write_text(path.read_text().replace("a", "b"))),
        ("hard.csv", lambda path: path.write_text("")),
        ("a.npy", change_array),
        ("a.npy", lambda path: path.write_bytes(path.read_bytes()[:-3])),
        ("clips", lambda path: (path.rmdir(), path.touch())),
    ],
    ids=["an edited table", "an emptied table", "an edited array", "a truncated array", "a file for a folder"],
)
def test_a_changed_result_is_named(project, name, change):
    change(project / "results" / name)
    found = verification.verify_results("results", threads=2)
    assert (found.unchanged, found.changed) == (3, [name])
    with pytest.raises(InputError, match=rf"1 result\(s\) changed .* Delete them and run again:\n  {name}"):
        verification.describe(found)


def test_a_deleted_result_is_listed_and_is_no_error(project):
    (project / "results" / "hard.csv").unlink()
    text = verification.describe(verification.verify_results("results", threads=2))
    assert text == "3 results are as their jobs wrote them.\n1 results were deleted since:\n  hard.csv"


def test_results_without_records_cannot_be_verified(project):
    (project / "results" / job_records.COPY).unlink()
    with pytest.raises(InputError, match="no copy of the records"):
        verification.verify_results("results", threads=2)
