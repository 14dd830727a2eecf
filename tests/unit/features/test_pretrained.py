import os
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from hardneg.audio.windowing import WindowSpec
from hardneg.common import trial
from hardneg.common.errors import InputError
from hardneg.common.log import logger
from hardneg.features import extractors, pretrained
from hardneg.features.feature_settings import OnnxSettings, parse_features

RATE, SAMPLES = 1000, 500
WINDOWS = WindowSpec(RATE, SAMPLES, SAMPLES)


def noise(count):
    return np.random.default_rng(0).standard_normal((count, SAMPLES)).astype(np.float32)


@pytest.fixture
def onnx_file(tmp_path):
    """Write an ONNX network: the energy of each window, and the window itself, under the names that the test chooses."""

    def write(shape=("n", SAMPLES), outputs=("energy",), element=TensorProto.FLOAT, **metadata):
        square = helper.make_node("Mul", ["samples", "samples"], ["squared"])
        axes = helper.make_tensor("axes", TensorProto.INT64, [1], [len(shape) - 1])
        nodes = [square, helper.make_node("ReduceSum", ["squared", "axes"], [outputs[0]], keepdims=1)]
        nodes += [helper.make_node("Identity", ["samples"], [name]) for name in outputs[1:]]
        made = [helper.make_tensor_value_info(name, element, None) for name in outputs]
        graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("samples", element, shape)], made, [axes])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, {name: str(value) for name, value in metadata.items()})
        onnx.save(model, tmp_path / "network.onnx")
        return str(tmp_path / "network.onnx")

    return write


def build(path, kind="onnx", **more):
    return extractors.build(parse_features({"kind": kind, "path": path} | more), WINDOWS, "cpu")


def embed(network, windows):
    return network(torch.from_numpy(windows)).numpy()


@pytest.mark.parametrize("shape", [("n", SAMPLES), (1, SAMPLES), ("n", 1, SAMPLES), ("n", "samples")])
def test_an_onnx_network_gives_one_row_per_window_for_every_batch_size(onnx_file, shape):
    windows = noise(37)
    network = build(onnx_file(shape))
    np.testing.assert_allclose(embed(network, windows)[:, 0], (windows**2).sum(axis=1), rtol=1e-5)


def test_the_output_called_embedding_is_used_unless_another_is_named(onnx_file):
    path = onnx_file(outputs=("energy", "the_Embedding"))
    assert embed(build(path), noise(2)).shape == (2, SAMPLES)
    assert embed(build(path, output="energy"), noise(2)).shape == (2, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": ("n", 400)}, "takes 400 samples at once, but a window has 500"),
        ({"shape": (8, SAMPLES)}, r"\(n, samples\) or \(n, 1, samples\)"),
        ({"shape": ("n", 2, SAMPLES)}, r"\(n, samples\) or \(n, 1, samples\)"),
        ({"element": TensorProto.DOUBLE}, "windows of float32 samples alone"),
        ({"outputs": ("a", "b")}, "has the outputs a, b: set features.output to one of them"),
        ({"sample_rate": 32000}, r"needs sample_rate 32000: set windows\.sample_rate to this value\. It is 1000 now"),
        ({"sample_duration": 5.0}, r"needs sample_duration 5\.0: set windows\.length_s to this value\. It is 0\.5 now"),
    ],
)
def test_an_onnx_network_for_other_windows_is_refused_with_what_it_takes(onnx_file, options, message):
    with pytest.raises(InputError, match=message):
        build(onnx_file(**options))


def test_metadata_that_matches_is_accepted(onnx_file):
    assert embed(build(onnx_file(sample_rate=RATE, sample_duration=0.5)), noise(3)).shape == (3, 1)


@pytest.mark.parametrize("kind", ["onnx", "exported"])
def test_a_damaged_or_missing_file_is_refused_by_name(tmp_path, kind):
    (tmp_path / "m").write_bytes(b"\x80\x04 not a network")
    with pytest.raises(InputError, match=r"m is not an"):
        build(str(tmp_path / "m"), kind)
    with pytest.raises(InputError, match="none does not exist"):
        build(str(tmp_path / "none"), kind)


def test_peak_scaling_centers_each_window_and_leaves_silence_silent():
    windows = np.stack([3 + noise(1)[0], np.full(SAMPLES, 0.7, np.float32)])
    scaled = pretrained.scale_to_peak(windows, 0.25)
    assert abs(scaled[0].mean()) < 1e-6 and np.abs(scaled[0]).max() == pytest.approx(0.25)
    assert not scaled[1].any()
    assert pretrained.scale_to_peak(windows, None) is windows


class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.project = torch.nn.Linear(SAMPLES, 3)

    def forward(self, windows):
        return self.project(windows), windows.abs().mean(dim=1, keepdim=True)


def test_an_exported_program_runs_as_the_module_that_it_was(tmp_path):
    module = Two().eval()
    free = {"windows": {0: torch.export.Dim("n", min=1, max=1024)}}
    torch.export.save(torch.export.export(module, (torch.zeros(4, SAMPLES),), dynamic_shapes=free), tmp_path / "m.pt2")
    windows = noise(21)
    with torch.inference_mode():
        expected = module(torch.from_numpy(windows))
    for position in (0, 1):
        network = build(str(tmp_path / "m.pt2"), "exported", output=f"output_{position}")
        np.testing.assert_allclose(embed(network, windows), expected[position].numpy(), rtol=1e-4, atol=1e-6)
    with pytest.raises(InputError, match="output_0, output_1"):
        build(str(tmp_path / "m.pt2"), "exported")


class Baked(torch.nn.Module):
    def forward(self, windows):
        return windows[:, :3] + torch.arange(3.0)


def test_a_program_is_moved_with_the_tensors_that_it_creates():
    program = torch.export.export(Baked().eval(), (torch.zeros(1, SAMPLES),))
    moved = pretrained.move_to_device(program, "meta")  # stands in for a GPU
    assert moved(torch.zeros(1, SAMPLES, device="meta")).device.type == "meta"


def test_without_onnxruntimes_cuda_provider_a_network_runs_on_the_cpu_and_logs_that(monkeypatch, caplog):
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(logger, "propagate", True)
    assert pretrained.choose_onnx_device("cuda") == "cpu" and "runs on the CPU" in caplog.text
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    assert pretrained.choose_onnx_device("cuda") == "cuda" and pretrained.choose_onnx_device("cpu") == "cpu"


class Bomb:
    def __reduce__(self):
        return (open, ("bombed", "w"))


def test_an_exported_program_with_a_pickle_in_it_is_refused_and_not_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.export.save(torch.export.export(Two().eval(), (torch.zeros(1, SAMPLES),)), "good.pt2")
    torch.save(Bomb(), "bomb.pt")
    with zipfile.ZipFile("good.pt2") as good, zipfile.ZipFile("bad.pt2", "w") as bad:
        inputs = [name for name in good.namelist() if "sample_inputs" in name]
        assert inputs
        for name in good.namelist():
            bad.writestr(name, Path("bomb.pt").read_bytes() if name in inputs else good.read(name))
    assert embed(build("good.pt2", "exported", output="output_0"), noise(2)).shape == (2, 3)
    with pytest.raises(InputError, match=r"bad\.pt2 is not an exported program"):
        build("bad.pt2", "exported", output="output_0")
    assert not Path("bombed").exists()
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_a_real_network_of_a_package_runs_on_audio():
    package = find_spec("speechmos")
    if package is None:
        pytest.skip("the package speechmos, which brings an ONNX network on raw audio, is not installed")
    path = Path(package.submodule_search_locations[0], "dnsmos_models/sig_bak_ovr.onnx")
    windows = WindowSpec.from_seconds(length_s=9.01, hop_s=9.01, sample_rate=16000)
    network = extractors.build(OnnxSettings(str(path)), windows, "cpu")
    time = np.arange(144160) / 16000
    samples = np.stack([0.3 * np.sin(2 * np.pi * 440 * time), 0.01 * np.random.default_rng(0).standard_normal(144160)])
    scores = embed(network, samples.astype(np.float32))
    assert scores.shape == (2, 3) and np.isfinite(scores).all() and not np.allclose(scores[0], scores[1])


def write_endless_loop(path, is_constant):
    """Write an ONNX network that adds 1 without end: to a constant, when it is loaded, or to each window."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["v", "one"], ["w"])],
        "body",
        [helper.make_tensor_value_info(name, kind, []) for name, kind in (("i", TensorProto.INT64), ("go", TensorProto.BOOL))]
        + [helper.make_tensor_value_info("v", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []), helper.make_tensor_value_info("w", TensorProto.FLOAT, None)],
        [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )  # fmt: skip
    constants = [
        helper.make_tensor("times", TensorProto.INT64, [], [2**62]),
        helper.make_tensor("yes", TensorProto.BOOL, [], [True]),
        helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
    ]
    start = "zero" if is_constant else "samples"
    nodes = [
        helper.make_node("Loop", ["times", "yes", start], ["sum"], body=body),
        helper.make_node("Add", ["samples", "sum"], ["energy"]),
    ]
    save_graph(path, nodes, constants)


def write_four_gigabytes(path):
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Add", ["samples", "sum"], ["energy"]),
    ]
    save_graph(path, nodes, [helper.make_tensor("shape", TensorProto.INT64, [1], [1 << 30])])


def save_graph(path, nodes, constants):
    samples = helper.make_tensor_value_info("samples", TensorProto.FLOAT, ["n", SAMPLES])
    energy = helper.make_tensor_value_info("energy", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [samples], [energy], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.mark.parametrize("is_constant", [True, False])
def test_an_onnx_network_that_never_ends_is_refused(tmp_path, is_constant, monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 2)
    path = tmp_path / "loop.onnx"
    write_endless_loop(path, is_constant)
    with pytest.raises(InputError, match=r"loop\.onnx took longer than 2 s"):
        build(str(path))


def test_an_onnx_network_that_needs_too_much_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "MEMORY_BYTES", 1 << 30)
    path = tmp_path / "large.onnx"
    write_four_gigabytes(path)
    with pytest.raises(InputError, match=r"large\.onnx cannot be used: .*Failed to allocate memory"):
        build(str(path))
