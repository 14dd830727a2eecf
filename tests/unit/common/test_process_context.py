"""Jobs are scripts without ``if __name__ == "__main__"``: a process that imported the script would run the job again."""

import os
import subprocess
import sys

import pytest
from paths import SCRIPTS

START = "import multiprocessing\nmultiprocessing.set_start_method('forkserver')\nimport pandas as pd\nprint('once')\n"
JOBS = {
    "check": """
from hardneg.recordings import checks
table = pd.DataFrame({"file_path": ["a.wav", "b.wav"]})
print(*checks.check_recordings(table, ".", 0.1, 1.0, workers=2).reason)
""",
    "cut": """
from hardneg.review.clips import ClipSettings, cut_clips
candidates = pd.DataFrame({"file_path": ["a.wav"], "start_s": 0.5, "end_s": 1.0})
print(*cut_clips(candidates, "clips", ClipSettings(".", 16000, 0.1, 4000), workers=2).file_path)
""",
    "render": """
from hardneg.synthetic import dataset, sounds
design = dataset.draw_design(40, 20, duration_s=1.0, sample_rate=8000, seed=1).head(2)
sounds.render_recordings(design, "made", workers=2)
print(*design.file_path)
""",
    "extract": """
from hardneg.common import process_pool
print(*process_pool.map_in_order(abs, [-1, -2], workers=2))
""",
}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_runs_once_however_this_python_starts_processes(job, wav, tmp_path):
    wav("a.wav"), wav("b.wav", seed=1)
    (tmp_path / "job.py").write_text(START + JOBS[job])
    completed = subprocess.run(
        [sys.executable, "job.py"], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.split().count("once") == 1
