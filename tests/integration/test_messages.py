"""Messages for people whose input is wrong."""

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


def test_an_unknown_key_is_named_without_a_traceback(small, changed):
    config = changed(lambda config: config["training"].update(epoch=3))
    printed = small.snakemake("--dry-run", config=config, fails=True)
    assert "unknown key 'epoch' at training: did you mean 'epochs'?" in printed
    assert "Traceback" not in printed


def test_a_violated_split_rule_stops_the_run_with_the_rows(small, changed):
    table = pd.read_csv(small.path("data/manifest.csv"), dtype=str, keep_default_na=False)
    labelled = table.index[table.split == ""][0]
    table.loc[labelled, "recorder_id"] = table.recorder_id[table.split == "pool"].iloc[0]
    table.loc[labelled, "date"] = "2030-01-01"
    table.to_csv(small.path("data/breach.csv"), index=False)
    config = changed(lambda config: config.update(manifest="data/breach.csv", pathvars={"results": "results/breach"}))
    printed = small.snakemake("results/breach/inputs/recordings.parquet", config=config, fails=True)
    assert "The pool's recorders must appear in no other split. These rows break the rule:" in printed
    assert table.file_path[labelled] in printed
    assert "Traceback" not in printed


def test_bad_recordings_are_rejected_with_reasons_and_no_good_one_is_lost(small, changed):
    table = pd.read_csv(small.path("data/manifest.csv"), dtype=str, keep_default_na=False)
    small.path("data/audio/empty.wav").touch()
    small.path("data/audio/text.wav").write_text("not audio")
    bad = table.tail(3).assign(file_path=["absent.wav", "empty.wav", "text.wav"])
    pd.concat([table, bad]).to_csv(small.path("data/bad.csv"), index=False)
    config = changed(lambda config: config.update(manifest="data/bad.csv", pathvars={"results": "results/bad"}))
    small.snakemake("results/bad/inputs/recordings.parquet", config=config)
    rejected = small.table("results/bad/inputs/rejected.csv").set_index("file_path").reason
    assert rejected.str.split(":").str[0].to_dict() == {
        "absent.wav": "missing", "empty.wav": "empty", "text.wav": "unreadable",
    }  # fmt: skip
    assert len(small.table("results/bad/inputs/recordings.parquet")) == len(table)


def test_too_many_bad_recordings_stop_the_run(small, changed):
    small.path("data/nowhere").mkdir()
    config = changed(lambda config: config.update(audio_root="data/nowhere", pathvars={"results": "results/nowhere"}))
    printed = small.snakemake("results/nowhere/inputs/recordings.parquet", config=config, fails=True)
    assert "400 of 400 recordings are rejected (100.0%)" in printed
    assert "Check audio_root." in printed
