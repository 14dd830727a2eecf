"""TFLite files: read their constants by name without running them, and replace their last layer."""

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write

FLOAT32 = 0
FULLY_CONNECTED, NO_ACTIVATION, RELU = 9, 0, 1
CONSTANT_ALIGNMENT = 16  # bytes


def read_constants(path: str | os.PathLike[str]) -> list[tuple[str, npt.NDArray[np.float32]]]:
    """Read the float32 constants of a TFLite file with one graph.

    Parameters
    ----------
    path : the file.

    Returns
    -------
    Name and value of each constant. A name can occur more than once: the converter builds the names of a folded kernel
    and of its bias from the same parts.

    Raises
    ------
    InputError
        If the file is not TFLite, or the reader (the package ``ai-edge-litert``) is not installed.
    """
    schema, content = _import_schema(), _read_content(path)
    try:
        model = schema.Model.GetRootAs(content, 0)
        graph = model.Subgraphs(0)
        tensors = [graph.Tensors(index) for index in range(graph.TensorsLength())]
        constants = []
        for tensor in tensors:
            buffer = model.Buffers(tensor.Buffer())
            if tensor.Type() == FLOAT32 and buffer.DataLength():
                shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
                constants.append((tensor.Name().decode(), buffer.DataAsNumpy().view("<f4").reshape(shape)))
    except (struct.error, ValueError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is a damaged TFLite file: {error}") from error
    return constants


def replace_last_layer(
    path: str | os.PathLike[str],
    layers: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]],
    output_path: str | os.PathLike[str],
) -> None:
    """Write a copy of a TFLite network in which other dense layers replace the last one.

    Parameters
    ----------
    path : the network. Its last operator must be a dense layer.
    layers : weights, shape (out, in), and bias, (out,), of each new layer. A ReLU stands between two layers.
    output_path : the file to write.

    Raises
    ------
    InputError
        If the file is not such a network.
    """
    import flatbuffers  # comes with the schema

    schema, content = _import_schema(), _read_content(path)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    last = graph.operators.pop()
    if model.operatorCodes[last.opcodeIndex].builtinCode != FULLY_CONNECTED:
        raise InputError(f"{path} does not end in a dense layer.")
    layer_input, *old_constants = last.inputs
    for tensor in old_constants:
        model.buffers[graph.tensors[tensor].buffer].data = None
        graph.tensors[tensor].buffer = 0
    for position, (weights, bias) in enumerate(layers):
        name, width = f"head/{position}", len(weights)
        constants = [
            _add_tensor(schema, model, f"{name}/{kind}", value.shape, value)
            for kind, value in (("weights", weights), ("bias", bias))
        ]
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.builtinOptionsType = last.opcodeIndex, last.builtinOptionsType
        operator.builtinOptions = schema.FullyConnectedOptionsT()
        operator.builtinOptions.fusedActivationFunction = NO_ACTIVATION if position == len(layers) - 1 else RELU
        operator.inputs = [layer_input, *constants]
        layer_input = _add_tensor(schema, model, name, (1, width))
        operator.outputs = [layer_input]
        graph.operators.append(operator)
    graph.outputs = [layer_input]
    for buffer in model.buffers:
        _align_when_packed(buffer)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    with atomic_write(output_path) as draft:
        draft.write_bytes(builder.Output())


def _add_tensor(
    schema: Any, model: Any, name: str, shape: tuple[int, ...], value: npt.NDArray[np.float32] | None = None
) -> int:
    """Add a float32 tensor to a model's graph and return its number.

    With a `value` the tensor is a constant. Without one, its first dimension is the number of windows, which is free.
    """
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), list(shape), FLOAT32, 0
    if value is None:
        tensor.shapeSignature = [-1, *shape[1:]]
    else:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(value, "<f4").tobytes(), np.uint8)
        tensor.buffer = len(model.buffers)
        model.buffers.append(buffer)
    graph = model.subgraphs[0]
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _align_when_packed(buffer: Any) -> None:
    """Let a buffer be written at the alignment that LiteRT expects of constants; the generated code ignores it."""
    pack = buffer.Pack

    def pack_aligned(builder: Any) -> Any:
        if buffer.data is not None:
            builder.Prep(CONSTANT_ALIGNMENT, len(buffer.data))
        return pack(builder)

    buffer.Pack = pack_aligned


def _import_schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise InputError("reading a TFLite file needs the package ai-edge-litert: run `make birdnet`.") from error
    return schema_py_generated


def _read_content(path: str | os.PathLike[str]) -> bytes:
    content = Path(path).read_bytes()
    if content[4:8] != b"TFL3":
        raise InputError(f"{path} is not a TFLite file.")
    return content
