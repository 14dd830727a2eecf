"""The review page in a real browser."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from hardneg.audit import pool_audit
from hardneg.common.errors import InputError
from hardneg.review import clips, review_page, review_table

pytestmark = pytest.mark.slow

HOSTILE = [
    "<img src=x onerror=document.title='hit'>.wav", "=quote\"s' and, comma.wav", "two\nlines.wav", "right\u202eto\u200fleft.wav",
]  # fmt: skip
RECORDER = "</script><script>document.title='hit'</script>"


@pytest.fixture
def page(tmp_path, wav):
    """Write a page with candidates of hostile names; the callable takes their number and the size to embed."""

    def write(files=14, embed_mb=50, rows=()):
        names = HOSTILE + [f"plain{n:03d}.wav" for n in range(files - len(HOSTILE))]
        tone = np.sin(2 * np.pi * 1000 * np.arange(24000) / 8000)
        for number, name in enumerate(names[:20]):
            wav(name, 0.01 * (number + 1) * tone, rate=8000)
        scores = pd.DataFrame(
            {
                "file_path": names, "confidence": np.linspace(0.99, 0.2, len(names)), "start_s": 1.0, "end_s": 2.0,
                "recorder_id": [RECORDER, *["r2"] * (len(names) - 1)], "date": "2025-02-01", "site": "<b>pond</b>",
            }
        )  # fmt: skip
        flags = dict.fromkeys(pool_audit.FLAGS, False) | {f"{flag}_reason": "" for flag in pool_audit.FLAGS}
        audited = scores.assign(**flags, cross_fit=0.5, margin=np.arange(len(names))[::-1])
        audited.loc[1, ["near_duplicate", "near_duplicate_reason"]] = [True, "like <i>another</i>"]
        candidates = review_page.select_candidates(
            scores, audited, {"none": {}, "top": {"min_confidence": 0.5}}, max_files=2000
        )
        settings = clips.ClipSettings(str(tmp_path), 8000, 0.5, 4000)
        clip_table = clips.cut_clips(candidates.head(20), tmp_path / "clips", settings, workers=1)
        more = candidates.iloc[20:][["file_path", "start_s", "end_s"]]  # further candidates share a clip
        more = more.rename(columns={"start_s": "from_s", "end_s": "to_s"}).assign(
            clip=clip_table["clip"].iloc[0], gain_db=0.0
        )
        answers = pd.DataFrame(list(rows), columns=review_table.COLUMNS)
        review_page.write_page(
            tmp_path / "index.html", candidates, pd.concat([clip_table, more]), tmp_path / "clips", answers,
            review_page.PageSettings("<script>x</script>", generated=True, top_hz=4000, embed_mb=embed_mb),
        )  # fmt: skip
        return tmp_path / "index.html"

    return write


@pytest.fixture
def start_review(browser):
    """Open a page as a reviewer who is new to this browser; the callable returns a function that presses keys."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    def press(*keys):
        for key in keys:
            ActionChains(browser).send_keys(getattr(Keys, key, key)).perform()

    def start(page, reviewer="ab"):
        browser.get(page.as_uri())
        browser.execute_script("localStorage.clear()")
        browser.get_log("browser")
        browser.get(page.as_uri())
        press(reviewer, "ENTER")
        # The event of the closed dialog comes later.
        until(lambda: reviewer in browser.find_element("id", "change-reviewer").text)
        return press

    return start


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


def progress(browser):
    return browser.find_element("id", "progress").text


def current(browser):
    return browser.execute_script("return current.file_path")


def save_answers(browser, press):
    for old in browser.downloads.iterdir():
        old.unlink()
    press("s")
    path = browser.downloads / "review.csv"
    until(path.exists)
    return review_table.read_review(path)


def test_ten_answers_by_keyboard_survive_a_reload_and_are_saved(browser, page, start_review):
    path = page()
    press = start_review(path)
    first = current(browser)
    press(*"nnpnunnpnn")
    assert progress(browser) == "10 of 14 (7 negative, 2 positive, 1 uncertain)"
    browser.refresh()
    assert progress(browser).startswith("10 of 14")
    rows = save_answers(browser, press)
    assert list(rows.label) == [{"n": "negative", "p": "positive", "u": "uncertain"}[key] for key in "nnpnunnpnn"]
    assert rows.file_path[0] == first and rows.file_path.is_unique
    assert set(rows.target) == {"<script>x</script>"} and set(rows.reviewer) == {"ab"}
    assert rows.start_s.eq(1.0).all() and rows.end_s.eq(2.0).all()
    assert pd.to_datetime(rows.reviewed_at).is_monotonic_increasing


def test_hostile_names_are_shown_as_text_and_saved_unchanged(browser, page, start_review):
    press = start_review(page())
    press(*"n" * 14)
    assert sorted(save_answers(browser, press).file_path) == sorted(browser.execute_script("return [...byPath.keys()]"))
    assert set(HOSTILE) <= set(save_answers(browser, press).file_path)
    assert "hit" not in browser.title
    assert browser.execute_script("return document.querySelectorAll('script').length") == 2
    assert browser.execute_script("return document.querySelectorAll('#card img, #list img').length") == 1
    browser.execute_script("showCandidate(byPath.get(arguments[0]))", HOSTILE[3])
    assert browser.find_element("id", "name").text == "right⟨U+202E⟩to⟨U+200F⟩left.wav"
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_undo_takes_the_last_answer_back_and_goes_there(browser, page, start_review):
    press = start_review(page())
    press("n")
    second = current(browser)
    press("p")
    press("z")
    assert current(browser) == second
    assert progress(browser).startswith("1 of 14 (1 negative, 0 positive")
    assert list(save_answers(browser, press).label) == ["negative"]


def test_a_later_answer_replaces_the_former_and_a_note_is_kept(browser, page, start_review):
    press = start_review(page())
    press("t", "tree frog, n", "ESCAPE", "n", "k", "p")
    rows = save_answers(browser, press)
    assert list(rows.label) == ["negative", "positive"] and rows.file_path.nunique() == 1
    assert list(rows.note) == ["tree frog, n"] * 2
    assert review_table.resolve_conflicts(rows, "latest") == {rows.file_path[0]: "positive"}


def test_filters_and_sorting_choose_what_is_next(browser, page, start_review):
    from selenium.webdriver.support.select import Select

    press = start_review(page())
    shown = browser.find_element("id", "list-size")
    assert current(browser) == "plain009.wav", "the audit is least certain of this file"
    for name, value, count in (("tier", "top", 9), ("flag", "near_duplicate", 1), ("recorder", RECORDER, 1)):
        choice = Select(browser.find_element("id", name))
        choice.select_by_value(value)
        assert shown.text == f"{count} of 14 clips"
        choice.select_by_value("")
    Select(browser.find_element("id", "sort")).select_by_value("confidence")
    browser.find_element("id", "card").click()
    press("k", "k", *["k"] * 14)
    assert current(browser) == HOSTILE[0]
    Select(browser.find_element("id", "state")).select_by_value("open")
    browser.find_element("id", "card").click()
    press("n", "n")
    assert browser.execute_script("updateList(); return queue.length") == 12


def test_the_flags_reason_and_scores_are_shown(browser, page, start_review):
    start_review(page())
    browser.execute_script("showCandidate(byPath.get(arguments[0]))", HOSTILE[1])
    assert browser.find_element("id", "flags").text == "near duplicate: like <i>another</i>"
    facts = browser.find_element("id", "facts").text
    assert "<b>pond</b>" in facts and "0.5000" in facts and "1.00\N{EN DASH}2.00 s" in facts


@pytest.mark.parametrize("embed_mb", [50, 0])
def test_pictures_and_sounds_load_from_the_page_or_beside_it(browser, page, start_review, embed_mb):
    path = page(embed_mb=embed_mb)
    start_review(path)
    assert ("data:audio" in path.read_text()) == bool(embed_mb)
    wait = "const done = arguments[0]; const go = () => $('picture').complete && sound.readyState > 0 ? done([$('picture').naturalHeight, sound.duration]) : setTimeout(go, 30); go();"
    height, duration = browser.execute_async_script(wait)
    assert height == 256 and duration == pytest.approx(2.0, abs=0.1)


def test_space_plays_and_stops(browser, page, start_review):
    press = start_review(page())
    press(" ")
    end = time.monotonic() + 5
    while browser.execute_script("return sound.paused") and time.monotonic() < end:
        time.sleep(0.05)
    assert not browser.execute_script("return sound.paused")
    press(" ")
    assert browser.execute_script("return sound.paused")


def test_the_answers_that_a_page_is_made_with_count_for_their_reviewer_and_stay_in_the_table(
    browser, page, start_review
):
    rows = [("plain001.wav", 1.0, 2.0, "positive", who, "2025-03-01T10:00:00Z", "", "") for who in ("ab", "cd")]
    press = start_review(page(rows=rows))
    assert progress(browser).startswith("1 of 14 (0 negative, 1 positive")
    press("n")
    table = save_answers(browser, press)
    assert list(table.reviewer) == ["ab", "cd", "ab"]


def test_the_page_has_no_serious_accessibility_violation(browser, page, start_review):
    axe = pytest.importorskip("axe_core_python.selenium", reason="needs axe-core-python (extra dev)")
    path = page()
    browser.get(path.as_uri())
    browser.execute_script("localStorage.clear()")
    browser.get(path.as_uri())
    for wait_for in (lambda: None, lambda: start_review(path)):
        wait_for()
        worst = [v for v in axe.Axe().run(browser)["violations"] if v["impact"] in ("serious", "critical")]
        assert not worst, json.dumps([(v["id"], [n["html"] for n in v["nodes"]]) for v in worst], indent=1)


def test_a_missing_clip_is_refused_with_what_to_do(tmp_path):
    candidate = {"file_path": "a.wav", "confidence": 0.9, "start_s": 0.0, "end_s": 1.0, "tiers": ""}
    clip = {"file_path": "a.wav", "clip": "abc", "from_s": 0.0, "to_s": 1.0, "gain_db": 0.0}
    with pytest.raises(InputError, match=r"abc\.webp is missing: delete .*clips and run `snakemake review` again"):
        review_page.write_page(
            tmp_path / "index.html", pd.DataFrame([candidate]), pd.DataFrame([clip]), tmp_path / "clips",
            pd.DataFrame(columns=review_table.COLUMNS), review_page.PageSettings("Frog", False, 4000, 50),
        )  # fmt: skip


def test_two_thousand_candidates_do_not_freeze_the_page(browser, page, start_review):
    press = start_review(page(files=2000, embed_mb=0))
    spent = browser.execute_script(
        "const t = performance.now(); updateList(); document.body.offsetHeight; return performance.now() - t"
    )
    assert spent < 1500
    start = time.monotonic()
    press(*"n" * 20)
    assert progress(browser).startswith("20 of 2000")
    assert time.monotonic() - start < 10
