import json
import re
import shutil

import pytest

from hardneg.common import job_records
from hardneg.common.errors import InputError
from hardneg.planning.result_checks import refuse_unknown_results

OUTPUTS = [re.compile(r"results/tiers/(?P<tier>[a-z]+)\.csv$"), re.compile(r"results/report\.html$")]
TIER = "results/tiers/hard.csv"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with one recorded result and a person's own file; work in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "tiers").mkdir(parents=True)
    (tmp_path / TIER).write_text("file_path\n")
    (tmp_path / "results" / "notes.txt").touch()
    record(job_records.METADATA, TIER)
    return tmp_path


def record(folder, path):
    folder.mkdir(parents=True, exist_ok=True)
    job_records.locate_record(folder, path).write_text(json.dumps({"rule": "assign_tier"}))


def test_recorded_results_and_a_persons_own_files_are_accepted(project):
    refuse_unknown_results("results", OUTPUTS)


def test_results_without_records_are_refused_with_the_ways_out(project):
    shutil.rmtree(".snakemake")
    with pytest.raises(InputError, match=rf"1 file\(s\) that Snakemake has no record of:\n  {TIER}\n") as refusal:
        refuse_unknown_results("results", OUTPUTS)
    assert "--touch --forceall" in str(refusal.value)


def test_results_whose_records_can_be_restored_are_accepted(project):
    job_records.keep_records("results")
    shutil.rmtree(".snakemake")
    refuse_unknown_results("results", OUTPUTS)
    assert list(job_records.list_recorded(job_records.METADATA)) == [TIER]


def test_the_result_of_a_job_that_was_killed_is_left_to_snakemake(project):
    (project / "results" / "report.html").touch()
    record(job_records.INCOMPLETE, "results/report.html")
    refuse_unknown_results("results", OUTPUTS)


def test_an_empty_result_is_named(project):
    (project / TIER).write_text("")
    with pytest.raises(InputError, match=f"empty files. Delete them and run again.\n  {TIER}"):
        refuse_unknown_results("results", OUTPUTS)
