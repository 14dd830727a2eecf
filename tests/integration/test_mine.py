"""`snakemake mine` stops after mining, with a page about the pool."""

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


def test_a_run_writes_the_page_and_mining_alone_prints_its_summary(small, changed):
    page = small.path("results/mining/first_look.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 24 and "negative_tiers:" in page
    config = changed(lambda config: config.update(pathvars={"results": "results/look"}))
    printed = small.snakemake("mine", config=config)
    assert "RADR: a first look at the pool" in printed and "Suggested tiers:" in printed
    assert printed.index("    negative_tiers:") < printed.index(str(small.path("results/look/mining/first_look.html")))
    made = {path.name for path in small.path("results/look").iterdir()}
    assert "runs" not in made and "audit" not in made and "tiers" not in made


def test_a_checkpoint_is_validated_as_the_model_that_it_contains_was(small, changed):
    def mine_with_checkpoint(config):
        config["mining"]["model"] = "results/mining/trained/model.safetensors"
        config["pathvars"] = {"results": "results/look_at_checkpoint"}

    printed = small.snakemake("mine", config=changed(mine_with_checkpoint))
    assert "model: On validation, the AUROC is" in printed
    ours, trained = (
        small.table(f"results/{name}/validation_scores.parquet").sort_values("file_path", ignore_index=True)
        for name in ("look_at_checkpoint/mining/model", "mining/trained")
    )
    pd.testing.assert_frame_equal(ours, trained[ours.columns], check_dtype=False, atol=1e-6)
