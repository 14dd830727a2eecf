import pandas as pd
import pytest
from training_defaults import TRAINING

from hardneg.common.errors import InputError
from hardneg.experiments.training_sets import WindowSources, compose, cut_to_smaller_class
from hardneg.models.training_settings import TrainingSettings


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
    return WindowSources(labelled, labelled[labelled.label == "positive"], index, mined, mined.head(0))


def change(world, **tables):
    return WindowSources(
        **{name: tables.get(name, getattr(world, name)) for name in WindowSources.__dataclass_fields__}
    )


def compose_world(world, validation="holdout", seed=1, **settings):
    return compose(world, validation, TrainingSettings.from_config(TRAINING | {"balance": "batches"} | settings), seed)


def windows_of(table):
    return set(zip(table.file_path, table.start_s, table.label, strict=True))


def test_all_windows_of_labelled_files_and_the_hardest_of_mined_ones_are_trained_on(world):
    composed = compose_world(world)
    assert composed.train.origin.value_counts().to_dict() == {"negative": 80, "positive": 40, "mined": 6}
    assert set(composed.train.label[composed.train.origin == "mined"]) == {0}
    assert set(composed.validation.file_path.str[:3]) == {"val"}
    assert composed.labelled_count == 120 and composed.warning == ""


def test_the_negatives_to_mix_in_are_the_same_for_every_tier_also_when_some_are_replaced(world):
    without = compose_world(change(world, mined=world.mined.head(0)), mined="replace")
    replaced = compose_world(world, mined="replace")
    assert windows_of(without.labelled_negatives) == windows_of(replaced.labelled_negatives)
    assert set(replaced.labelled_negatives.origin) == {"negative"} and len(replaced.labelled_negatives) == 80


@pytest.mark.parametrize("validation", ["holdout", "internal"])
@pytest.mark.parametrize("mined", ["add", "share"])
def test_a_tier_adds_its_windows_and_changes_no_other(world, validation, mined):
    for seed in (1, 2):
        without = compose_world(change(world, mined=world.mined.head(0)), validation, seed, mined=mined)
        with_tier = compose_world(world, validation, seed, mined=mined)
        added = windows_of(with_tier.train) - windows_of(without.train)
        assert windows_of(without.train) <= windows_of(with_tier.train)
        assert {path for path, _, _ in added} == set(world.mined.file_path)
        assert with_tier.labelled_hash == without.labelled_hash
        assert with_tier.labelled_count == without.labelled_count
        assert windows_of(with_tier.validation) == windows_of(without.validation)


def test_the_labelled_windows_have_another_hash_with_other_positives_or_another_internal_share(world):
    fewer = change(world, positives=world.positives.head(10))
    hashes = [
        compose_world(world).labelled_hash,
        compose_world(fewer).labelled_hash,
        compose_world(world, "internal", 1).labelled_hash,
        compose_world(world, "internal", 2).labelled_hash,
    ]
    assert len(set(hashes)) == 4 and all(text.startswith("w") for text in hashes)


def test_mined_windows_may_replace_as_many_labelled_negatives_drawn_by_the_seed(world):
    without = compose_world(change(world, mined=world.mined.head(0)), mined="replace")
    small = compose_world(change(world, mined=world.mined.head(2)), mined="replace")
    large, other = (compose_world(world, seed=seed, mined="replace") for seed in (1, 2))
    assert large.train.origin.value_counts().to_dict() == {"negative": 74, "positive": 40, "mined": 6}
    assert (without.train.label == 0).sum() == (large.train.label == 0).sum()
    left = [windows_of(without.train) - windows_of(composed.train) for composed in (small, large, other)]
    assert left[0] < left[1] != left[2]
    assert without.labelled_hash == large.labelled_hash and large.labelled_count == 120


def test_a_tier_larger_than_the_labelled_negatives_replaces_all_of_them(world):
    many = pd.concat([world.mined.assign(file_path=world.mined.file_path + str(n)) for n in range(20)])
    train = compose_world(change(world, mined=many), mined="replace").train
    assert train.origin.value_counts().to_dict() == {"mined": 120, "positive": 40}


def test_internal_validation_takes_whole_recorder_nights_out_of_training(world):
    composed = compose_world(world, "internal")
    assert not set(composed.train.group) & set(composed.validation.group)
    assert composed.validation.group.nunique() == pytest.approx(0.2 * 40, abs=2)
    assert not composed.validation.file_path.str.startswith("val").any()
    assert set(composed.validation.label) == {0, 1}


def test_internal_validation_holds_no_mined_file_and_mined_files_of_its_nights_are_not_trained_on(world):
    nights = compose_world(world, "internal").validation.group.unique()
    same_night = change(world, mined=world.mined.assign(group=[*nights[:2], "p1", "p2", "p3", "p4"]))
    composed = compose_world(same_night, "internal")
    assert "mined" not in set(composed.validation.origin)
    assert set(composed.validation.group) == set(nights)
    trained = composed.train.file_path[composed.train.origin == "mined"]
    assert set(trained) == set(world.mined.file_path[2:])


def test_the_internal_share_is_decided_by_the_seed(world):
    nights = [set(compose_world(world, "internal", seed).validation.group) for seed in (1, 1, 2)]
    assert nights[0] == nights[1] != nights[2]


def test_a_large_class_is_cut_only_when_that_is_chosen_and_with_a_warning(world, caplog):
    many = pd.concat([world.mined.assign(file_path=world.mined.file_path + str(n)) for n in range(17)]).head(100)
    for balance in ("batches", "weights", "none"):
        train = compose_world(change(world, mined=many), balance=balance).train
        assert (train.origin == "mined").sum() == 100
    with caplog.at_level("WARNING"):
        cut = compose_world(change(world, mined=many), balance="cut")
    assert cut.train.label.value_counts().to_dict() == {0: 40, 1: 40}
    assert "training.balance: cut removed" in cut.warning and " of 100 mined" in cut.warning
    assert cut.warning in caplog.text
    assert cut.labelled_hash != compose_world(world, balance="cut").labelled_hash


def test_all_of_a_tier_of_100_is_trained_on_beside_5000_negatives_and_200_positives():
    def recordings(label, count):
        names = [f"{label}{n}.wav" for n in range(count)]
        return pd.DataFrame({"file_path": names, "label": label, "split": "train", "group": names})

    labelled = pd.concat([recordings("positive", 201), recordings("negative", 5001)], ignore_index=True)
    labelled.loc[[0, len(labelled) - 1], "split"] = "val"
    index = labelled[["file_path"]].assign(start_s=0.0, end_s=3.0, array="x", row=0)
    mined = index.head(100).assign(file_path=[f"m{n}.wav" for n in range(100)], group="pool")
    sources = WindowSources(labelled, labelled[labelled.label == "positive"], index, mined, mined.head(0))
    assert compose_world(sources).train.origin.value_counts().to_dict() == {
        "negative": 5000, "positive": 200, "mined": 100,
    }  # fmt: skip


def test_the_balanced_draw_hardly_moves_when_windows_are_added(world):
    train = compose_world(world).train
    fewer = cut_to_smaller_class(train[train.origin != "mined"], 1)
    more = cut_to_smaller_class(train, 1)
    negatives = [set(zip(part.file_path, part.start_s, strict=True)) for part in (fewer, more)]
    assert len(negatives[0] & negatives[1]) >= len(negatives[0]) - 6


def test_a_missing_class_is_named_with_its_split(world):
    with pytest.raises(InputError, match=r"training set needs both classes and has 0 positive and 86 negative"):
        compose_world(change(world, positives=world.positives.head(0)))
    with pytest.raises(InputError, match=r"validation \(holdout\) set needs both classes"):
        compose_world(change(world, labelled=world.labelled[world.labelled.split == "train"]))


def test_files_that_reviewers_labeled_positive_are_trained_on_as_positives(world):
    train = compose_world(change(world, mined=world.mined.head(0), reviewed=world.mined)).train
    assert set(train.label[train.origin == "reviewed"]) == {1}
    assert set(train.file_path[train.origin == "reviewed"]) == set(world.mined.file_path)
    assert "mined" not in set(train.origin)


def test_windows_with_labels_of_their_own_are_trained_on_with_these_and_tested_by_file(world):
    index = world.labelled_index.copy()
    index["window_label"] = index.file_path.map(world.labelled.set_index("file_path").label)
    first = index.start_s == 0
    index.loc[first & index.file_path.isin(["train0p.wav", "val0p.wav"]), "window_label"] = "negative"
    index.loc[first & index.file_path.isin(["train1p.wav", "val1p.wav"]), "window_label"] = "partial"
    index.loc[first & index.file_path.isin(["train2p.wav", "val2p.wav"]), "window_label"] = ""
    composed = compose_world(change(world, labelled_index=index, mined=world.mined.head(0)))
    labels = composed.train.set_index(["file_path", "start_s"]).label
    assert labels["train0p.wav"].to_dict() == {0.0: 0, 3.0: 1}
    assert labels["train1p.wav"].to_dict() == labels["train2p.wav"].to_dict() == {3.0: 1}
    tested = composed.validation.set_index(["file_path", "start_s"]).label
    assert tested["val0p.wav"].to_dict() == tested["val1p.wav"].to_dict() == {0.0: 1, 3.0: 1}
    assert tested["val2p.wav"].to_dict() == {3.0: 1}


def test_internal_validation_tests_whole_files_although_their_windows_have_labels_of_their_own(world):
    index = world.labelled_index.copy()
    is_call = index.file_path.str.contains("p") & (index.start_s > 0)
    index["window_label"] = is_call.map({True: "positive", False: "negative"})
    composed = compose_world(change(world, labelled_index=index), validation="internal")
    positives = composed.validation[composed.validation.file_path.str.contains("p")]
    assert len(positives) and set(positives.label) == {1} and (positives.groupby("file_path").size() == 2).all()
