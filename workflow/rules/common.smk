# The configuration, and what the rules of both kinds of configuration use.

import sys

SCRIPTS = Path(workflow.current_basedir).parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from hardneg import configuration
from hardneg.common import gpu_detection, job_records, process_context
from hardneg.common.errors import InputError
from hardneg.common.fingerprint import hash_file, hash_script
from hardneg.planning import result_checks
from hardneg.report import terminal_summary

process_context.prepend_pythonpath(SCRIPTS)

SCHEMA = "finished_runs" if "finished_runs" in config else "config"
try:
    for path in workflow.configfiles:
        configuration.refuse_repeated_keys(path)
    config = configuration.complete(config, SCRIPTS.parent / "schemas" / f"{SCHEMA}.schema.yaml")
except InputError as error:
    # A traceback would hide the message, which names the remedy.
    raise WorkflowError(str(error)) from None

GPUS = int(gpu_detection.should_request_gpu(config.get("device", "cpu")))
# A job that asked for no GPU must not use one.
DEVICE = config["device"] if GPUS else "cpu"
ENVIRONMENT = f"../../envs/{'gpu' if GPUS else 'cpu'}.yaml"


def fingerprint(script):
    """Fingerprint an adapter and every module that it imports."""
    return hash_script(SCRIPTS / f"{script}.py")


def fingerprint_files(pattern):
    """Fingerprint files of the package that are no modules, such as templates."""
    return [hash_file(path) for path in sorted(SCRIPTS.glob(f"hardneg/{pattern}"))]


pathvars:
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",
