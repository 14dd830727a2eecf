"""Compiled code is kept on disk; a damaged copy of it costs a compilation and nothing else."""

import importlib.util
import shutil

import pytest

SOURCE = """
from hardneg.audio.cpu_kernels import compile_and_cache

@compile_and_cache
def double(number):
    return 2 * number
"""


def load_kernel(folder):
    """Import the kernel as a new process would."""
    path = folder / "kernel.py"
    if not path.exists():
        path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("kernel", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.double


def is_loaded_from_cache(kernel):
    return sum(kernel.stats.cache_hits.values()) == 1


def truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize("damage", [truncate, lambda path: path.write_bytes(b"")], ids=["truncated", "empty"])
@pytest.mark.parametrize("pattern", ["*.nbi", "*.nbc"], ids=["index", "code"])
def test_damaged_compiled_code_is_compiled_again_and_kept(tmp_path, damage, pattern):
    load_kernel(tmp_path)(3)
    (file,) = (tmp_path / "__pycache__").glob(pattern)
    damage(file)
    kernel = load_kernel(tmp_path)
    assert kernel(3) == 6 and not is_loaded_from_cache(kernel)
    kernel = load_kernel(tmp_path)
    assert kernel(3) == 6 and is_loaded_from_cache(kernel)


def test_without_a_folder_to_keep_it_code_is_compiled_in_each_process(tmp_path):
    kernel = load_kernel(tmp_path)
    shutil.rmtree(tmp_path / "__pycache__")
    (tmp_path / "__pycache__").write_text("a file, so that nothing can be written below it")
    assert kernel(3) == 6 and kernel(4) == 8
