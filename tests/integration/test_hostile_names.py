"""Names that are markup, quotes, line breaks or turns of the reading direction, from the manifest to the pages."""

import pandas as pd
import pytest
from conftest import HOSTILE

from hardneg.common.formatting import escape_control_characters

pytestmark = pytest.mark.slow

RUN = "return window.hit !== undefined || document.querySelectorAll('img[src=x], b[onmouseover]').length > 0"


@pytest.fixture(scope="module")
def manifest(small):
    """The pool's rows of the manifest, all of them of hostile names."""
    table = pd.read_csv(small.path("data/manifest.csv"), dtype=str, keep_default_na=False)
    pool = table[table.split == "pool"]
    assert all(pool.file_path.str.contains(name, regex=False).sum() >= 20 for name in HOSTILE)
    return pool


def test_every_stage_keeps_the_names_as_they_are(small, manifest):
    held_out = small.table("results/inputs/pool.parquet").query("split == 'test_pool'").file_path
    for name in ("inputs/pool.parquet", "mining/trained/scores.parquet", "audit/pool.csv"):
        table = small.table(f"results/{name}").set_index("file_path")
        expected = manifest.set_index("file_path")
        if not name.startswith("inputs"):
            expected = expected.drop(held_out)
        assert set(table.index) == set(expected.index)
        assert table.recorder_id.equals(expected.recorder_id[table.index])
    assert set(small.table("results/tiers/hard.csv").file_path) < set(manifest.file_path)


def test_the_report_shows_them_as_text(small, manifest, browser):
    browser.get(small.path("results/report.html").as_uri())
    shown = browser.execute_script("return [...document.querySelectorAll('td bdi')].map((cell) => cell.textContent)")
    assert len(shown) >= 5 and set(shown) <= set(manifest.file_path.map(escape_control_characters))
    assert not browser.execute_script(RUN)


def test_the_review_page_shows_them_as_text(small, manifest, browser):
    small.snakemake("review", config="small.yaml")
    browser.get(small.path("results/review/index.html").as_uri())
    shown = browser.execute_script(
        "return queue.map((one) => { showCandidate(one); return [one.file_path, $('name').textContent, $('card').textContent]; })"
    )
    known = manifest.set_index("file_path")
    assert len(shown) == 40 and {path for path, *_ in shown} <= set(known.index)
    for path, name, card in shown:
        assert name == escape_control_characters(path)
        assert (
            escape_control_characters(known.recorder_id[path]) in card
            and escape_control_characters(known.site[path]) in card
        )
    offered = browser.execute_script("return [...$('recorder').options].map((option) => option.value)")
    assert set(offered) - {""} == {known.recorder_id[path] for path, *_ in shown}
    assert not browser.execute_script(RUN)
