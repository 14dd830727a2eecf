import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.review import agreement, review_table


def table(*rows):
    """Rows of file, label, reviewer and hour."""
    return pd.DataFrame(
        [(path, 0.0, 3.0, label, who, f"2025-03-01T{hour:02d}:00:00Z", "", "") for path, label, who, hour in rows],
        columns=review_table.COLUMNS,
    )


DISPUTED = table(("a", "positive", "x", 9), ("a", "negative", "y", 12), ("a", "negative", "z", 10))


@pytest.mark.parametrize(
    ("rule", "rows", "label"),
    [
        ("latest", DISPUTED, "negative"),
        ("any_positive", DISPUTED, "positive"),
        ("majority", DISPUTED, "negative"),
        ("majority", DISPUTED.head(2), "uncertain"),
        ("any_positive", table(("a", "negative", "x", 1), ("a", "uncertain", "y", 2)), "uncertain"),
        ("any_positive", table(("a", "positive", "x", 1), ("a", "negative", "x", 2)), "negative"),
        ("latest", table(("a", "positive", "x", 5), ("a", "negative", "x", 5)), "negative"),
    ],
)
def test_each_reviewers_latest_answer_counts_and_the_rule_resolves_conflicts(rule, rows, label):
    assert review_table.resolve_conflicts(rows, rule) == {"a": label}


def test_a_table_with_any_file_names_is_read_as_it_was_written(tmp_path):
    rows = table(('two\nlines, "quoted".wav', "positive", "<i>", 1), ("\u202eright.wav", "negative", "NA", 2))
    rows.to_csv(tmp_path / "review.csv", index=False)
    read = review_table.read_review(tmp_path / "review.csv")
    pd.testing.assert_frame_equal(read, rows.astype({"file_path": "str"}), check_dtype=False)


def test_a_missing_file_has_no_answers(tmp_path):
    assert review_table.read_review(tmp_path / "absent.csv").empty


def test_a_spreadsheets_review_is_read(tmp_path):
    text = "sep=;\nFile_Path;start_s;Label;reviewed_at;\na.wav;4,5;Positive;2025-03-10;\nb.wav;;negative;;\n"
    (tmp_path / "r.csv").write_bytes(text.encode("utf-16"))
    read = review_table.read_review(tmp_path / "r.csv", {"b.wav": "D7/b.WAV"})
    assert read.file_path.tolist() == ["a.wav", "D7/b.WAV"] and read.label.tolist() == ["positive", "negative"]
    assert read.start_s.tolist()[0] == 4.5 and read.start_s.isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file_path,label\na.wav,Positive\nb.wav,maybe\n", "1 row(s) with a label other than negative, positive, uncertain. Correct them.\n  line 3: b.wav: label is 'maybe'"),
        ("file,label\n", "lacks the column(s) file_path: add them"),
        ("file_path,label,note\na.wav,positive,owl, far away\nb.wav,negative,\n", "line 2: 4 cells"),
        ("file_path,label,start_s\na.wav,positive,soon\n", "line 2: a.wav: start_s is 'soon'"),
        ("file_path,label,reviewed_at\na.wav,positive,last week\n", "line 2: a.wav: reviewed_at is 'last week'"),
        ("file_path,label\n,positive\n", "1 row(s) with no file_path"),
        ("", "is empty"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_named_and_never_dropped(tmp_path, text, message):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(InputError) as error:
        review_table.read_review(tmp_path / "r.csv")
    assert message in str(error.value)


def test_kappa_is_agreement_beyond_chance():
    # Both say positive for 20 and negative for 15 of 50; x alone is positive for 5, y alone for 10: kappa is 0.4.
    rows = []
    for number, (first, second) in enumerate(
        [("p", "p")] * 20 + [("p", "n")] * 5 + [("n", "p")] * 10 + [("n", "n")] * 15
    ):
        names = {"p": "positive", "n": "negative"}
        rows += [(f"{number}", names[first], "x", 1), (f"{number}", names[second], "y", 1)]
    pair = agreement.compare_reviewers(table(*rows)).iloc[0]
    assert (pair["first"], pair["second"], pair.files) == ("x", "y", 50)
    assert pair.agreed == pytest.approx(0.7) and pair.kappa == pytest.approx(0.4)


def test_positives_carry_the_reviewed_window():
    rows = table(
        ("a", "positive", "x", 1), ("b", "positive", "x", 1), ("b", "negative", "y", 2), ("c", "negative", "x", 1)
    )
    rows.loc[0, "start_s"] = 4.5
    first, second = review_table.ReviewedPositive("a", 4.5), review_table.ReviewedPositive("b", 0.0)
    assert review_table.list_positives(rows, review_table.resolve_conflicts(rows, "latest")) == [first]
    assert review_table.list_positives(rows, review_table.resolve_conflicts(rows, "any_positive")) == [first, second]


@pytest.mark.parametrize("cells", [["RADR", "RADR"], ["", ""], [" radr", ""]])
def test_answers_on_this_species_or_without_a_species_are_used(cells):
    review_table.refuse_other_species(DISPUTED.head(2).assign(target=cells), "RADR", "review.csv")


def test_answers_on_another_species_are_refused_by_name():
    answers = DISPUTED.assign(target=["RADR", "LICA", ""])
    with pytest.raises(InputError, match=r"review\.csv has answers on LICA, but the target is RADR. Set review\.file"):
        review_table.refuse_other_species(answers, "RADR", "review.csv")
