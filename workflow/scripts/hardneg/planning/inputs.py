"""The inputs of a rule, by name."""

# An empty list stands for an input that the job does not need.
Inputs = dict[str, str | list[str]]


def path_if(needed: bool, path: str | list[str]) -> str | list[str]:
    """Return `path` if the job needs it, else an empty list."""
    return path if needed else []
