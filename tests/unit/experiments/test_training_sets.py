import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.experiments.training_sets import compose, cut_to_smaller_class


@pytest.fixture
def world():
    """Twenty recorders in train and three in val, each with one positive and two negative files of two windows."""
    rows = [
        (f"{split}{n}{kind}.wav", "positive" if kind == "p" else "negative", split, f"{split}{n}{kind == 'p'}")
        for split, count in (("train", 20), ("val", 3))
        for n in range(count)
        for kind in "pab"
    ]
    labelled = pd.DataFrame(rows, columns=["file_path", "label", "split", "group"])
    index = pd.concat([labelled[["file_path"]].assign(start_s=start, end_s=start + 3) for start in (0.0, 3.0)])
    index = index.assign(array="x.npy", row=range(len(index)))
    mined = pd.DataFrame({"file_path": [f"m{n}.wav" for n in range(6)], "start_s": 9.0, "end_s": 12.0})
    mined = mined.assign(array="y.npy", row=range(6), group="pool")
    return labelled, labelled[labelled.label == "positive"], index, mined


def compose_world(world, **changes):
    labelled, positives, index, mined = world
    defaults = {"validation": "holdout", "internal_fraction": 0.2, "balance": False, "seed": 1}
    return compose(labelled, positives, index, mined, mined.head(0), **(defaults | changes))


def test_all_windows_of_labelled_files_and_the_hardest_of_mined_ones_are_trained_on(world):
    train, validation = compose_world(world)
    assert train.origin.value_counts().to_dict() == {"negative": 80, "positive": 40, "mined": 6}
    assert set(train.label[train.origin == "mined"]) == {0}
    assert set(validation.file_path.str[:3]) == {"val"}


def test_internal_validation_takes_whole_recorder_nights_out_of_training(world):
    train, validation = compose_world(world, validation="internal")
    assert not set(train.group) & set(validation.group)
    assert validation.group.nunique() == pytest.approx(0.2 * 41, abs=2)
    assert not validation.file_path.str.startswith("val").any()
    assert set(validation.label) == {0, 1}


def test_the_internal_share_is_decided_by_the_seed(world):
    nights = [set(compose_world(world, validation="internal", seed=seed)[1].group) for seed in (1, 1, 2)]
    assert nights[0] == nights[1] != nights[2]


def test_balance_cuts_the_larger_class_after_the_tier_is_added(world):
    train, _ = compose_world(world, balance=True)
    assert train.label.value_counts().to_dict() == {0: 40, 1: 40}
    assert (train.origin == "mined").any()


def test_the_balanced_draw_hardly_moves_when_windows_are_added(world):
    train, _ = compose_world(world)
    fewer = cut_to_smaller_class(train[train.origin != "mined"], 1)
    more = cut_to_smaller_class(train, 1)
    negatives = [set(zip(part.file_path, part.start_s, strict=True)) for part in (fewer, more)]
    assert len(negatives[0] & negatives[1]) >= len(negatives[0]) - 6


def test_a_missing_class_is_named_with_its_split(world):
    labelled, positives, index, mined = world
    with pytest.raises(InputError, match=r"training set needs both classes and has 0 positive and 86 negative"):
        compose(labelled, positives.head(0), index, mined, mined.head(0), "holdout", 0.2, False, 1)
    with pytest.raises(InputError, match=r"validation \(holdout\) set needs both classes"):
        compose(labelled[labelled.split == "train"], positives, index, mined, mined.head(0), "holdout", 0.2, False, 1)


def test_files_that_reviewers_labeled_positive_are_trained_on_as_positives(world):
    labelled, positives, index, mined = world
    train, _ = compose(labelled, positives, index, mined.head(0), mined, "holdout", 0.2, False, 1)
    assert set(train.label[train.origin == "reviewed"]) == {1}
    assert set(train.file_path[train.origin == "reviewed"]) == set(mined.file_path)
    assert "mined" not in set(train.origin)
