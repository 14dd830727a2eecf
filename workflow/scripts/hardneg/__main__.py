"""``python -m hardneg predict MODEL AUDIO...``: use what ``snakemake export`` wrote."""

import argparse
import logging
import os
import sys

from hardneg.errors import InputError


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
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        _predict(given)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _predict(given: argparse.Namespace) -> None:
    from hardneg import devices, prediction  # torch takes seconds to import, and a wrong command line needs none of it

    detector = prediction.load(given.model, devices.choose(given.device, given.threads), given.backbone)
    scores = prediction.predict(detector, prediction.audio_files(given.audio), given.output, given.threshold)
    print(f"{scores.flagged.sum()} of {len(scores)} recordings flagged; tables are in {given.output}")


if __name__ == "__main__":
    sys.exit(main())
