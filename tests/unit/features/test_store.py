import numpy as np
import pandas as pd
import pytest

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.features import store


@pytest.fixture
def index():
    return pd.DataFrame(
        {
            "file_path": ["a", "a", "b"],
            "start_s": [0.0, 3.0, 0.0],
            "end_s": [3.0, 6.0, 3.0],
            "array": "x.npy",
            "row": [0, 1, 2],
        }
    )


def test_windows_are_located_in_their_order_with_the_columns_that_they_lack(index):
    windows = pd.DataFrame(
        {"file_path": ["b", "a"], "start_s": [0.0, 3.0], "end_s": [3.0, 6.0], "confidence": [0.9, 0.8]}
    )
    located = store.locate_windows(windows, index)
    assert list(located.columns) == ["file_path", "start_s", "end_s", "confidence", "array", "row"]
    assert list(located["row"]) == [2, 1] and list(located.confidence) == [0.9, 0.8]


def test_a_window_that_is_listed_twice_is_refused(index):
    windows = pd.DataFrame({"file_path": ["a", "a"], "start_s": [0.0, 0.0]})
    with pytest.raises(pd.errors.MergeError):
        store.locate_windows(windows, index)


@pytest.fixture
def shard(tmp_path):
    """The paths of a shard's index, by the path of its array."""
    array = np.random.default_rng(0).standard_normal((5, 4, 3)).astype(np.float16)
    np.save(tmp_path / "a.npy", array)
    content = store.combine_row_hashes(store.hash_rows(array))
    rows = pd.DataFrame({"file_path": "a", "start_s": np.arange(5.0), "end_s": 1.0, "row": range(5)})
    tables.write(rows.assign(content=content), tmp_path / "a.parquet")
    return {str(tmp_path / "a.npy"): str(tmp_path / "a.parquet")}


def test_arrays_that_are_as_they_were_made_are_merged(shard, tmp_path):
    store.merge_indexes(shard, tmp_path / "merged.parquet", threads=2)
    assert len(tables.read(tmp_path / "merged.parquet")) == 5


def test_an_array_whose_content_changed_is_named_when_indexes_are_merged(shard, tmp_path):
    (path,) = shard
    array = np.load(path)
    array[3, 2, 1] += 1
    np.save(path, array)
    with pytest.raises(InputError, match=r"another hash. Delete them and run again.\n  .*a\.npy"):
        store.merge_indexes(shard, tmp_path / "merged.parquet")
    assert not (tmp_path / "merged.parquet").exists()


@pytest.mark.parametrize("keep", [0, 30, 200], ids=["empty", "half a header", "half the rows"])
def test_a_truncated_array_is_named_with_the_command_that_makes_it_again(shard, keep):
    (path,) = shard
    with open(path, "r+b") as file:
        file.truncate(keep)
    index = pd.DataFrame({"array": [path], "row": [4]})
    with pytest.raises(InputError, match=r"a\.npy is damaged or truncated .*Make it again with `snakemake .*a\.npy`"):
        store.load(index)


def test_an_array_that_is_too_short_for_its_index_is_named(shard):
    (path,) = shard
    with pytest.raises(InputError, match="it has 5 rows instead of at least 9"):
        store.load(pd.DataFrame({"array": [path], "row": [8]}))


def test_an_array_that_was_deleted_is_named_with_the_command_that_makes_it_again():
    with pytest.raises(
        InputError, match=r"the file does not exist. Make it again with `snakemake --cores all gone\.npy`"
    ):
        store.load(pd.DataFrame({"array": ["gone.npy"], "row": [0]}))
