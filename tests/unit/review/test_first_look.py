"""The first look at the pool: the page, the summary for the terminal, and the problems for the report."""

import re
import time

import numpy as np
import pandas as pd
import pytest
import yaml

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.review import first_look
from hardneg.review.clips import ClipSettings

HOSTILE = "</script><script>document.title='hit'</script>"


@pytest.fixture
def look_at(tmp_path, wav):
    """Write the page of a small pool; the callable takes its confidences, the models, and how training ended."""

    def write(confidence, models=None, diagnosis="", columns=None, validation=("trained",)):
        for number in range(4):
            tone = np.sin(2 * np.pi * 500 * (number + 1) * np.arange(24000) / 8000)
            wav(f"d{number}/{HOSTILE.replace('/', '_')}.wav", 0.1 * tone, rate=8000)
        paths = [f"d{number % 4}/{HOSTILE.replace('/', '_')}.wav" for number in range(4)]
        paths += [f"absent{number}.wav" for number in range(4, len(confidence))]
        scores = pd.DataFrame(
            {
                "file_path": paths, "confidence": confidence, "start_s": 1.0, "end_s": 2.0,
                "recorder_id": [HOSTILE, *["r2"] * (len(paths) - 1)], "date": "", "night": "2025-03-12",
            }
        ).assign(**columns or {})  # fmt: skip
        names = [f"v{number}" for number in range(60)]
        recordings = pd.DataFrame(
            {"file_path": names, "split": "val", "label": "positive", "group": [f"g{n % 5}" for n in range(60)]}
        )
        validated = pd.DataFrame(
            {"file_path": names, "confidence": np.linspace(0.9, 0.1, 60), "label": [1] * 30 + [0] * 30}
        )
        tables.write(scores, tmp_path / "scores.parquet")
        tables.write(recordings, tmp_path / "labelled.parquet")
        tables.write(validated, tmp_path / "validation.parquet")
        tables.write_json({"counts": {"diagnosis": diagnosis}}, tmp_path / "model.json")
        inputs = first_look.LookInputs(
            tmp_path / "scores.parquet", tmp_path / "labelled.parquet",
            dict.fromkeys(validation, tmp_path / "validation.parquet"), [tmp_path / "model.json"],
        )  # fmt: skip
        outputs = first_look.LookOutputs(*(tmp_path / f"first_look.{ending}" for ending in ("html", "txt", "json")))
        settings = first_look.LookSettings(
            "<b>RADR", True, models or {"trained": "trained"}, 4, ClipSettings(str(tmp_path), 8000, 0.5, 4000)
        )
        first_look.make_first_look(inputs, outputs, settings)
        return outputs

    return write


SPREAD = [0.99, 0.98, 0.97, 0.96, *np.linspace(0.9, 0.001, 96)]


def test_the_page_needs_no_other_file_and_escapes_what_comes_from_outside(look_at):
    page = look_at(SPREAD).page.read_text(encoding="utf-8")
    addresses = re.findall(r'(?:src|href)="(.{0,20})', page)
    assert len(addresses) == 8 and all(address.startswith("data:") for address in addresses)
    assert HOSTILE not in page and "<b>RADR" not in page and "&lt;b&gt;RADR" in page
    assert "Generated sound" in page and "The mining model is in doubt" not in page
    assert "The 4 hardest files" in page


def test_the_summary_gives_separation_tiers_and_the_path_of_the_page(look_at):
    outputs = look_at(SPREAD)
    summary = outputs.summary.read_text(encoding="utf-8")
    assert "The pool has 100 files of 2 recorders. Their confidences span 0.001 to 0.990." in summary
    assert "AUROC is 1.000" in summary and "(30 positives on 5\n  recorder-nights, 30 negatives)" in summary
    assert summary.strip().endswith(str(outputs.page.resolve()))
    block = summary[summary.index("    negative_tiers:") : summary.index("The page with")]
    assert "top20" in yaml.safe_load(block)["negative_tiers"]
    assert tables.read_json(outputs.problems) == {"problems": []}


def test_a_failed_mining_model_is_named_first_in_the_page_the_terminal_and_the_report(look_at):
    outputs = look_at([0.54, 0.53, 0.53, 0.52, *np.linspace(0.51, 0.39, 96)], diagnosis="is nearly constant")
    problems = tables.read_json(outputs.problems)["problems"]
    assert problems[0] == "The mining model is nearly constant."
    assert problems[1].startswith("Pool confidences span 0.39 to 0.54: tiers by confidence mean little.")
    page, summary = outputs.page.read_text(encoding="utf-8"), outputs.summary.read_text(encoding="utf-8")
    assert page.index("The mining model is in doubt") < page.index(problems[1]) < page.index("How many files")
    assert summary.splitlines()[1] == "- Warning: The mining model is nearly constant."
    assert "by confidence" in summary and "min_confidence" not in page + summary


def test_several_models_are_judged_one_by_one_and_what_is_not_known_is_said(look_at):
    models = {"trained": "trained", "birdnet": "detections"}
    columns = {"confidence_trained": [0.5] * 100, "confidence_birdnet": SPREAD, "minimum_confidence": 0.1}
    outputs = look_at(SPREAD, models, columns=columns)
    page, summary = outputs.page.read_text(encoding="utf-8"), outputs.summary.read_text(encoding="utf-8")
    (problem,) = tables.read_json(outputs.problems)["problems"]
    assert problem.startswith("Model trained: All 100 files of the pool have the same confidence, 0.5.")
    assert "the mean of 2 mining models" in page
    assert "finished detections" in page and "not known: Finished detections are read for the pool only." in page
    assert "birdnet: It is not known how well it separates positives from negatives." in summary


def test_ties_at_the_top_are_counted(look_at):
    page = look_at([1.0, 1.0, 1.0, 0.9, *np.linspace(0.8, 0.001, 96)]).page.read_text(encoding="utf-8")
    assert "3 files share the highest confidence, 1.000." in page


def test_a_pool_without_usable_files_is_refused(look_at, tmp_path):
    outputs = look_at(SPREAD)
    tables.write(tables.read(tmp_path / "scores.parquet").head(0), tmp_path / "scores.parquet")
    inputs = first_look.LookInputs(tmp_path / "scores.parquet", tmp_path / "labelled.parquet", {})
    settings = first_look.LookSettings("RADR", False, {}, 4, ClipSettings(str(tmp_path), 8000, 0.5, 4000))
    with pytest.raises(InputError, match="The pool has no usable file"):
        first_look.make_first_look(inputs, outputs, settings)


@pytest.mark.slow
def test_the_slider_counts_the_files_above_a_cut_and_a_picture_plays_its_sound(look_at, browser):
    browser.get(look_at(SPREAD).page.as_uri())
    browser.execute_script(
        "const cut = document.getElementById('cut'); cut.value = 970; cut.dispatchEvent(new Event('input'))"
    )
    assert browser.find_element("id", "cut-value").text == "0.970"
    assert browser.find_element("id", "cut-files").text == "3 files"
    assert browser.title == "<b>RADR: a first look at the pool"
    browser.find_element("css selector", ".picture").click()
    end = time.monotonic() + 10
    while browser.execute_script("return document.querySelector('audio').paused") and time.monotonic() < end:
        time.sleep(0.05)
    assert browser.execute_script("return document.querySelectorAll('audio')[0].currentTime >= 0")
    assert not browser.execute_script("return document.querySelector('audio').paused")
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
