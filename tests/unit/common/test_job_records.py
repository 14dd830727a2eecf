import base64
import json
import os
import shutil

import pytest

from hardneg.common import job_records
from hardneg.common.errors import InputError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with one result that Snakemake has a record of; work in it."""
    monkeypatch.chdir(tmp_path)
    make("results/tiers/hard.csv", "file_path\n", top_k=20)
    return tmp_path


def make(path, text, **parameters):
    """Write a result and its record as Snakemake does."""
    file = job_records.Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    job_records.METADATA.mkdir(parents=True, exist_ok=True)
    record = job_records.locate_record(job_records.METADATA, path)
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({"rule": "assign_tier", "params": [repr(parameters)]}))


def test_records_that_were_deleted_are_restored_from_the_copy_in_the_results(project):
    before = job_records.read_job_record(job_records.METADATA, "results/tiers/hard.csv")
    job_records.keep_records("results")
    shutil.rmtree(".snakemake")
    assert job_records.restore_records("results") == {"results/tiers/hard.csv"}
    assert job_records.read_job_record(job_records.METADATA, "results/tiers/hard.csv") == before


def test_a_copy_of_a_file_with_another_time_counts_as_the_file_itself(project):
    job_records.keep_records("results")
    shutil.rmtree(".snakemake")
    os.utime("results/tiers/hard.csv", ns=(1, 1))
    assert job_records.restore_records("results") == {"results/tiers/hard.csv"}


def test_a_folder_that_a_job_made_gets_its_record_back(project):
    (project / "results" / "clips").mkdir()
    job_records.locate_record(job_records.METADATA, "results/clips").write_text('{"rule": "cut_clips"}')
    job_records.keep_records("results")
    shutil.rmtree(".snakemake")
    assert "results/clips" in job_records.restore_records("results")


def test_a_file_that_changed_gets_no_record_back(project):
    job_records.keep_records("results")
    shutil.rmtree(".snakemake")
    (project / "results/tiers/hard.csv").write_text("file_PATH\n")
    os.utime("results/tiers/hard.csv", ns=(1, 1))
    assert job_records.restore_records("results") == set()


def test_results_that_moved_to_another_folder_get_no_records_back(project):
    job_records.keep_records("results")
    (project / "results").rename(project / "old")
    assert job_records.restore_records("old") == set()


def test_a_file_keeps_the_hash_that_it_was_made_with_until_its_job_runs_again(project):
    job_records.keep_records("results")
    made = job_records.read_copy("results")["tiers/hard.csv"]
    (project / "results/tiers/hard.csv").write_text("edited by hand\n")
    make("results/tiers/top.csv", "file_path\n", top_k=5)
    job_records.keep_records("results")
    assert job_records.read_copy("results")["tiers/hard.csv"] == made
    assert set(job_records.read_copy("results")) == {"tiers/hard.csv", "tiers/top.csv"}
    make("results/tiers/hard.csv", "made again\n", top_k=21)
    job_records.keep_records("results")
    assert job_records.read_copy("results")["tiers/hard.csv"].sha256 != made.sha256


def test_a_damaged_copy_is_named(project):
    job_records.keep_records("results")
    copy = project / "results" / job_records.COPY
    copy.write_bytes(copy.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"made_from\.jsonl\.gz is damaged .*: delete it"):
        job_records.read_copy("results")


def test_a_record_with_a_name_too_long_for_the_file_system_is_found(tmp_path):
    path = "folder/" * 40 + "table.csv"
    encoded = base64.urlsafe_b64encode(path.encode()).decode()
    (tmp_path / f"@{encoded[:254]}").mkdir()
    (tmp_path / f"@{encoded[:254]}" / encoded[254:]).write_text('{"rule": "compare"}')
    assert job_records.read_job_record(tmp_path, path) == {"rule": "compare"}
    assert list(job_records.list_recorded(tmp_path)) == [path]
