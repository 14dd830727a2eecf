"""Run the workflow and interrupt it: kill all processes at once, or press Ctrl-C."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from processes import descendants

# Times of day and durations; and sounds, whose Ogg streams have random serial numbers.
UNCOMPARED = ("logs", "benchmarks", "made_from", "mining/first_look")


def start(project, config: str) -> subprocess.Popen:
    """Start the workflow in a separate process group; its output goes to ``run.log`` in the project."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SNAKEMAKE")}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", config]
    with project.path("run.log").open("ab") as printed:
        return subprocess.Popen(
            command, cwd=project.folder, env=environment, stdout=printed, stderr=printed, start_new_session=True,
            preexec_fn=_restore_ctrl_c,
        )  # fmt: skip


def _restore_ctrl_c() -> None:
    """Handle SIGINT as in a terminal; the workers of pytest-xdist ignore it, and so would their children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def kill_tree(run: subprocess.Popen) -> None:
    """Send SIGKILL to the run and to all its descendants."""
    for process in [run.pid, *descendants(run.pid)]:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    run.wait()


def wait_for(pids: list[int], seconds: float = 120) -> None:
    """Wait until processes that are not children of this one have ended."""
    deadline = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, "processes do not end"
        time.sleep(0.1)


def ends_within(run: subprocess.Popen, seconds: float) -> bool:
    """Return whether the run ends by itself in time."""
    deadline = time.monotonic() + seconds
    while run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return run.poll() is not None


def digests(results: Path) -> dict[str, str]:
    """Hash every result by its name. Logs and timings are left out; leftovers of killed jobs are not."""
    files = (path for path in results.rglob("*") if path.is_file())
    named = {path.relative_to(results).as_posix(): path for path in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted(named.items())
        if not name.startswith(UNCOMPARED)
    }
