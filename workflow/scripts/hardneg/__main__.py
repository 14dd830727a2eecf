"""``python -m hardneg``: draft a manifest, plan a study, run an exported detector, or write selection tables."""

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TypeAlias

from hardneg.common.errors import InputError, describe_remedy

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run the command, and return the exit status."""
    parser = _build_parser()
    options, others = parser.parse_known_args(arguments)
    if others and not getattr(options, "passes_arguments", False):
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    options.snakemake_arguments = others
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        options.run(options)
    except Exception as error:
        remedy = describe_remedy(error, getattr(options, "output", "."))
        if not remedy:
            raise
        print(remedy, file=sys.stderr)
        return 1
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hardneg",
        description="Draft a manifest, plan a study, run a detector, or write selection tables.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_predict, _add_manifest, _add_selections, _add_decide, _add_plan):
        add(commands)
    return parser


def _add_predict(commands: Commands) -> None:
    predict = commands.add_parser(
        "predict",
        help="run an exported detector over recordings",
        description="Run an exported detector over recordings. Writes scores.csv, with the most confident recording "
        "first, and the detections of each recording as tables for BirdNET-Analyzer and Raven.",
    )
    predict.add_argument("model", help="the folder that `snakemake export` wrote")
    predict.add_argument("audio", nargs="+", help="recordings, or folders of recordings")
    predict.add_argument("--output", default="predictions", help="folder for the tables (default: %(default)s)")
    predict.add_argument(
        "--threshold", type=_parse_confidence, help="lowest confidence of a detection (default: the model's)"
    )
    predict.add_argument("--backbone", help="file of the pretrained network, if it has moved since the training")
    predict.add_argument(
        "--device", default="auto", choices=["auto", "cpu", "cuda"], help="where to compute (default: %(default)s)"
    )
    predict.add_argument(
        "--threads", type=_parse_count, default=os.cpu_count(), help="CPU threads (default: %(default)s)"
    )
    predict.set_defaults(run=_predict)


def _add_manifest(commands: Commands) -> None:
    manifest = commands.add_parser(
        "manifest",
        help="draft a manifest of the recordings in a folder",
        description="Draft a manifest of the recordings in a folder. Folders called positive, negative and pool give "
        "labels. Names of files, or what recorders wrote into them, give recorders, dates and times. Tables of "
        "annotations (Raven, Audacity, BirdNET, or CSV) give calls with their times.",
    )
    manifest.add_argument("audio_root", help="the folder")
    manifest.add_argument("--annotations", nargs="+", metavar="TABLES", help="tables, or folders of tables")
    manifest.add_argument(
        "--label", nargs="+", default=[], metavar="NAME", help="what the annotations of your species are called"
    )
    manifest.add_argument(
        "--complete", action="store_true", help="the tables list every call, so the rest of the recordings has none"
    )
    manifest.add_argument("--output", default="manifest.csv", help="the table to write (default: %(default)s)")
    manifest.set_defaults(run=_draft_manifest)


def _add_selections(commands: Commands) -> None:
    selections = commands.add_parser(
        "selections",
        help="write detections or reviewers' answers as Raven selection tables",
        description="Write what a finished run detects in one split, or what reviewers answered, as tables for Raven "
        "and BirdNET-Analyzer. Recordings that are not completely annotated have their highest window only.",
    )
    selections.add_argument(
        "source",
        help="folder of a run (below results/runs) or of a mining model (results/mining/trained), or the table of "
        "reviewers' answers",
    )
    selections.add_argument("--split", default="test_ood", help="of a run (default: %(default)s)")
    selections.add_argument("--threshold", type=_parse_confidence, help="lowest confidence (default: the run's own)")
    selections.add_argument(
        "--answer", default="positive", choices=["positive", "negative", "uncertain"],
        help="of reviewers (default: %(default)s)",
    )  # fmt: skip
    selections.add_argument("--label", default="target", help="name of the selections (default: %(default)s)")
    selections.add_argument("--high-hz", type=float, default=8000, help="upper edge of the boxes (default: 8000)")
    selections.add_argument("--output", default="selections", help="folder for the tables (default: %(default)s)")
    selections.set_defaults(run=_write_selections)


def _add_decide(commands: Commands) -> None:
    decide = commands.add_parser(
        "decide",
        help="add seeds to the arms whose verdict is open, until it is decided",
        description="Run the workflow, look at the verdicts, and add seeds to the arms whose verdict is open because "
        "of seeds, up to decide.seeds_at_most. Further arguments go to Snakemake, such as --cores 4 or --profile.",
    )
    decide.add_argument("--configfile", default="config/config.yaml", help="the configuration (default: %(default)s)")
    decide.add_argument("--plan", action="store_true", help="only show what the next look would add")
    decide.set_defaults(run=_decide, passes_arguments=True)


def _add_plan(commands: Commands) -> None:
    plan = commands.add_parser(
        "plan",
        help="show which differences a study of a given size can find",
        description="Show the smallest difference that a study with given numbers of seeds and test nights finds, for "
        "each headline metric. The spread between seeds and between nights is that of finished results. Without "
        "results, give it with --seed-sd, --night-sd and --test-nights. Writes plan.csv and plan.svg.",
    )
    plan.add_argument("results", nargs="?", help="folder of finished results, to plan a study like it")
    plan.add_argument(
        "--seeds", type=int, nargs="+", default=[3, 5, 10, 20], help="numbers of seeds (default: 3 5 10 20)"
    )
    plan.add_argument(
        "--times-nights", type=float, nargs="+", default=[0.5, 1, 2, 4],
        help="multiples of the test nights of these results (default: 0.5 1 2 4)",
    )  # fmt: skip
    plan.add_argument(
        "--seed-sd", type=float, help="without results: a difference's standard deviation over seeds (points)"
    )
    plan.add_argument(
        "--night-sd", type=float, help="without results: its standard deviation over test nights (points)"
    )
    plan.add_argument("--test-nights", type=int, nargs="+", help="without results: numbers of test nights")
    plan.add_argument(
        "--power", type=float, default=0.8, help="probability to find the difference (default: %(default)s)"
    )
    plan.add_argument("--output", default=".", help="folder for the table and the figure (default: this one)")
    plan.set_defaults(run=_plan_study)


def _parse_confidence(text: str) -> float:
    confidence = float(text)
    if not 0 <= confidence <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a confidence between 0 and 1")
    return confidence


def _parse_count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return count


def _predict(options: argparse.Namespace) -> None:
    # torch takes seconds to import. A wrong command line must fail at once.
    from hardneg.common import torch_device
    from hardneg.export import prediction
    from hardneg.recordings import discovery

    device = torch_device.select_device(options.device, options.threads)
    detector = prediction.load_detector(options.model, device, options.backbone)
    files = discovery.find_audio_files(options.audio)
    scores = prediction.predict_recordings(detector, files, options.output, options.threshold)
    print(f"{scores.flagged.sum()} of {len(scores)} recordings are flagged. The tables are in {options.output}.")


def _draft_manifest(options: argparse.Namespace) -> None:
    from hardneg.common import tables
    from hardneg.recordings import annotations, manifest_draft

    if Path(options.output).exists():
        raise InputError(f"{options.output} already exists. Choose another file with --output.")
    if not options.annotations and (options.label or options.complete):
        raise InputError("--label and --complete are about tables: give these with --annotations.")
    draft = manifest_draft.draft_manifest(options.audio_root)
    table, notes = draft.table, manifest_draft.describe_draft(draft)
    if options.annotations:
        read = annotations.read_annotations(options.annotations)
        annotated = annotations.add_annotations(table, read, options.label, options.audio_root, options.complete)
        table, notes = annotated.table, [*notes, *annotated.notes]
    tables.write(table, options.output)
    whole = table.drop_duplicates("file_path")
    counts = whole.split.where(whole.split != "", whole.label).value_counts()
    print(
        "\n".join(notes) + f"\n\n{options.output}: {len(whole)} recordings, {counts.get('positive', 0)} positive, "
        f"{counts.get('negative', 0)} negative, {counts.get('pool', 0)} to mine, {counts.get('', 0)} without a label.\n"
        "Fill in what is missing, and check recorder_id."
    )


def _write_selections(options: argparse.Namespace) -> None:
    from hardneg.export import selections

    if Path(options.source).is_dir():
        detections = selections.read_run(options.source, options.split, options.threshold)
    else:
        detections = selections.read_answers(options.source, options.answer)
    count = selections.write_selections(detections, options.label, options.high_hz, options.output)
    print(f"{len(detections)} selections in {count} recordings. The tables are in {options.output}.")


def _decide(options: argparse.Namespace) -> None:
    from hardneg import deciding

    deciding.decide(options.configfile, options.snakemake_arguments, only_plan=options.plan)


def _plan_study(options: argparse.Namespace) -> None:
    from hardneg.common import tables
    from hardneg.report import study_plan
    from hardneg.report.questions import HEADLINES
    from hardneg.statistics import study_planning

    assumed = (options.seed_sd, options.night_sd, options.test_nights)
    if not 0 < options.power < 1 or min(options.seeds) < 2:
        raise InputError("--power is a probability between 0 and 1, and --seeds are numbers from 2 on.")
    if options.results and not any(assumed):
        files = ("deltas.csv", "pairs.csv", "inputs/recordings.parquet")
        missing = [name for name in files if not Path(options.results, name).exists()]
        if missing:
            raise InputError(f"{options.results} has no {missing[0]}: give the folder of finished results.")
        deltas, pairs, recordings = (tables.read(Path(options.results, name)) for name in files)
        plan = study_planning.plan_from_results(
            deltas, pairs, recordings, HEADLINES, options.seeds, options.times_nights, options.power
        )
    elif not options.results and None not in assumed:
        spread = study_planning.Spread(options.seed_sd / 100, options.night_sd / 100, arms=1)
        plan = study_planning.plan_design(spread, options.seeds, options.test_nights, power=options.power)
        plan = plan.assign(split="assumed", metric="any metric")
    else:
        raise InputError("Give the folder of finished results, or all of --seed-sd, --night-sd and --test-nights.")
    Path(options.output).mkdir(parents=True, exist_ok=True)
    tables.write(plan, Path(options.output, "plan.csv"))
    study_plan.draw_plan(plan).savefig(Path(options.output, "plan.svg"))
    print(
        f"{study_plan.format_plan(plan, options.power)}\n\nTable and figure: plan.csv and plan.svg in {options.output}"
    )


if __name__ == "__main__":
    sys.exit(main())
