from dataclasses import replace

import pandas as pd
import pytest

from hardneg.audit.clusters import ClusterInTier, TierClusters
from hardneg.mining.birdnet_label_counts import LabelInTier, TierLabels
from hardneg.models.metrics import TEST_SPLIT_METRICS
from hardneg.report import figures, findings, report_page, report_tables
from hardneg.report.audit_summary import AuditSummary
from hardneg.report.effect_dependence import DependenceRow, DependenceTable
from hardneg.report.model_agreement import ModelAgreement, ModelPair, TierAgreement
from hardneg.report.recommendation import Recommendation, Statement
from hardneg.report.report_contents import ReportContents, ReportSettings
from hardneg.report.tier_choices import ChosenTier, ControlEvidence, SelectedInterval, TierChoice
from hardneg.report.tier_descriptions import TierDescription

CAVEATS = ("No test recording comes from a new site.", "The out-of-distribution test has one site, so every")


@pytest.fixture
def contents():
    deltas = pd.DataFrame(
        {
            "vary": "negative_tier", "value": "<b>hard</b>", "baseline": "none", "positive_subset": "base",
            "split": "test_ood", "metric": TEST_SPLIT_METRICS, "n": 3, "p_adjusted": 0.2, "mean": 0.5, "std": 0.1, "difference": -0.051,
            "ci_low": -0.1, "ci_high": 0.0, "verdict": "undecided", "effect_of_interest": 0.03, "reason": "",
            "seeds_needed": 9.0, "seeds_needed_low": 5.0, "seeds_needed_high": 40.0, "limited_by": "seeds",
        }
    )  # fmt: skip
    recordings = pd.DataFrame(
        {
            "split": ["train", "pool"],
            "label": "negative",
            "file_path": ["a", "b"],
            "duration_s": 1800.0,
            "group": "g",
            "site": "s",
        }
    )
    rejected = pd.DataFrame({"reason": ["missing", "unreadable: odd"]})
    settings = ReportSettings(
        target="<script>alert(1)</script>", generated=True, axes=["seed"], tiers={}, alpha=0.05, p_adjustment="holm", power=0.8,
        calibration_bins=15, files_per_night=100, review_s=10, one_model_confidence=0.5, max_recall_loss=0.05,
        review_conflicts="latest", review_matches={}, second_round={}, configuration={"a": "<i>", "comparisons": [{"vary": "negative_tier", "baseline": "none"}]},
    )  # fmt: skip
    return ReportContents(
        settings=settings,
        run_count=6,
        summary=findings.summarize_first_comparison(deltas),
        recordings=report_tables.count_recordings(recordings, rejected),
        tiers=[],
        comparisons=report_tables.build_comparison_tables(deltas),
        verdicts=findings.build_verdict_tables(deltas),
        versions={"torch": "2"},
    )


def choice(**attributes):
    """A choice for few missed calls, without a tier that is better unless `attributes` contain one."""
    nothing = {
        "configuration": "", "goal": "few missed calls", "metric": "recall_at_baseline_fp_rate", "compared": 1,
        "chosen": None, "refused": [], "undecided": [], "without_verdict": {}, "flagged": 2.0, "minutes": 1.0,
    }  # fmt: skip
    return TierChoice(**nothing | attributes)


def test_the_page_escapes_what_comes_from_outside_and_needs_no_network(contents, tmp_path):
    scores = pd.DataFrame({"confidence": [0.1, 0.9, 0.95]})
    figure, _ = figures.draw_pool_scores(scores, {"conf<50>": scores[scores.confidence > 0.5]})
    figure.savefig(tmp_path / "f.svg")
    names = ["overview", "metrics", "precision_recall", "reliability", "pool_scores", "training_curves"]
    report_page.write_page(tmp_path / "report.html", contents, dict.fromkeys(names, tmp_path / "f.svg"))
    page = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    assert "<b>hard" not in page and "conf<50>" not in page
    assert "\N{MINUS SIGN}5.1" in page
    assert "undecided: needs 9 seeds (5\xa0to\xa040)" in page
    assert "no negative tier is judged better or worse than “none”" in page
    assert "Generated sound" in page and "1 missing, 1 unreadable" in page
    assert 'src="http' not in page and 'href="http' not in page.replace('xlink:href="http://www.w3.org', "")


def test_what_limits_a_comparison_is_said_above_the_differences(contents, tmp_path):
    report_page.write_page(tmp_path / "plain.html", contents, {})
    assert "What limits these comparisons" not in (tmp_path / "plain.html").read_text()
    limited = replace(
        contents, comparison_warnings=[{"arm": "<b>hard", "warning": "used 3% of the files of its tier."}]
    )
    report_page.write_page(tmp_path / "report.html", limited, {})
    page = (tmp_path / "report.html").read_text()
    warning = page.index('&lt;b&gt;hard</td><td class="text wrap">used 3% of the files of its tier.')
    assert "1 warning about what the detectors were trained on" in page
    assert page.index("What limits these comparisons") < warning < page.index("Differences, with their")


def test_generated_sound_is_declared_only_where_it_is(contents, tmp_path):
    recorded = replace(contents, settings=replace(contents.settings, generated=False))
    report_page.write_page(tmp_path / "report.html", recorded, {})
    assert "Generated sound" not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("sites", "caveat"),
    [([], CAVEATS[0]), ([1], CAVEATS[1]), ([3], None)],
)
def test_too_few_new_sites_are_a_caveat(contents, tmp_path, sites, caveat):
    splits = [
        {"split": "test_ood", "label": "positive", "files": 9, "hours": 1.0, "recorder_nights": 4, "sites": count}
        for count in sites
    ]
    recordings = replace(contents.recordings, splits=splits)
    report_page.write_page(tmp_path / "report.html", replace(contents, recordings=recordings), {})
    page = (tmp_path / "report.html").read_text()
    assert {text for text in CAVEATS if text in page} == ({caveat} if caveat else set())


def test_the_audit_the_clusters_and_the_recommendation_are_escaped_text(contents, tmp_path):
    flags = dict.fromkeys(["suspected_positive"], 3)
    row = {
        "name": "<u>top</u>",
        "files": 9,
        "suspected_share": 1 / 3,
        "any": 3,
        "negative": 1,
        "positive": 2,
        "uncertain": 0,
    } | flags
    agreement = [{"first": "<i>", "second": "", "files": 3, "agreed": 1.0, "kappa": float("nan")}]
    audit = AuditSummary(
        ["<u>7</u> hidden."], list(flags), [row], truth=[], reviewed=3, reviewers=2, agreement=agreement
    )
    largest = ClusterInTier(cluster=0, files=9, share=1.0, example="<img>\u202ex.wav", start_s=0.0)
    clusters = [TierClusters("<u>top</u>", clusters=1, largest=[largest])]
    recommendation = Recommendation(
        split="test_ood",
        choices=[choice(configuration="<s>", undecided=["<u>top</u>"])],
        max_recall_loss=0.05,
        statements=[Statement("No tier is judged better than “none”.", ["<u>detail</u>"])],
        caveats=[],
    )
    models = ModelAgreement(
        models=["<i>", "new"],
        pairs=[ModelPair("<i>", "new", 0.4)],
        hard_confidence=0.5,
        hard_for_one_model={"<i>": 4},
        tiers=[TierAgreement("<u>top</u>", "<i>", files=9, by_every_model=3, share=1 / 3, by_one_model=2, jaccard=0.5)],
    )
    labels = [LabelInTier("<b>Frog", "Rana", files=2, share=0.5)]
    sounds = [TierLabels("<u>top</u>", files=4, labels=2, largest=labels, unnamed=1, unnamed_share=0.25)]
    report_page.write_page(
        tmp_path / "report.html",
        replace(contents, sounds=sounds, audit=audit, clusters=clusters, recommendation=recommendation, models=models),
        {},
    )
    page = (tmp_path / "report.html").read_text()
    for markup in ("<u>", "<i>", "<s>", "<img>"):
        assert markup not in page
    assert "<bdi>&lt;img&gt;⟨U+202E⟩x.wav</bdi>" in page
    assert "&lt;i&gt; and (no name) agree on 100 % of 3 files." in page
    assert "No tier is judged better than “none”." in page and "no tier is shown to be better" in page
    assert "Nobody has listened" not in page and "People have listened to 3 of the pool files" in page
    assert "50 % of &lt;u&gt;top&lt;/u&gt; is &lt;b&gt;Frog; 25 % has no label." in page
    assert "<td>33 %</td><td>2</td>" in page and "&lt;i&gt; and new 0.40" in page


def test_the_verdicts_keep_the_three_questions_apart(contents):
    titles = [table.question.title for table in contents.verdicts]
    assert titles == ["Ranking", "At the frozen threshold"] + ["At matched operating points"] * 2
    metrics = [table.metrics for table in contents.comparisons]
    assert metrics[0] == ["average_precision", "auroc"]
    assert metrics[1] == ["f1", "precision", "recall", "false_positives_per_hour"]
    assert [len(part) for part in metrics] == [2, 4, 3]


def test_the_answer_is_also_written_as_text_with_its_warnings(contents, tmp_path):
    recommendation = Recommendation("test_ood", [], 0.05, [Statement("Train on “hard”.", ["A detail."])], caveats=[])
    warnings = [{"arm": "base, hard", "warning": "equals its baseline."}]
    contents = replace(contents, recommendation=recommendation, comparison_warnings=warnings)
    report_page.write_answer(tmp_path / "answer.txt", contents)
    lines = (tmp_path / "answer.txt").read_text().splitlines()
    assert lines[1:] == ["- Train on “hard”.", "- Warning: base, hard: equals its baseline."]


def test_a_tier_without_files_is_named_in_the_page_and_in_the_terminal(contents, tmp_path):
    tier = TierDescription(
        name="conf<95>", definition="confidence of at least 0.95", files=0, recorders=0, lowest=None, highest=None,
        trained_windows=None, mines=True, notes=["No file has a confidence of 0.95 or more."],
    )  # fmt: skip
    contents = replace(contents, tiers=[tier])
    report_page.write_page(tmp_path / "report.html", contents, {})
    report_page.write_answer(tmp_path / "answer.txt", contents)
    sentence = "has no files, so its runs are left out. No file has a confidence of 0.95 or more."
    page = (tmp_path / "report.html").read_text()
    assert page.index("Before you rely on it") < page.index(f"Tier conf&lt;95&gt; {sentence}") < page.index("<nav")
    assert f"- Warning: Tier conf<95> {sentence}" in (tmp_path / "answer.txt").read_text().replace("\n  ", " ")


def test_a_mining_model_in_doubt_is_above_the_answer(contents, tmp_path):
    problem = "Pool confidences span 0.39 to 0.54: tiers by confidence mean <little>."
    report_page.write_page(tmp_path / "plain.html", contents, {})
    assert "The mining model is in doubt" not in (tmp_path / "plain.html").read_text()
    doubtful = replace(contents, mining_problems=[problem])
    report_page.write_page(tmp_path / "report.html", doubtful, {})
    report_page.write_answer(tmp_path / "answer.txt", doubtful)
    page = (tmp_path / "report.html").read_text()
    assert page.index("mean &lt;little&gt;") < page.index("<h2>Answer")
    assert (tmp_path / "answer.txt").read_text().splitlines()[1] == f"- Warning: {problem}"


def test_no_effect_is_shown_with_its_bound_everywhere(contents, tmp_path):
    row = {
        "vary": "negative_tier", "value": "hard", "baseline": "none", "positive_subset": "base", "split": "test_ood", "n": 3,
        "mean": 0.5, "std": 0.1, "difference": 0.01, "ci_low": 0.005, "ci_high": 0.015, "seeds_needed": 2.0,
        "verdict": "no effect larger than d",
    }  # fmt: skip
    bounds = dict.fromkeys(TEST_SPLIT_METRICS, 0.035) | {"false_positives_per_hour": 2.0}
    deltas = pd.DataFrame([row | {"metric": metric, "effect_of_interest": bounds[metric]} for metric in bounds])
    delta = deltas.iloc[0].to_dict()
    chosen = ChosenTier(
        name="hard", delta=delta | {"verdict": "improves"}, selected=SelectedInterval(0.002, 0.018, 0.95),
        controls=[ControlEvidence("random", delta, None)], control_of=[], trade=[], threshold_free=[], recall_loss=0.0,
    )  # fmt: skip
    improved = choice(chosen=chosen)
    small = replace(
        contents,
        comparisons=report_tables.build_comparison_tables(deltas),
        summary=findings.summarize_first_comparison(deltas),
        verdicts=findings.build_verdict_tables(deltas),
        recommendation=Recommendation("test_ood", [improved], 0.05, statements=[], caveats=[]),
    )
    report_page.write_page(tmp_path / "report.html", small, {})
    page = (tmp_path / "report.html").read_text()
    # In the tables of verdicts four headline metrics, in numbers eight rates and false positives, and the control.
    assert page.count("no effect larger than 3.5<") == 4 + 8 + 1
    assert page.count("no effect larger than 2<") == 1
    assert "no negative tier is judged better or worse than “none”" in page
    assert "Of 4 differences, 4 are too small to matter." in page


def test_an_effect_without_a_verdict_has_its_reason_and_a_dash(contents, tmp_path):
    row = DependenceRow(
        value="hard", configuration="", split="", metric="f1", effect_reference="+5.0", effect="\N{EN DASH}",
        change=float("nan"), difference="\N{EN DASH}", interval="", verdict="no verdict", reason="undefined in at least one run",
    )  # fmt: skip
    dependence = [DependenceTable("Does it carry over?", ["<b>No."], "in distribution", "out of distribution", [row])]
    report_page.write_page(tmp_path / "report.html", replace(contents, dependence=dependence), {})
    page = (tmp_path / "report.html").read_text()
    assert (
        "&lt;b&gt;No." in page
        and "no verdict: undefined in at least one run" in page
        and "<td>\N{EN DASH}</td>" in page
    )


def test_what_the_second_round_added_is_shown_where_there_was_one(contents, tmp_path):
    row = {"min_confidence": 0.85, "taken": 20, "first_round": 3, "second_round": 7, "added": 5, "dropped": 1}
    rounds = [row | {"overlap": 0.25, "top_k": float("nan")}, row | {"top_k": 20, "overlap": float("nan")}]
    settings = replace(
        contents.settings, second_round={"negative_tier": "top<b>", "positive_subset": "base", "seed": 5}
    )
    report_page.write_page(tmp_path / "report.html", contents, {})
    assert "second round" not in (tmp_path / "report.html").read_text()
    report_page.write_page(tmp_path / "report.html", replace(contents, rounds=rounds, settings=settings), {})
    page = (tmp_path / "report.html").read_text()
    assert "trained on tier <em>top&lt;b&gt;</em> and the positives <em>base</em> (seed 5)" in page
    cells = [f"<td>{cell}</td>" for cell in (20, 3, 7, 5, 1, "0.25")]
    assert f'<td class="text">0.85 and more</td>{"".join(cells)}' in page and ">the 20 hardest</td>" in page
    assert "<td>\N{EN DASH}</td></tr>" in page
