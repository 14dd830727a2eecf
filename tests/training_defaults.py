"""Training settings of small detectors, for tests that change a few of them."""

from dataclasses import asdict
from typing import Any

from hardneg.models.training_settings import NO_AUGMENTATION

TRAINING: dict[str, Any] = {
    "model": "cnn", "channels": [8, 16], "hidden_units": 0, "dropout": 0.1, "epochs": 6, "keep_epoch": "last",
    "ema": 0.9, "epoch_measure": "average_precision", "patience": 0, "min_epochs": 1, "batch_size": 16,
    "learning_rate": 0.01, "weight_decay": 0.01, "warmup_fraction": 0.1, "augmentation": asdict(NO_AUGMENTATION), "mixup": 0.2,
    "label_smoothing": 0.1, "focal_gamma": 0, "balance": "none", "mined": "add", "mined_share": 0.25, "mined_weight": 1.0,
    "mined_windows_per_file": 1, "epoch_size": "labelled", "weak_labels": "all",
    "upsampling": "none", "upsampling_ratio": 1.0,
    "internal_fraction": 0.2,
}  # fmt: skip
