import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardneg.common import tables
from hardneg.common.formulas import escape_formulas, unescape_formulas

NAMES = ["=1+1.wav", "+x", "-x", "@x", "\tx", "\rx", "'=x", "''=x", "'x", "x=1", "", "-0.5", "+1e-3", "\u2212x"]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+cmd|x", "-2+3", "@SUM(1)", "\t=1", "\n=1"])
def test_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(tmp_path, name):
    tables.write(pd.DataFrame({"file_path": [name]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1].lstrip('"').startswith("'")
    assert tables.read(tmp_path / "a.csv").file_path[0].strip() == name.strip()


def test_text_after_a_carriage_return_gets_an_apostrophe_too():
    assert escape_formulas(pd.DataFrame({"site": ["\r=1"]})).site[0] == "'\r=1"


def test_numbers_and_other_text_stay_unchanged():
    table = pd.DataFrame({"score": [-0.5, 1.0], "value": ["-0.5", "hard"], "mixed": [None, -3]})
    pd.testing.assert_frame_equal(escape_formulas(table), table)


@given(st.lists(st.one_of(st.sampled_from(NAMES), st.text(st.sampled_from("'=+-@\t1.ea")))))
def test_every_text_is_read_back_as_it_was(names):
    table = pd.DataFrame({"file_path": pd.Series(names, dtype=object)})
    pd.testing.assert_frame_equal(unescape_formulas(escape_formulas(table)), table)
