from hardneg import configuration
from hardneg.common import fingerprint, gpu_detection, process_context
from hardneg.report import terminal_summary
from hardneg.common.errors import InputError

process_context.prepend_pythonpath(WORKFLOW / "scripts")


def stop(error):
    """Say what a person can mend, without a traceback."""
    raise WorkflowError(str(error))


def code(script):
    """Fingerprint of a rule's adapter and of all that it imports."""
    return fingerprint.hash_script(WORKFLOW / "scripts" / f"{script}.py")


KIND = "finished_runs" if "finished_runs" in config else "config"
try:
    config = configuration.complete(config, WORKFLOW / "schemas" / f"{KIND}.schema.yaml")
except InputError as error:
    stop(error)

RESULTS = config["pathvars"].get("results", "results")
GPUS = int(gpu_detection.should_request_gpu(config.get("device", "cpu")))
# A job that asked for no GPU is not to find one by itself.
DEVICE = config["device"] if GPUS else "cpu"
ENVIRONMENT = f"../../envs/{'gpu' if GPUS else 'cpu'}.yaml"
