"""``python -m hardneg``: draft a manifest, or run a detector that ``snakemake export`` wrote."""

import argparse
import logging
import os
import sys
from pathlib import Path

from hardneg.common.errors import InputError


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run the command, and return the exit status."""
    options = _build_parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        options.run(options)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hardneg", description="Draft a manifest, or run a detector.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    predict = commands.add_parser(
        "predict",
        help="run an exported detector over recordings",
        description="Run an exported detector over recordings. Writes scores.csv, with the most confident recording "
        "first, and the detections of each recording as tables for BirdNET-Analyzer and Raven.",
    )
    predict.add_argument("model", help="the folder that `snakemake export` wrote")
    predict.add_argument("audio", nargs="+", help="recordings, or folders of recordings")
    predict.add_argument("--output", default="predictions", help="folder for the tables (default: %(default)s)")
    predict.add_argument("--threshold", type=float, help="lowest confidence of a detection (default: the model's)")
    predict.add_argument("--backbone", help="file of the pretrained network, if it has moved since the training")
    predict.add_argument(
        "--device", default="auto", choices=["auto", "cpu", "cuda"], help="where to compute (default: %(default)s)"
    )
    predict.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads (default: %(default)s)")
    predict.set_defaults(run=_predict)

    manifest = commands.add_parser(
        "manifest",
        help="draft a manifest of the recordings in a folder",
        description="Draft a manifest of the recordings in a folder. Folders called positive, negative and pool give "
        "labels, and AudioMoth file names give dates. The folder of a recording is its recorder.",
    )
    manifest.add_argument("audio_root", help="the folder")
    manifest.add_argument("--output", default="manifest.csv", help="the table to write (default: %(default)s)")
    manifest.set_defaults(run=_draft_manifest)
    return parser


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
    from hardneg.recordings import discovery
    from hardneg.recordings.manifest import POOL

    if Path(options.output).exists():
        raise InputError(f"{options.output} already exists. Choose another file with --output.")
    manifest = discovery.draft_manifest(options.audio_root)
    tables.write(manifest, options.output)
    labels = manifest.split.where(manifest.split == POOL, manifest.label).value_counts()
    print(
        f"{options.output}: {len(manifest)} recordings, {labels.get('positive', 0)} positive, "
        f"{labels.get('negative', 0)} negative, {labels.get(POOL, 0)} to mine, {labels.get('', 0)} without a "
        "label.\nFill in the missing labels, and check recorder_id: it is the name of each recording's folder."
    )


if __name__ == "__main__":
    sys.exit(main())
