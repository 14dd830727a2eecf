import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from paths import ROOT

from hardneg import configuration
from hardneg.mining import tier_suggestions, tiers
from hardneg.mining.tier_suggestions import format_block, suggest_tiers

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
TIER = Draft202012Validator(SCHEMA["$defs"]["negative_tier"])


def pool(confidence, nights=20):
    count = len(confidence)
    return pd.DataFrame(
        {
            "file_path": [f"{number:04d}.wav" for number in range(count)], "confidence": np.asarray(confidence, float),
            "start_s": 0.0, "end_s": 3.0, "recorder_id": "r", "date": "",
            "night": [f"2025-03-{1 + number % nights:02d}" for number in range(count)],
        }
    )  # fmt: skip


def paste(block):
    """Paste a block into the template, as the page asks for."""
    config = yaml.safe_load((ROOT / "config/template.yaml").read_text())
    config |= yaml.safe_load(block)
    in_matrix = yaml.safe_load(block[block.index("# matrix:") :].replace("# ", "").replace("#  ", "  "))
    config["matrix"] |= in_matrix["matrix"]
    return configuration.complete(config, ROOT / "workflow/schemas/config.schema.yaml")


def test_a_suggested_block_can_be_pasted_into_the_template():
    scores = pool(np.linspace(0, 1, 2000))
    config = paste(format_block(suggest_tiers(scores, 500, by_confidence=True), len(scores)))
    assert list(config["negative_tiers"]) == config["matrix"]["negative_tier"]
    assert config["matrix"]["negative_tier"] == [
        "none",
        "top20",
        "random_top20",
        "top100",
        "random_top100",
        "conf85",
        "random_conf85",
    ]
    assert [comparison["baseline"] for comparison in config["comparisons"]] == [
        "none", "random_top20", "random_top100", "random_conf85",
    ]  # fmt: skip
    assert config["negative_tiers"]["top20"]["exclude"] == config["negative_tiers"]["random_top100"]["exclude"]


@given(
    confidence=st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=80),
    labelled=st.integers(0, 60),
    nights=st.integers(1, 9),
)
def test_every_suggested_tier_of_any_pool_has_files_and_the_block_is_a_valid_configuration(
    confidence, labelled, nights
):
    scores = pool(confidence, nights)
    suggested = suggest_tiers(scores, labelled, by_confidence=True)
    block = yaml.safe_load(format_block(suggested, len(scores)))
    assert all(TIER.is_valid(tier) for tier in block["negative_tiers"].values())
    for tier in suggested:
        files = tiers.cut_tier(scores, tier.name, tiers.TierDefinition(**tier.keys)).files
        assert len(files)
        assert (
            files.confidence.min() > scores.confidence.min()
            or scores.confidence.value_counts()[files.confidence.min()] == 1
        )


def test_the_files_in_which_nothing_was_detected_are_in_no_suggested_tier():
    scores = pool([0.9, 0.8, 0.7] + [0.0] * 997)
    (tier,) = suggest_tiers(scores, 500, by_confidence=False)
    assert tier.keys == {"top_k": 3}


def test_a_tier_is_not_cut_through_files_of_equal_confidence():
    scores = pool([*np.linspace(0.9, 0.8, 30), *[0.7] * 300, *np.linspace(0.6, 0, 670)])
    assert [tier.keys["top_k"] for tier in suggest_tiers(scores, 500, by_confidence=False)] == [20, 30]


def test_a_constant_pool_gets_a_random_tier_only():
    block = format_block(suggest_tiers(pool([0.5] * 200), 100, by_confidence=True), 200)
    assert paste(block)["matrix"]["negative_tier"] == ["none", "random"]
    assert yaml.safe_load(block)["negative_tiers"]["random"] == {"random": 10}


def test_tiers_by_confidence_are_suggested_only_if_confidences_mean_something():
    scores = pool(np.linspace(0, 1, 2000) ** 0.5)
    names = [tier.name for tier in suggest_tiers(scores, 40, by_confidence=False)]
    assert not any(name.startswith("conf") for name in names)


def test_a_tier_of_mostly_one_night_is_capped_per_night():
    scores = pool(np.linspace(1, 0, 2000))
    scores["night"] = np.where(scores.index < 100, "2025-03-01", scores.night)
    large = suggest_tiers(scores, 500, by_confidence=False)[-1]
    assert large.keys == {"per_night": 10, "top_k": 100} and "one recorder-night" in large.reason
    few_nights = scores.assign(night="2025-03-01")
    assert suggest_tiers(few_nights, 500, by_confidence=False)[-1].keys == {"top_k": 100}, "a cap would empty it"


@pytest.mark.parametrize(("labelled", "size"), [(500, 100), (60, 60), (0, 20)])
def test_the_large_tier_is_no_larger_than_the_labeled_negatives(labelled, size):
    suggested = suggest_tiers(pool(np.linspace(0, 1, 2000)), labelled, by_confidence=False)
    assert suggested[-1].keys["top_k"] == size


def test_sizes_have_two_digits():
    assert [tier.keys["top_k"] for tier in suggest_tiers(pool(np.linspace(0, 1, 24_680)), 10**6, False)] == [240, 1200]
    assert tier_suggestions.suggest_tiers(pool([0.3]), 10, False)[0].keys == {"top_k": 1}
