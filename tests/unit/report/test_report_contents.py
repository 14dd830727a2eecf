import pandas as pd
import pytest

from hardneg.report.report_contents import find_only_site


@pytest.mark.parametrize(
    ("sites", "only"),
    [
        (["pond", "pond"], "“pond”"),
        (["pond", "lake"], ""),
        ([""], ""),
        ([], ""),
        (["right\u202eleft"], "“right⟨U+202E⟩left”"),
    ],
)
def test_the_out_of_distribution_test_has_a_name_only_if_it_is_one_site(sites, only):
    rows = [("test_ood", site) for site in sites] + [("test_iid", "meadow"), ("train", "hill")]
    assert find_only_site(pd.DataFrame(rows, columns=["split", "site"])) == only
