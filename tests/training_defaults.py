"""Training settings of small detectors, for tests that change a few of them."""

from typing import Any

TRAINING: dict[str, Any] = {
    "model": "cnn", "channels": [8, 16], "hidden_units": 0, "dropout": 0.1, "epochs": 6, "patience": 6, "batch_size": 16,
    "learning_rate": 0.01, "weight_decay": 0.01, "warmup_fraction": 0.1, "mixup": 0.2, "label_smoothing": 0.1,
    "focal_gamma": 0, "balance": "none", "mined": "add", "mined_share": 0.25, "mined_weight": 1.0,
    "mined_windows_per_file": 1, "epoch_size": "labelled", "upsampling": "none", "upsampling_ratio": 1.0,
    "internal_fraction": 0.2,
}  # fmt: skip
