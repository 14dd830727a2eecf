"""Load damaged recordings, tables and models, and look for crashes, hangs and growing memory.

``make fuzz`` runs it with libFuzzer, through atheris. For any bytes, a recording is used or rejected with a reason, a
table is read as text or refused, and a model is loaded or refused by name. Anything else ends the fuzzer, which writes
the input into a file.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["hardneg", "safetensors", "soundfile"]):
    import numpy as np
    import pandas as pd
    import soundfile
    import torch

    from hardneg.audio import decoding
    from hardneg.common import text_tables
    from hardneg.common.errors import InputError
    from hardneg.export import prediction
    from hardneg.models import checkpoints, networks
    from hardneg.recordings import recording_probe

LIMITS = ["-timeout=30", "-rss_limit_mb=2000", "-max_len=40000", "-print_final_stats=1"]
INPUT = {"windows": {}, "features": {}}


def read_recording(content: bytes) -> None:
    """A recording is rejected with a reason, or decodes to finite samples of the length that the check reports."""
    Path("fuzzed.wav").write_bytes(content)
    facts = recording_probe.probe_in_root("fuzzed.wav", ".", 0.1, 1.0)
    if not facts.reason:
        samples, rate = decoding.decode("fuzzed.wav")
        assert np.isfinite(samples).all()
        assert rate == facts.sample_rate and len(samples) == round(facts.duration_s * rate)


def read_checkpoint(content: bytes) -> None:
    """A checkpoint (description, a zero byte, weights) is refused, or is a network of finite weights."""
    description, _, weights = content.partition(b"\0")
    Path("fuzzed.json").write_bytes(description)
    Path("fuzzed.safetensors").write_bytes(weights)
    try:
        network = checkpoints.load("fuzzed.safetensors", INPUT)
    except InputError:
        return
    assert all(torch.isfinite(tensor).all() for tensor in network.state_dict().values())


def read_detector(content: bytes) -> None:
    """An exported detector (description, a zero byte, weights) is refused, or scores a window."""
    description, _, weights = content.partition(b"\0")
    Path("model.json").write_bytes(description)
    Path("model.safetensors").write_bytes(weights)
    try:
        detector = prediction.load_detector("model.safetensors", "cpu")
    except InputError:
        return
    samples = min(detector.description.windows.length, 100_000)
    detector.extract(torch.zeros(1, samples))


def read_table(content: bytes) -> None:
    """A table, as CSV and as Parquet, is refused, or all of its cells are text."""
    for name in ("fuzzed.csv", "fuzzed.parquet"):
        Path(name).write_bytes(content)
        try:
            table = text_tables.read(name, name, ["file_path", "label"])
        except InputError:
            continue
        assert table.map(lambda cell: isinstance(cell, str)).all(axis=None)


def seed_recordings(corpus: Path) -> None:
    """Small sound recordings of every kind that libsndfile writes and a recorder might."""
    noise = np.random.default_rng(0).normal(0, 0.1, (3000, 2))
    for kind, subtypes in {"WAV": ["PCM_16", "PCM_24", "FLOAT", "ULAW"], "FLAC": ["PCM_16"], "OGG": ["VORBIS"]}.items():
        for subtype in subtypes:
            soundfile.write(corpus / f"{kind}-{subtype}", noise, 8000, subtype, format=kind)


def seed_checkpoints(corpus: Path) -> None:
    """One sound checkpoint."""
    shape = {"model": "cnn", "channels": [2, 4], "hidden_units": 0, "dropout": 0.1}
    network = networks.build(**shape, shape=(64, 94))
    _save_model(corpus / "checkpoint", network, {"training": shape, "input": INPUT, "shape": [64, 94]})


def seed_detectors(corpus: Path) -> None:
    """One sound exported detector."""
    shape = {"model": "cnn", "channels": [2, 4], "hidden_units": 0, "dropout": 0.1}
    network = networks.build(**shape, shape=(16, 94))
    windows = {"length_s": 0.5, "hop_s": 0.5, "sample_rate": 8000}
    features = {"kind": "logmel", "n_mels": 16, "fmin": 0.0, "fmax": 4000.0, "n_fft": 256, "hop_s": 0.016}
    expected = {"windows": windows, "features": features}
    description = {"input": expected, "training": shape, "shape": [16, 32], "target": "frog", "label": "Rana_Frog"}
    description |= {"threshold": 0.5, "backbone": {"sha256": None, "licence": "none"}}
    _save_model(corpus / "detector", network, description)


def _save_model(path: Path, network: networks.Network, description: dict[str, object]) -> None:
    """Write a model as one file: its description, a zero byte and its weights."""
    checkpoints.save(network, description, "seed.safetensors")
    path.write_bytes(Path("seed.json").read_bytes() + b"\0" + Path("seed.safetensors").read_bytes())


def seed_tables(corpus: Path) -> None:
    """Small sound tables: CSV with every delimiter and in two encodings, and Parquet of several kinds of column."""
    table = pd.DataFrame({"file_path": ["a.wav", "b,c.wav"], "label": ["positive", None], "start_s": [0.5, None]})
    for name, delimiter in {"commas": ",", "semicolons": ";", "tabs": "\t"}.items():
        (corpus / name).write_text(table.to_csv(sep=delimiter, index=False))
    (corpus / "utf16").write_text(table.to_csv(index=False), encoding="utf-16")
    table.assign(kind=pd.Categorical(["x", "y"]), night=pd.Timestamp("2025-03-12")).to_parquet(corpus / "parquet")


TARGETS = {
    "recordings": (read_recording, seed_recordings),
    "checkpoints": (read_checkpoint, seed_checkpoints),
    "detectors": (read_detector, seed_detectors),
    "tables": (read_table, seed_tables),
}


def main(target: str, seconds: str) -> None:
    """Fuzz one of :data:`TARGETS` for a number of seconds, in a temporary folder."""
    import os

    read, seed = TARGETS[target]
    findings = Path("results/fuzz").resolve()
    findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        corpus = Path("corpus")
        corpus.mkdir()
        seed(corpus)
        limits = [*LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={findings}/{target}-"]
        atheris.Setup([sys.argv[0], *limits, str(corpus)], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
