import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.recordings import checks, manifest, nights
from hardneg.recordings.nights import name_clusters


def complete(*rows, night_begins="12:00", **columns):
    table = pd.DataFrame(list(rows)).assign(label="negative", recorder_id="r1", **columns)
    return manifest.complete(table.astype(object), "test", night_begins)


@pytest.mark.parametrize(
    ("name", "night"),
    [
        ("20250312_213000.WAV", "2025-03-12"),
        ("20250313_020000.WAV", "2025-03-12"),
        ("pond/24F319_20250313_020000T.WAV", "2025-03-12"),
        ("20250313T115959.wav", "2025-03-12"),
        ("20250313_120000.WAV", "2025-03-13"),
        ("20250301_003000.WAV", "2025-02-28"),
        ("call_17.wav", ""),
    ],
)
def test_a_night_runs_from_noon_to_noon_by_the_time_in_the_file_name(name, night):
    assert complete({"file_path": name}).night[0] == night


def test_the_date_of_a_file_after_midnight_remains_the_calendar_date():
    table = complete({"file_path": "20250312_235000.WAV"}, {"file_path": "20250313_000500.WAV"})
    assert list(table.date) == ["2025-03-12", "2025-03-13"]
    assert list(table.group) == ["r1@2025-03-12", "r1@2025-03-12"]


@pytest.mark.parametrize(
    ("night_begins", "night"), [("12:00", "2025-03-12"), ("02:00", "2025-03-13"), ("02:01", "2025-03-12")]
)
def test_the_hour_at_which_a_night_begins_is_a_setting(night_begins, night):
    assert complete({"file_path": "20250313_020000.WAV"}, night_begins=night_begins).night[0] == night


@pytest.mark.parametrize("time", ["02:00", "2:00", " 02:00:00 "])
def test_a_column_with_the_time_decides_the_night_of_a_date(time):
    table = complete({"file_path": "a.wav"}, date="2025-03-13", time=time)
    assert (table.date[0], table.night[0], table.group[0]) == ("2025-03-13", "2025-03-12", "r1@2025-03-12")


def test_a_column_with_the_time_goes_before_the_time_in_the_name():
    assert complete({"file_path": "20250313_020000.WAV"}, time="22:00").night[0] == "2025-03-13"


def test_a_column_with_the_night_is_used_without_a_change():
    table = complete({"file_path": "20250313_020000.WAV"}, night="2025-03-13")
    assert (table.night[0], table.group[0]) == ("2025-03-13", "r1@2025-03-13")
    table = complete({"file_path": "a.wav"}, night="2025-3-9", date="")
    assert (table.date[0], table.night[0]) == ("", "2025-03-09")


def test_a_date_without_a_time_is_its_own_night():
    assert complete({"file_path": "a.wav"}, date="2025-03-13").night[0] == "2025-03-13"


def test_a_date_that_differs_from_the_name_is_the_night():
    table = complete(
        {"file_path": "20250312_230000.WAV", "date": "2025-03-12"},
        {"file_path": "20250313_020000.WAV", "date": "2025-03-12"},
    )
    assert list(table.night) == ["2025-03-12", "2025-03-12"]


def test_two_spellings_of_a_date_are_one_night_and_a_breach_is_found():
    rows = [
        {"file_path": "a.wav", "date": "2025-3-12", "split": "test_iid"},
        {"file_path": "b.wav", "date": "2025-03-12", "split": "train"},
    ]
    table = complete(*rows)
    assert list(table.date) == ["2025-03-12", "2025-03-12"] and table.group.nunique() == 1
    with pytest.raises(InputError, match=r"A recorder-night must be in one split only(.|\n)*a\.wav(.|\n)*2025-03-12"):
        checks.check_split_rules(table, checks.MANIFEST_RULES)


def test_files_before_and_after_midnight_in_two_splits_are_a_breach():
    rows = [
        {"file_path": "20250312_235000.WAV", "split": "train"},
        {"file_path": "20250313_000500.WAV", "split": "test_iid"},
    ]
    with pytest.raises(InputError, match=r"20250313_000500\.WAV \(split test_iid.*night 2025-03-12"):
        checks.check_split_rules(complete(*rows), checks.MANIFEST_RULES)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("date", "12.03.2025", "row 1: a.wav: date is '12.03.2025'"),
        ("night", "first", "row 1: a.wav: night is 'first'"),
        ("night", "2025-02-30", "it must be YYYY-MM-DD"),
        ("time", "9 pm", "row 1: a.wav: time is '9 pm'"),
        ("time", "24:00", "it must be HH:MM or HH:MM:SS"),
    ],
)
def test_a_night_or_time_that_cannot_be_read_is_named(column, value, expected):
    with pytest.raises(InputError) as error:
        complete({"file_path": "a.wav"}, **{column: value})
    assert expected in str(error.value)


def test_rows_of_one_file_on_two_nights_are_named():
    with pytest.raises(InputError, match=r"row 2: a\.wav: night is '2025-03-12'"):
        complete({"file_path": "a.wav", "time": "22:00"}, {"file_path": "a.wav", "time": "02:00"}, date="2025-03-13")


FILES = pd.DataFrame(
    [
        ("r1", "pond", "2025-03-12"), ("r2", "pond", "2025-03-12"), ("r1", "pond", "2025-03-13"),
        ("r3", "creek", "2025-03-12"), ("r4", "", "2025-03-12"), ("r4", "", "2025-03-13"), ("r5", "pond", ""),
        ("pond", "", ""),
    ],
    columns=["recorder_id", "site", "night"],
).assign(group=lambda table: nights.name_recorder_nights(table))  # fmt: skip


@pytest.mark.parametrize(
    ("cluster", "numbers"),
    [
        ("night", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("date", [0, 0, 1, 2, 3, 4, 5, 6]),  # without a site the recorder-night, without a night the site
        ("site", [0, 0, 0, 1, 2, 2, 0, 3]),  # without a site the recorder
    ],
)
def test_a_cluster_joins_the_files_that_depend_on_each_other(cluster, numbers):
    assert list(pd.factorize(name_clusters(FILES, cluster))[0]) == numbers


def test_an_unknown_kind_of_cluster_is_an_error():
    with pytest.raises(ValueError, match="'week' is not one of night, date, site"):
        name_clusters(FILES, "week")
