"""The ``training`` block of the configuration."""

from collections.abc import Sequence
from dataclasses import dataclass


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
    patience : stop after this many epochs without a better validation average precision.
    batch_size : windows in a batch.
    learning_rate : the highest learning rate of AdamW.
    weight_decay : decoupled weight decay, in units of the learning rate.
    warmup_fraction : share of all steps during which the learning rate rises.
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
    upsampling : how the smaller class is enlarged; one of :data:`hardneg.models.upsampling.MODES`.
    upsampling_ratio : size of the smaller class after upsampling, as a share of the larger.
    internal_fraction : share of the training recorder-nights that ``internal`` validation holds out.
    """

    model: str
    channels: Sequence[int]
    hidden_units: int
    dropout: float
    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_fraction: float
    mixup: float
    label_smoothing: float
    focal_gamma: float
    balance: str
    mined: str
    mined_share: float
    mined_weight: float
    mined_windows_per_file: int
    epoch_size: str
    upsampling: str
    upsampling_ratio: float
    internal_fraction: float
