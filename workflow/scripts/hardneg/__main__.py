"""``python -m hardneg``: begin a manifest, or use what ``snakemake export`` wrote."""

import argparse
import logging
import os
import sys
from pathlib import Path

from hardneg.common.errors import InputError


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m hardneg")
    commands = parser.add_subparsers(required=True)
    predict = commands.add_parser("predict", help="run an exported detector over recordings")
    predict.add_argument("model", help="the folder that `snakemake export` wrote")
    predict.add_argument("audio", nargs="+", help="recordings, or folders of them")
    predict.add_argument("--output", default="predictions", help="folder for the tables (default: %(default)s)")
    predict.add_argument(
        "--threshold", type=float, help="confidence from which a window is listed (default: the model's)"
    )
    predict.add_argument("--backbone", help="file of the backbone, if it is not where it was")
    predict.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    predict.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads (default: %(default)s)")
    predict.set_defaults(run=_predict)
    manifest = commands.add_parser("manifest", help="begin a manifest of the recordings in a folder")
    manifest.add_argument("audio_root", help="the folder")
    manifest.add_argument("--output", default="manifest.csv", help="the table to write (default: %(default)s)")
    manifest.set_defaults(run=_manifest)
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        given.run(given)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _predict(given: argparse.Namespace) -> None:
    # torch takes seconds to import, and a wrong command line needs none of it.
    from hardneg.common import torch_device
    from hardneg.export import prediction
    from hardneg.recordings import discovery

    detector = prediction.load(given.model, torch_device.select_device(given.device, given.threads), given.backbone)
    scores = prediction.predict(detector, discovery.find_audio_files(given.audio), given.output, given.threshold)
    print(f"{scores.flagged.sum()} of {len(scores)} recordings flagged; tables are in {given.output}")


def _manifest(given: argparse.Namespace) -> None:
    from hardneg.common import tables
    from hardneg.recordings import discovery

    if Path(given.output).exists():
        raise InputError(f"{given.output} exists already: name another file with --output.")
    table = discovery.draft_manifest(given.audio_root)
    tables.write(table, given.output)
    counts = table.split.where(table.split == discovery.POOL, table.label).value_counts()
    print(
        f"{given.output}: {len(table)} recordings, {counts.get('positive', 0)} positive, {counts.get('negative', 0)} "
        f"negative, {counts.get(discovery.POOL, 0)} to mine, {counts.get('', 0)} whose label is for you to fill in. Look "
        "at recorder_id too: it is the folder that a recording lies in."
    )


if __name__ == "__main__":
    sys.exit(main())
