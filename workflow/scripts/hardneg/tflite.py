"""Read the constants of a TFLite file, by their names, without running it."""

import os
import struct
from pathlib import Path

import numpy as np

from hardneg.errors import InputError

FLOAT32 = 0


def constants(path: str | os.PathLike) -> list[tuple[str, np.ndarray]]:
    """Read the float32 constants of a TFLite file's only graph.

    Parameters
    ----------
    path : the file.

    Returns
    -------
    Name and value of each. A name can occur more than once: the converter gives a folded kernel and its bias names that
    are made of the same parts.

    Raises
    ------
    InputError
        If the file is not TFLite, or the reader (the package ``ai-edge-litert``) is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise InputError("reading a TFLite file needs the package ai-edge-litert: run `make birdnet`.") from error
    content = Path(path).read_bytes()
    if content[4:8] != b"TFL3":
        raise InputError(f"{path} is not a TFLite file.")
    try:
        model = schema.Model.GetRootAs(content, 0)
        graph = model.Subgraphs(0)
        tensors = [graph.Tensors(place) for place in range(graph.TensorsLength())]
        found = []
        for tensor in tensors:
            buffer = model.Buffers(tensor.Buffer())
            if tensor.Type() == FLOAT32 and buffer.DataLength():
                shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
                found.append((tensor.Name().decode(), buffer.DataAsNumpy().view("<f4").reshape(shape)))
    except (struct.error, ValueError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is a damaged TFLite file: {error}") from error
    return found
