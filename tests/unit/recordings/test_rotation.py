import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.recordings import checks, manifest
from hardneg.recordings.manifest import SplitSettings, assign_splits
from hardneg.recordings.rotation import plan_rotation

SITES = ("marsh", "creek", "ridge")


@pytest.fixture
def table():
    """Three sites with four recorder-nights of two files each, and a pool at two of them."""
    rows = [
        {"file_path": f"{site}/{night}{label}.wav", "label": label, "recorder_id": f"{site}{night}", "site": site}
        for site in SITES
        for night in range(4)
        for label in ("positive", "negative")
    ]
    rows += [
        {"file_path": f"{site}/p{number}.wav", "label": "negative", "recorder_id": f"{site}-pool{number}", "site": site}
        | {"split": "pool"}
        for site in ("marsh", "hill")
        for number in range(3)
    ]
    return manifest.complete(pd.DataFrame(rows).fillna("").astype(object), "test")


def fold(table, *sites, **settings):
    defaults = {"validation_fraction": 0.3, "iid_fraction": 0.2}
    return assign_splits(table, SplitSettings(list(sites), as_fold=True, **defaults | settings))


def test_each_site_with_both_classes_is_held_out_once(table):
    only_negatives = table[table.site == "ridge"].assign(label="negative", site="dunes")
    rotation = plan_rotation(pd.concat([table, only_negatives]), "site")
    assert rotation.folds == {"creek": ["creek"], "marsh": ["marsh"], "ridge": ["ridge"]}
    assert rotation.left_out == ["dunes"]


def test_groups_of_sites_are_held_out_together_and_their_folders_have_plain_names(table):
    table = table.replace({"creek": "Übersee creek"})
    folds = plan_rotation(table, [["marsh", "Übersee creek"], ["ridge"]]).folds
    assert folds == {"marsh_bersee_creek": ["marsh", "Übersee creek"], "ridge": ["ridge"]}


def test_sites_whose_plain_names_are_the_same_get_different_folders(table):
    folds = plan_rotation(table.replace({"creek": "a/b", "marsh": "a b"}), "site").folds
    assert sorted(folds.values()) == [["a b"], ["a/b"], ["ridge"]] and len(folds) == 3


@pytest.mark.parametrize(
    ("rotate", "message"),
    [
        ([["marsh"], ["swamp"]], "names 'swamp', but no labeled recording is from there"),
        ([["marsh"], ["marsh", "creek"]], "'marsh' is in several groups"),
        ([["marsh"], ["dunes"]], "the group dunes has no positive recording"),
    ],
)
def test_a_rotation_that_cannot_be_meant_is_refused(table, rotate, message):
    dunes = table[table.site == "ridge"].assign(label="negative", site="dunes")
    with pytest.raises(InputError, match=message):
        plan_rotation(pd.concat([table, dunes]), rotate)


def test_one_site_is_too_few_to_rotate(table):
    with pytest.raises(InputError, match="needs at least 2 sites"):
        plan_rotation(table[table.site == "marsh"], "site")


def test_nothing_of_a_site_is_in_any_other_split_while_it_is_held_out(table):
    for site in SITES:
        splits = fold(table, site, pool_test_fraction=0.4)
        at_site = splits[splits.site == site]
        assert set(at_site.split[~at_site.file_path.str.contains("/p")]) == {"test_ood"}
        assert set(at_site.split) <= {"test_ood", "test_pool"}
        assert not (splits.split[splits.site != site] == "test_ood").any()
        checks.check_split_rules(splits, checks.MANIFEST_RULES)


def test_the_other_sites_keep_their_splits_from_fold_to_fold(table):
    first, second = fold(table, "marsh"), fold(table, "creek")
    elsewhere = (table.site == "ridge").to_numpy()
    assert first.split[elsewhere].tolist() == second.split[elsewhere].tolist()


def test_a_test_that_the_manifest_names_is_training_data_while_other_sites_are_held_out(table):
    table = table.assign(split=table.split.mask((table.site == "ridge") & (table.split == ""), "test_ood"))
    splits = fold(table, "marsh")
    assert not (splits.split[splits.site == "ridge"] == "test_ood").any()
    assert set(fold(table, "ridge").split[table.site == "ridge"]) == {"test_ood"}
