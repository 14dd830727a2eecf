"""The error that a person can mend: its message names the thing, the fault and the remedy."""


class InputError(ValueError):
    """A manifest, a configuration or a recording is not usable as it is."""
