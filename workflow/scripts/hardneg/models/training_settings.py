"""The ``training`` block of the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class AugmentationSettings:
    """Strengths of the random changes of training windows; 0 switches one off. See :mod:`hardneg.models.augmentation`.

    Attributes
    ----------
    time_shift, frequency_shift : largest move, as a share of the frames and of the bands.
    time_mask, frequency_mask : largest block that is masked, as a share of the frames and of the bands.
    tilt_db, gain_db : largest change of level at the edge bands, and of all bands (dB).
    background : what is mixed in: ``none``, ``labelled`` (negatives) or ``pool`` (files that no tier mines).
    background_share : share of the windows that background is mixed into.
    background_snr_db : lowest and highest ratio of a window's power to that of its background (dB).
    """

    time_shift: float
    frequency_shift: float
    time_mask: float
    frequency_mask: float
    tilt_db: float
    gain_db: float
    background: str
    background_share: float
    background_snr_db: Sequence[float]


NO_AUGMENTATION = AugmentationSettings(
    time_shift=0.0,
    frequency_shift=0.0,
    time_mask=0.0,
    frequency_mask=0.0,
    tilt_db=0.0,
    gain_db=0.0,
    background="none",
    background_share=0.5,
    background_snr_db=[0.0, 20.0],
)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Settings for building and training one detector.

    The fields and their order are those of the configuration schema, which also holds their defaults and limits.

    Attributes
    ----------
    model : ``cnn`` or ``head``; see :mod:`hardneg.models.networks`.
    channels : output channels of each convolution of ``cnn``.
    hidden_units : width of the hidden layer before the logit; 0 for none.
    dropout : share of the pooled features dropped in training.
    epochs : the most epochs to train for.
    keep_epoch : ``last`` or ``best``: the epoch whose weights are kept.
    ema : share that the exponential moving average of the weights keeps at each step; 0 for no average.
    epoch_measure : ``average_precision`` or ``loss`` on validation: what the best epoch and early stopping go by.
    patience : stop after this many epochs without a better one; 0 for never.
    min_epochs : never stop before this many.
    batch_size : windows in a batch.
    learning_rate : the highest learning rate of AdamW.
    weight_decay : decoupled weight decay, in units of the learning rate.
    warmup_fraction : share of all steps during which the learning rate rises.
    augmentation : random changes of spectrograms. Embeddings have none.
    mixup : alpha of mixup's Beta distribution; 0 for no mixup.
    label_smoothing : share of each label that is moved to one half.
    focal_gamma : exponent of the focal loss; 0 for cross-entropy.
    balance : what makes up for classes of different sizes: ``batches`` (half of every batch is positive), ``weights``
        (in the loss), ``cut`` (windows of the larger class leave after the tier is added) or ``none``.
    mined : how mined windows enter: ``add``, ``replace`` (as many labelled negatives leave) or ``share`` (of the
        negatives of every batch).
    mined_share : that share.
    mined_weight : factor of a mined window's term in the loss.
    mined_windows_per_file : the most windows of a mined file to train on; the hardest are taken.
    epoch_size : ``labelled`` or ``all``: the windows whose number decides how many steps an epoch has.
    weak_labels : ``all``, ``max`` or ``two_pass``: which windows of a positive file are trained on.
    upsampling : how the smaller class is enlarged; one of :data:`hardneg.models.upsampling.MODES`.
    upsampling_ratio : size of the smaller class after upsampling, as a share of the larger.
    internal_fraction : share of the training recorder-nights that ``internal`` validation holds out.
    """

    model: str
    channels: Sequence[int]
    hidden_units: int
    dropout: float
    epochs: int
    keep_epoch: str
    ema: float
    epoch_measure: str
    patience: int
    min_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_fraction: float
    augmentation: AugmentationSettings
    mixup: float
    label_smoothing: float
    focal_gamma: float
    balance: str
    mined: str
    mined_share: float
    mined_weight: float
    mined_windows_per_file: int
    epoch_size: str
    weak_labels: str
    upsampling: str
    upsampling_ratio: float
    internal_fraction: float

    @classmethod
    def from_config(cls, training: Mapping[str, Any]) -> Self:
        """Take the block of the configuration, in which ``augmentation`` is a mapping."""
        return cls(**{**training, "augmentation": AugmentationSettings(**training["augmentation"])})


def override(training: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Replace some keys of the block of the configuration; of ``augmentation``, only the keys that differ."""
    augmentation = {**training["augmentation"], **changes.get("augmentation", {})}
    return {**training, **changes, "augmentation": augmentation}
