import numpy as np
import pandas as pd
import pytest

from hardneg import tables
from hardneg.files import replacing


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_numbers_come_back_to_the_last_bit(tmp_path, suffix):
    values = np.random.default_rng(0).random(2000) / 3
    tables.write(pd.DataFrame({"x": values}), tmp_path / f"t.{suffix}")
    assert list(tables.read(tmp_path / f"t.{suffix}").x) == list(values)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    (tmp_path / "t.csv").write_text("old")
    with pytest.raises(RuntimeError), replacing(tmp_path / "t.csv") as draft:
        draft.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    assert (tmp_path / "t.csv").read_text() == "old"
