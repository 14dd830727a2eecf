import os
import signal
import time

import numpy as np
import pytest

from hardneg.common import trial
from hardneg.common.errors import InputError


def test_what_succeeds_is_accepted():
    trial.require_success(lambda: None, "m.onnx")


def test_what_never_ends_is_refused_in_time(monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 0.5)
    begin = time.monotonic()
    with pytest.raises(InputError, match=r"m\.onnx took longer than 0\.5 s for one window"):
        trial.require_success(lambda: time.sleep(60), "m.onnx")
    assert time.monotonic() - begin < 10


def test_what_fills_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(trial, "MEMORY_BYTES", 1 << 30)
    with pytest.raises(InputError, match=r"m\.onnx needs more than 1 GiB of memory"):
        trial.require_success(lambda: np.ones(1 << 28), "m.onnx")


def test_what_ends_its_process_is_refused():
    with pytest.raises(InputError, match=r"m\.onnx ended its process with the exit code -11"):
        trial.require_success(lambda: os.kill(os.getpid(), signal.SIGSEGV), "m.onnx")


def test_the_reason_of_a_refusal_is_passed_on():
    def refuse():
        raise InputError("m.onnx takes 400 samples.")

    def fail():
        raise RuntimeError("bad\n  graph")

    with pytest.raises(InputError, match=r"^m\.onnx takes 400 samples\.$"):
        trial.require_success(refuse, "m.onnx")
    with pytest.raises(InputError, match=r"^m\.onnx cannot be used: bad graph"):
        trial.require_success(fail, "m.onnx")
