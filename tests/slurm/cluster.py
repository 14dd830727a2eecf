"""A real SLURM on one machine, for tests: a controller and two nodes on loopback, each with one stand-in GPU.

It starts munge with a new key, and daemons whose process ids are in its folder. It stops only these.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from processes import descendants, with_title

DAEMONS = ("munged", "slurmctld", "slurmd")
SYSTEM = Path("/etc/slurm")
NODES = ("n1", "n2")
# The rules that ask for a GPU.
ON_GPU = (
    "extract_features", "score_shard", "score_shard_again", "train", "train_mining_model", "train_second_model", "cross_fit",
    "rank_positives", "score_validation", "evaluate",
)  # fmt: skip


def missing() -> str:
    """Return why no cluster can be started on this machine; empty if one can."""
    lacking = [name for name in (*DAEMONS, "sbatch") if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    if os.geteuid() != 0:
        return "the daemons must be started as root"
    if (SYSTEM / "slurm.conf").exists() and not (SYSTEM / "slurm.conf").is_symlink():
        return "this machine has another SLURM"
    try:
        address = socket.gethostbyname(socket.gethostname())
    except OSError:
        address = "nothing"
    return "" if address.startswith("127.") else f"the host's name stands for {address}, not for loopback"


class Cluster:
    """Starts on entry, stops on exit.

    Parameters
    ----------
    folder : for configuration, state, logs and process ids.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.links: list[Path] = []

    def __enter__(self) -> "Cluster":
        try:
            self._configure()
            self._start_munge()
            self._run("slurmctld", "-f", str(self.folder / "slurm.conf"))
            for node in NODES:
                self.start_node(node)
            self._wait_for_nodes()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def start_node(self, node: str) -> None:
        """Start the daemon of one node."""
        self._run("slurmd", "-f", str(self.folder / "slurm.conf"), "-N", node)

    def lose_node(self, node: str) -> None:
        """Kill a node's daemon and everything that runs on it without a report, as a power cut does."""
        running = [job["JobId"] for job in self.jobs() if job["JobState"] == "RUNNING" and job["NodeList"] == node]
        os.kill(int((self.folder / f"slurmd-{node}.pid").read_text()), signal.SIGKILL)
        for job in running:
            for step in self.steps(job):
                for process in [step, *descendants(step)]:
                    os.kill(process, signal.SIGKILL)

    @staticmethod
    def steps(job: str) -> list[int]:
        """List the process ids of the daemons that watch a job's steps; the job's processes descend from them."""
        return with_title(f"slurmstepd: [{job}.")

    def command(self, *words: str) -> str:
        """Run one of SLURM's commands and return its output."""
        return self._run(*words)

    def jobs(self) -> list[dict[str, str]]:
        """List all jobs that the controller remembers, as ``scontrol show job`` prints them."""
        lines = self.command("scontrol", "-o", "show", "job").splitlines()
        return [dict(part.split("=", 1) for part in line.split() if "=" in part) for line in lines if "JobId=" in line]

    def stop(self) -> None:
        """End the daemons that this cluster started, and no others."""
        for name in ("slurmd-n1", "slurmd-n2", "slurmctld", "munged"):
            self._end(self.folder / f"{name}.pid", name.split("-")[0])
        for link in self.links:
            link.unlink(missing_ok=True)

    def _configure(self) -> None:
        (self.folder / "state").mkdir(parents=True, exist_ok=True)
        host, memory = (
            socket.gethostname().split(".")[0],
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        )
        settings = {
            "ClusterName": "hardneg",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmUser": "root",
            "SlurmctldPort": 16917,
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={self.folder}/munge.socket",
            "StateSaveLocation": f"{self.folder}/state",
            "SlurmdSpoolDir": f"{self.folder}/spool-%n",
            "SlurmctldPidFile": f"{self.folder}/slurmctld.pid",
            "SlurmdPidFile": f"{self.folder}/slurmd-%n.pid",
            "SlurmctldLogFile": f"{self.folder}/slurmctld.log",
            "SlurmdLogFile": f"{self.folder}/slurmd-%n.log",
            "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "MpiDefault": "none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core_Memory",
            "SchedulerParameters": "sched_interval=1,bf_interval=1",
            "ReturnToService": 2,
            "MinJobAge": 3600,
            "KillWait": 2,
            "OverTimeLimit": 0,
            "SlurmdTimeout": 10,
            "GresTypes": "gpu",
        }
        lines = [f"{key}={value}" for key, value in settings.items()]
        for position, node in enumerate(NODES):
            lines.append(
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={16921 + position} CPUs={os.cpu_count()} "
                f"RealMemory={memory * 45 // 100} Gres=gpu:1 State=UNKNOWN"
            )
        lines.append(f"PartitionName=main Nodes={','.join(NODES)} Default=YES MaxTime=INFINITE State=UP")
        (self.folder / "slurm.conf").write_text("\n".join(lines) + "\n")
        gres = "".join(f"NodeName={node} Name=gpu File=/dev/null\n" for node in NODES)
        (self.folder / "gres.conf").write_text(gres)
        SYSTEM.mkdir(exist_ok=True)
        for name in ("slurm.conf", "gres.conf"):  # a job step looks here only
            (SYSTEM / name).unlink(missing_ok=True)
            (SYSTEM / name).symlink_to(self.folder / name)
            self.links.append(SYSTEM / name)

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {
            "key-file": key,
            "socket": "munge.socket",
            "pid-file": "munged.pid",
            "log-file": "m.log",
            "seed-file": "m.seed",
        }
        self._run("munged", "--force", *(f"--{option}={self.folder / name}" for option, name in files.items()))

    def _wait_for_nodes(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while set(self._run("sinfo", "-h", "-N", "-o", "%T").split()) != {"idle"}:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the nodes do not come up; logs are in {self.folder}")
            time.sleep(0.2)

    def _run(self, *words: str) -> str:
        environment = os.environ | {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
        }
        completed = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if completed.returncode:
            raise RuntimeError(f"{' '.join(words)}: {completed.stderr.strip() or completed.stdout.strip()}")
        return completed.stdout

    @staticmethod
    def _end(pid_file: Path, name: str) -> None:
        try:
            pid = int(pid_file.read_text())
            if not Path(f"/proc/{pid}/exe").resolve().name.startswith(name):
                return
            os.kill(pid, signal.SIGTERM)
            for _ in range(50):
                time.sleep(0.1)
                os.kill(pid, 0)
            os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return
