"""The models that mine the pool, in one round or two, and where their scores are."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hardneg.configuration_rules import Config
from hardneg.mining import external_detections, mining_models, second_round, tiers
from hardneg.mining.mining_models import MiningModel
from hardneg.mining.second_round import SecondRoundSettings
from hardneg.models.training_settings import override


@dataclass(frozen=True)
class MiningPlan:
    """Plan for mining the pool.

    Attributes
    ----------
    prefix : what paths of results begin with.
    training : the training settings of the detectors that the workflow trains for mining.
    models : the mining models by name, in the configuration's order.
    detections : the tables of each model of kind ``detections``.
    max_unheard_fraction : the largest share of the pool's files that these tables may leave out.
    second_round : what the second round's detector trains on; None if the pool is mined once.
    first_round_tier : the tier that it trains on; for a tier that is drawn again for each seed, that of the first seed.
    """

    prefix: str
    training: dict[str, Any]
    models: dict[str, MiningModel]
    detections: dict[str, list[Path]]
    max_unheard_fraction: float
    second_round: SecondRoundSettings | None
    first_round_tier: str | None

    @classmethod
    def from_config(cls, config: Config, prefix: str) -> "MiningPlan":
        """Name the models, and find the tables of the models that are finished detections.

        Raises
        ------
        InputError
            If a model of finished detections has no table, or its file has another format.
        """
        models = {model.name: model for model in mining_models.list_models(config["mining"])}
        detections = {
            name: external_detections.list_tables(model.path)
            for name, model in models.items()
            if model.kind == "detections"
        }
        settings = second_round.resolve_settings(config) if config["mining"]["rounds"] == 2 else None
        tier = settings.negative_tier if settings else None
        first_round_tier = None
        if tier is not None:
            seed = config["matrix"]["seed"][0]
            first_round_tier = locate_tier(prefix, tier, config["negative_tiers"][tier], seed)
        training = override(config["training"], config["mining"]["training"])
        if training["augmentation"]["background"] == "pool":  # no tier exists before the mining model
            training = override(training, {"augmentation": {"background": "labelled"}})
        max_unheard = config["mining"]["max_unheard_fraction"]
        return cls(prefix, training, models, detections, max_unheard, settings, first_round_tier)

    @property
    def ranking_model(self) -> str:
        """The first model's name. It ranks the positives that a positive subset adds."""
        return next(iter(self.models))

    @property
    def ranking_kind(self) -> str:
        """The kind of the model that ranks positives."""
        return self.models[self.ranking_model].kind

    @property
    def scores(self) -> str:
        """The scores that rank the pool: of the only model, or of all models combined."""
        folder = f"{self.prefix}/mining"
        return f"{folder}/scores.parquet" if len(self.models) > 1 else f"{folder}/{self.ranking_model}/scores.parquet"

    @property
    def held_out_scores(self) -> str:
        """The scores of the files that are held out of the pool, by the same models as :attr:`scores`."""
        return self.scores.removesuffix("scores.parquet") + "held_out.parquet"

    @property
    def ranking_windows(self) -> str:
        """The scored windows of the pool by the first model, held-out recordings included."""
        return f"{self.prefix}/mining/{self.ranking_model}/windows.parquet"

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each model, by name."""
        return {name: model.kind for name, model in self.models.items()}

    @property
    def validated(self) -> list[str]:
        """The models that score the validation files: all but finished detections, which are read for the pool only."""
        return self.names("trained", "checkpoint", "classifier")

    @property
    def validation_scores(self) -> list[str]:
        """The scores of the validation files by each of :attr:`validated`."""
        return [f"{self.prefix}/mining/{name}/validation_scores.parquet" for name in self.validated]

    @property
    def trained_descriptions(self) -> list[str]:
        """The description of the model that the workflow trains for mining, if it trains one."""
        return [f"{self.prefix}/mining/trained/model.json" for _ in self.names("trained")]

    @property
    def second_scores(self) -> str:
        """The second round's scores of the files that the first round did not take."""
        return f"{self.prefix}/mining/second/scores.parquet"

    @property
    def second_round_settings(self) -> dict[str, Any]:
        """The settings of the second round as builtins; empty if the pool is mined once."""
        return asdict(self.second_round) if self.second_round else {}

    def matching_settings(self, model: str) -> dict[str, Any]:
        """How the detections of a model are matched; see :func:`hardneg.mining.external_detections.score_windows`."""
        path = Path(self.models[model].path)
        return {
            "folder": str(path.parent if path.is_file() else path),
            "label": self.models[model].label,
            "max_unheard_fraction": self.max_unheard_fraction,
        }

    def names(self, *kinds: str) -> list[str]:
        """Name the models of some kinds; see :class:`hardneg.mining.mining_models.MiningModel`."""
        return [name for name, model in self.models.items() if model.kind in kinds]

    def model_path(self, model: str) -> str:
        """Locate a model's file: the configured one, or the weights that the workflow trains."""
        is_trained = self.models[model].kind == "trained"
        return f"{self.prefix}/mining/{model}/model.safetensors" if is_trained else self.models[model].path

    def window_scores(self, ranked_by: str) -> list[str]:
        """Locate the scored windows of the pool by the models that rank a tier.

        Parameters
        ----------
        ranked_by : ``mean``, ``minimum`` or the name of a model.
        """
        names = [ranked_by] if ranked_by in self.models else list(self.models)
        return [f"{self.prefix}/mining/{name}/windows.parquet" for name in names]

    def labels_path(self, model: str) -> str:
        """Locate the labels of a BirdNET classifier."""
        return str(mining_models.labels_path(self.models[model].path))


def locate_tier(prefix: str, name: str, definition: dict[str, Any], seed: str | int) -> str:
    """Locate the files of a tier.

    Parameters
    ----------
    prefix : what paths of results begin with.
    definition : of the tier.
    seed : the seed of the matrix, for a tier that is drawn again for each of them.
    """
    return f"{prefix}/tiers/{name}/{seed}.csv" if tiers.is_redrawn(definition) else f"{prefix}/tiers/{name}.csv"
