"""Read the constants of a TFLite file, by their names, without running it, and change its last layer."""

import os
import struct
from pathlib import Path
from types import ModuleType

import numpy as np

from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write

FLOAT32 = 0
FULLY_CONNECTED, RELU = 9, 1
ALIGNMENT = 16  # bytes, of constants


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
    schema, content = _schema(), _content(path)
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


def replace_last_layer(
    path: str | os.PathLike, layers: list[tuple[np.ndarray, np.ndarray]], to: str | os.PathLike
) -> None:
    """Write a TFLite network anew with other dense layers in place of its last one; all before stays as it is.

    Parameters
    ----------
    path : the network. Its last operator is a dense layer.
    layers : weights, shape (out, in), and bias, (out,), of each new layer; between two of them is a ReLU.
    to : the file to write.

    Raises
    ------
    InputError
        If the file is not such a network.
    """
    import flatbuffers  # comes with the schema

    schema, content = _schema(), _content(path)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    last = graph.operators.pop()
    if model.operatorCodes[last.opcodeIndex].builtinCode != FULLY_CONNECTED:
        raise InputError(f"{path} does not end in a dense layer.")
    taken, *replaced = last.inputs
    for tensor in replaced:
        model.buffers[graph.tensors[tensor].buffer].data = None
        graph.tensors[tensor].buffer = 0
    for place, (weights, bias) in enumerate(layers):
        name, width = f"head/{place}", len(weights)
        constants = [
            _add_tensor(schema, model, f"{name}/{kind}", value.shape, value)
            for kind, value in (("weights", weights), ("bias", bias))
        ]
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.builtinOptionsType = last.opcodeIndex, last.builtinOptionsType
        operator.builtinOptions = schema.FullyConnectedOptionsT()
        operator.builtinOptions.fusedActivationFunction = 0 if place == len(layers) - 1 else RELU
        operator.inputs = [taken, *constants]
        taken = _add_tensor(schema, model, name, (1, width))
        operator.outputs = [taken]
        graph.operators.append(operator)
    graph.outputs = [taken]
    model.buffers = [_aligned(schema, buffer) for buffer in model.buffers]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    with atomic_write(to) as draft:
        draft.write_bytes(builder.Output())


def _add_tensor(schema: ModuleType, model, name: str, shape: tuple[int, ...], value: np.ndarray | None = None) -> int:
    """Add a float32 tensor to a model's graph, a constant if it has a value, and give its number.

    What is no constant has as many rows as windows are given at once.
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


def _aligned(schema: ModuleType, buffer):
    """A buffer that is written where LiteRT expects constants; the generated code does not see to that."""

    class Aligned(schema.BufferT):
        def Pack(self, builder):  # noqa: N802 - the schema's name
            if self.data is not None:
                builder.Prep(ALIGNMENT, len(self.data))
            return super().Pack(builder)

    aligned = Aligned()
    aligned.__dict__.update(buffer.__dict__)
    return aligned


def _schema() -> ModuleType:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise InputError("reading a TFLite file needs the package ai-edge-litert: run `make birdnet`.") from error
    return schema_py_generated


def _content(path: str | os.PathLike) -> bytes:
    content = Path(path).read_bytes()
    if content[4:8] != b"TFL3":
        raise InputError(f"{path} is not a TFLite file.")
    return content
