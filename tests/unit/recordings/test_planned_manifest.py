import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.recordings import planned_manifest
from hardneg.recordings.planned_manifest import PlannedManifest

RECORDINGS = pd.DataFrame(
    {"file_path": ["a", "b", "c", "d"], "recorder_id": ["7", "007", "", "x"], "shard": ["pool-1", "lab-1", "pool-1", "pool-2"]},
    dtype=object,
)  # fmt: skip
HASHES = {"pool-1": "h1", "lab-1": "h2", "pool-2": "h3"}
SETTINGS = {"manifest": "m.csv", "files_per_shard": 2}


@pytest.fixture
def folder(tmp_path):
    planned_manifest.write(tmp_path / "planned", RECORDINGS, HASHES, True, False, SETTINGS)
    return tmp_path / "planned"


def test_a_job_gets_the_rows_of_its_shard_in_the_order_of_the_manifest(folder):
    for shard, shard_hash in HASHES.items():
        rows = RECORDINGS[RECORDINGS.shard == shard].reset_index(drop=True)
        pd.testing.assert_frame_equal(planned_manifest.read_shard(folder, shard, shard_hash), rows)
    assert sorted(planned_manifest.read_recordings(folder).file_path) == list("abcd")


@pytest.mark.parametrize(("shard", "shard_hash"), [("pool-1", "other"), ("pool-9", "h1")])
def test_a_shard_that_was_planned_otherwise_is_refused(folder, shard, shard_hash):
    with pytest.raises(InputError, match=f"no plan of shard {shard}"):
        planned_manifest.read_shard(folder, shard, shard_hash)


def test_a_plan_counts_only_for_the_settings_that_it_was_made_with(folder, tmp_path):
    assert PlannedManifest.read(folder, SETTINGS).hashes == HASHES
    assert PlannedManifest.read(folder, SETTINGS | {"files_per_shard": 3}) is None
    assert PlannedManifest.read(tmp_path, SETTINGS) is None


def test_a_plan_is_written_again_only_if_it_changed(folder):
    before = (folder / planned_manifest.TABLE).stat().st_ino
    planned_manifest.write(folder, RECORDINGS, HASHES, True, False, SETTINGS)
    assert (folder / planned_manifest.TABLE).stat().st_ino == before
    planned_manifest.write(folder, RECORDINGS, HASHES | {"pool-2": "h4"}, True, False, SETTINGS)
    assert (folder / planned_manifest.TABLE).stat().st_ino != before
