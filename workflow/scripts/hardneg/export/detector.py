"""Export one run of the matrix as a detector that works without the workflow."""

from dataclasses import dataclass

from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.experiments.evaluation import EvaluationSettings, measure_splits
from hardneg.experiments.run_description import RunDescription
from hardneg.export import formats, model_card
from hardneg.export.description import DetectorDescription, describe_backbone
from hardneg.features.feature_settings import BirdNetSettings, parse_features
from hardneg.models import checkpoints
from hardneg.models.networks import Head


@dataclass(frozen=True, slots=True)
class ExportInputs:
    """Paths of the run's weights, description and scores, and of the recordings."""

    weights: str
    description: str
    scores: str
    recordings: str


@dataclass(frozen=True, slots=True)
class ExportOutputs:
    """Paths of the exported files.

    Attributes
    ----------
    weights, description : for ``python -m hardneg predict``.
    onnx : the network in ONNX.
    labels : the label.
    card : the model card.
    classifier, classifier_labels : for a head on BirdNET's embeddings, a BirdNET custom classifier; else None.
    """

    weights: str
    description: str
    onnx: str
    labels: str
    card: str
    classifier: str | None = None
    classifier_labels: str | None = None


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Facts for the export that the run does not record.

    Attributes
    ----------
    target : name of the species.
    label : ``Scientific name_Common name``, for tables of detections.
    resamples : draws of the bootstrap over recorder-nights, for the intervals on the model card.
    cluster : what is resampled together; see :func:`hardneg.recordings.nights.name_clusters`.
    evaluation : how the scores are measured.
    """

    target: str
    label: str
    resamples: int
    cluster: str
    evaluation: EvaluationSettings


def export_detector(inputs: ExportInputs, outputs: ExportOutputs, settings: ExportSettings) -> None:
    """Write weights, description, other formats, label and model card."""
    run = RunDescription.read(inputs.description)
    network = checkpoints.load(inputs.weights, run.model_input)
    scores = tables.read(inputs.scores)
    metrics = measure_splits(scores, settings.evaluation)
    threshold = float(metrics.threshold.iloc[0])
    backbone = describe_backbone(parse_features(run.model_input["features"]))
    description = DetectorDescription(run.model_input, run.shape, settings.target, settings.label, threshold, backbone)
    checkpoints.save(network, description.to_json(run), outputs.weights)
    formats.write_onnx(network, run.shape, outputs.onnx)
    write_text(f"{settings.label}\n", outputs.labels)
    if outputs.classifier:
        features = description.features
        assert isinstance(network, Head)  # the configuration allows no other network on embeddings
        assert isinstance(features, BirdNetSettings)  # only BirdNET has custom classifiers
        formats.write_tflite(network, settings.label, outputs.classifier, features.path)
    measurements = model_card.measure_with_intervals(metrics, scores, settings.resamples, settings.cluster)
    card = model_card.render_card(description, run, measurements, tables.read(inputs.recordings), settings.cluster)
    write_text(card, outputs.card)
