from dataclasses import replace

import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.recordings import manifest, sharding
from hardneg.recordings.manifest import SplitSettings
from hardneg.recordings.nights import name_recorder_nights


def nights(first, last, recorders=10, files=5, split="pool"):
    rows = [
        (
            f"r{recorder}_{night}_{n}.wav",
            "negative",
            split,
            f"r{recorder}",
            f"2025-{1 + night // 28:02d}-{1 + night % 28:02d}",
        )
        for night in range(first, last)
        for recorder in range(recorders)
        for n in range(files)
    ]
    table = pd.DataFrame(rows, columns=["file_path", "label", "split", "recorder_id", "date"])
    return manifest.complete(table.astype(object), "test")


def test_a_recorder_night_is_in_one_shard_and_shards_have_about_the_requested_size():
    table = nights(0, 40)
    shards = sharding.assign_shards(table, 100)
    assert shards.groupby(table.group).nunique().max() == 1
    assert 50 < shards.value_counts().mean() < 200


def test_new_nights_change_at_most_one_old_shard():
    old = set(sharding.assign_shards(nights(0, 30), 100))
    new = set(sharding.assign_shards(nights(0, 40), 100))
    assert len(old - new) <= 1
    assert len(new - old) > 1


def test_a_new_recorder_in_the_middle_changes_only_its_own_shards():
    table = nights(0, 30)
    late = (
        table[table.recorder_id == "r3"].iloc[:5].assign(recorder_id="late", file_path=[f"l{n}.wav" for n in range(5)])
    )
    late["group"] = name_recorder_nights(late)
    old, new = (
        set(sharding.assign_shards(table, 100)),
        set(sharding.assign_shards(pd.concat([table, late], ignore_index=True), 100)),
    )
    assert len(old - new) <= 1


def test_the_order_of_rows_does_not_matter():
    table = nights(0, 20)
    shuffled = table.sample(frac=1, random_state=1)
    assert sharding.assign_shards(shuffled, 50).sort_index().equals(sharding.assign_shards(table, 50))


def test_no_shard_has_both_pool_and_labelled_recordings():
    table = pd.concat([nights(0, 3), nights(5, 8, split="train")], ignore_index=True)
    parts = sharding.assign_shards(table, 1000).str.split("-").str[0]
    assert list(parts) == ["pool"] * 150 + ["labelled"] * 150


def test_a_changed_file_changes_the_hash_of_its_shard_only(tmp_path):
    table = nights(0, 6)
    for path in table.file_path:
        (tmp_path / path).write_bytes(b"x")
    table["shard"] = sharding.assign_shards(table, 50)
    before = sharding.hash_shards(table, str(tmp_path))
    (tmp_path / table.file_path[0]).write_bytes(b"longer")
    after = sharding.hash_shards(table, str(tmp_path))
    assert {shard for shard in before if before[shard] != after[shard]} == {table.shard[0]}


@pytest.mark.parametrize(("split", "missing"), [("pool", "train"), ("train", "pool")])
def test_a_manifest_without_a_pool_or_without_training_recordings_is_refused(split, missing):
    settings = SplitSettings([], validation_fraction=0.1, iid_fraction=0.1)
    with pytest.raises(InputError, match=f"no row of split {missing}"):
        sharding.assign_splits_and_shards(nights(0, 3, split=split), settings, 100)


def test_an_unknown_ood_site_is_named_with_the_sites_of_the_manifest():
    table = pd.concat([nights(0, 3), nights(5, 8, split="train").assign(site="pond")], ignore_index=True)
    settings = SplitSettings(["pond", "Creek"], validation_fraction=0.1, iid_fraction=0.1)
    with pytest.raises(InputError, match="ood_sites names 'Creek', but the manifest has no such site; it has: pond"):
        sharding.assign_splits_and_shards(table, settings, 100)
    assert len(sharding.assign_splits_and_shards(table, replace(settings, ood_sites=["pond"]), 100)) == len(table)
    with pytest.raises(InputError, match="it has none"):
        sharding.assign_splits_and_shards(table.assign(site=""), settings, 100)
