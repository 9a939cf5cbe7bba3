"""A recipe: the file of numbers that one model is made by, and the only place where they are said.

recipes/NAME.toml  ->  Recipe
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from colorize_neural.errors import ColorizeError
from colorize_neural.worker.framing import Framing, framing_from

from export.grading import STYLES
from export.losses import LOSSES
from export.networks import NETWORKS
from export.networks.efficientnet_unet import WEIGHT_FILES
from export.optimizers import OPTIMIZERS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECIPES = Path(__file__).parent / "recipes"
SCHEDULES = ("cosine", "plateau")
GROUPS = ("recommended", "papers")


@dataclass(frozen=True)
class Network:
    """A key of NETWORKS and the arguments of its class."""

    name: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Data:
    """What is cut from the photographs."""

    crop: int  # pixels, the side of a training crop after scaling
    stride: int  # pixels of a crop for one pixel of the target
    smallest: float  # the smallest crop's share of a photograph's shorter side
    degraded: float  # the share of crops whose lightness is made to look like an old scan's
    held_out: float  # the share of photographs kept for validation
    sampling: dict[str, float]  # how much more often than others a source is drawn
    largest: float = 1.0  # the largest crop's share of a photograph's shorter side
    rotation: float = 0.0  # degrees, how far photographs are turned at the most, either way
    stretch: float = 1.0  # how many times as wide for their height, or as high for their width, they become at the most
    cutmix: float = 0.0  # the share of a batch, its last crops, that have a part of another crop in them
    sources: list[str] = field(default_factory=list)  # the only ones that photographs are taken from; [] takes all
    padding: float | None = None  # lightness around photographs that are fitted in whole; left out, squares are cut
    grade: str = "none"  # a key of STYLES: the colours that the photographs are given first


@dataclass(frozen=True)
class Loss:
    """A key of LOSSES and the arguments of its class."""

    name: str
    options: dict[str, Any]
    spacing: int = 1  # of every how many pixels along a row and a column one is scored in training


@dataclass(frozen=True)
class Decoded:
    """Added to the loss: how decoded colours differ from what they should be; a weight of 0 leaves one out.

    They are decoded at the default temperature, or each crop at one drawn from between `temperatures`; then the weight
    of chroma falls from temperature to temperature, to 0 at the highest, so that low ones become vivid, high ones
    cautious.
    """

    share: float  # of each batch, its first crops, that are looked at, for it takes as long as the training itself
    encoders: list[str]  # the frozen networks that look at them, in turn from step to step
    perceptual: float  # the weights: how alike they look to these,
    distance: float  # how far they are off in the ab plane,
    chroma: float  # how much more or less chroma a crop has, pixel by pixel in order, at the default temperature,
    recognition: float = 0.0  # and how differently these classify them
    temperatures: list[float] = field(default_factory=list)  # the lowest and the highest; [] is the default one alone


@dataclass(frozen=True)
class Distillation:
    """The colours of other models, written by `export.teachers`, beside the truth.

    In [loss] and in the distance of [decoded]; what a colouring looks like, and how much chroma it has,
    is asked of the truth alone, for a mean of teachers has too little of both.
    """

    teachers: list[str]  # the models' ids
    share: float  # of both losses that asks for the teachers' colours, 0..1
    contrast: float = 1.0  # what their deviations from the mean of a photograph are multiplied by, for a mean is pale


@dataclass(frozen=True)
class Lasso:
    """Added to the loss: the absolute weights of some convolutions (Tibshirani 1996)."""

    part: str  # of the network: what the names of their weights begin with
    weight: float  # of the sum of all of them


@dataclass(frozen=True)
class Optimizer:
    """With a linear warm-up and then a cosine to 0, or a fall at each plateau of the validation loss."""

    crops: int  # how many crops are shown in all
    batch: int
    rate: float
    encoder_rate: float
    weight_decay: float
    warm_up: float  # share of the steps
    ema: float  # decay of the weights' moving average
    schedule: str  # "cosine" or "plateau"
    patience: int  # validations without progress before an early stop; 0 never stops
    name: str = "adamw"  # a key of OPTIMIZERS
    plateau: int = 3  # validations without progress before the rate falls
    fall: float = 0.3  # what it is then multiplied by
    lowest_rate: float = 0.0  # where it falls no more


@dataclass(frozen=True)
class Manifest:
    """What users and the runtime are told of the model: its entry in models/manifest.json."""

    id: str
    title: str
    description: str
    group: str  # "recommended" or "papers"
    size: dict[str, Any]  # short_side and multiple, or side and perhaps padding: see worker/framing.py
    trained_on: str
    licence: str
    temperature: float | None = None  # the default one; left out where the model ignores it

    @property
    def framing(self) -> Framing:
        """What the size means."""
        return framing_from(self.size)


@dataclass(frozen=True)
class Start:
    """The model whose weights it starts from."""

    file: str  # in models/
    sha256: str = ""  # of the version it must be; "" takes what is there
    share: float = 0.0  # what it has in the mean of its weights and the learned ones, which is exported


@dataclass(frozen=True)
class Paper:
    """Whose system it is."""

    reference: str
    figures: str  # what they report, in a few words


@dataclass(frozen=True)
class Recipe:
    """All that reproduces one model; ColorizeError where its numbers cannot be used."""

    seed: int
    network: Network
    data: Data
    loss: Loss
    optimizer: Optimizer
    manifest: Manifest
    decoded: Decoded | None = None
    distillation: Distillation | None = None
    lasso: Lasso | None = None
    start: Start | None = None
    paper: Paper | None = None
    spread: float = 0.0  # how much the temperature sets colours apart: the exponent of decode.Spread

    def __post_init__(self) -> None:
        for what, value, known in (
            ("network", self.network.name, NETWORKS),
            ("loss", self.loss.name, LOSSES),
            ("optimiser", self.optimizer.name, OPTIMIZERS),
            ("schedule", self.optimizer.schedule, SCHEDULES),
            ("group", self.manifest.group, GROUPS),
            ("grade", self.data.grade, STYLES),
        ):
            if value not in known:
                raise ColorizeError(f'This recipe names the {what} "{value}": choose one of {", ".join(known)}.')
        try:
            framing_from(self.manifest.size)
        except (TypeError, ValueError) as error:
            raise ColorizeError(f"This recipe's size under [manifest] cannot be used: {error}; mend it.") from error
        limits, default = self.decoded.temperatures if self.decoded else [], self.manifest.temperature
        if limits and not (len(limits) == 2 and default and 0 < limits[0] <= default < limits[1]):
            raise ColorizeError(f"This recipe's temperatures {limits} do not enclose the default one: mend them.")
        if self.spread and default is None:
            raise ColorizeError(
                "This recipe has a spread, but no temperature under [manifest]: add it, or leave the spread out."
            )
        if self.start and not 0 <= self.start.share < 1:
            raise ColorizeError(f"Under [start], a share of {self.start.share} is none: choose 0 to below 1.")
        self._check_numbers()
        self._check_augmentation()
        if self.decoded:
            self._check_encoders(self.decoded.encoders)
        if self.distillation:
            self._check_distillation(self.distillation)
        if not 0 < self.data.held_out <= 0.5:
            raise ColorizeError(f"This recipe holds out {self.data.held_out:g} of the photographs: choose 0.01 to 0.5.")

    def _check_numbers(self) -> None:
        data, optimizer = self.data, self.optimizer
        for held, needed in (
            (data.stride >= 1 and data.crop >= data.stride and data.crop % data.stride == 0, "crop is some strides"),
            (0 < data.smallest <= data.largest <= 1, "smallest and largest are shares of a side, in this order"),
            (0 <= data.degraded <= 1, "degraded is a share of the crops"),
            (all(weight >= 0 for weight in data.sampling.values()), "no source is sampled less often than never"),
            (self.loss.spacing >= 1, "a spacing is 1 or more"),
            (1 <= optimizer.batch <= optimizer.crops, "a batch has one crop or more, and the training a batch or more"),
            (0 <= optimizer.warm_up < 1, "warm_up is a share of the steps, below 1"),
            (0 <= optimizer.ema < 1, "ema is 0 to below 1"),
            (min(optimizer.rate, optimizer.encoder_rate) >= 0, "rates are not negative"),
        ):
            if not held:
                raise ColorizeError(f"In a recipe, {needed}: mend it.")

    def _check_augmentation(self) -> None:
        data = self.data
        if not (0 <= data.rotation <= 180 and 1 <= data.stretch <= 4 and 0 <= data.cutmix <= 1):
            raise ColorizeError(
                "Under [data], rotation is 0 to 180 degrees, stretch 1 to 4 and cutmix 0 to 1: mend them."
            )
        if data.padding is not None and (data.rotation or data.stretch > 1):
            raise ColorizeError("Photographs with a padding are not turned: leave it, or rotation and stretch, out.")

    def _check_encoders(self, encoders: list[str]) -> None:
        if not (isinstance(encoders, list) and encoders and set(encoders) <= WEIGHT_FILES.keys()):
            some = ", ".join(WEIGHT_FILES)
            raise ColorizeError(f'Under [decoded], encoders are a list, ["lite1"], of one or more of {some}: mend it.')

    def _check_distillation(self, distillation: Distillation) -> None:
        if self.data.padding is not None or self.data.grade != "none":
            raise ColorizeError("Teachers know neither padding nor grades: leave these, or [distillation], out.")
        if not (isinstance(distillation.teachers, list) and distillation.teachers):
            raise ColorizeError('Under [distillation], teachers are a list of ids, ["autochrome"]: mend it.')
        if not (0 <= distillation.share <= 1 and distillation.contrast > 0):
            raise ColorizeError("Under [distillation], share is a number from 0 to 1 and contrast above 0: mend them.")

    @property
    def kind(self) -> str:
        """Of answer: "classification", "regression", ..."""
        return LOSSES[self.loss.name].kind

    @property
    def steps(self) -> int:
        """How many batches a whole training has."""
        return self.optimizer.crops // self.optimizer.batch


def read_recipe(file: Path, full: bool = False) -> Recipe:
    """ColorizeError names what is missing or unknown in the file.

    What stands under [full] replaces the rest where it is wanted `full`: the scale of the paper, not of a few minutes.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ColorizeError(f"The recipe {file} cannot be read: {error}; mend it.") from error
    scale = tables.pop("full", {})
    return recipe_from_dict(_merged(tables, scale) if full else tables)


def changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """The recipe with other numbers in the tables that are named: {"data": {"crop": 64}}."""
    return recipe_from_dict(_merged(dict_from_recipe(recipe), changes))


def _merged(tables: dict[str, Any], scale: dict[str, Any]) -> dict[str, Any]:
    known = dict(tables)
    for key, value in scale.items():
        known[key] = _merged(known.get(key) or {}, value) if isinstance(value, dict) else value
    return known


def recipe_from_dict(tables: dict[str, Any]) -> Recipe:
    """The inverse of `dict_from_recipe`; ColorizeError names what is missing or unknown."""
    parts: dict[str, Any] = {
        **{"network": Network, "data": Data, "loss": Loss, "optimizer": Optimizer},
        **{"decoded": Decoded, "distillation": Distillation, "lasso": Lasso},
        **{"manifest": Manifest, "start": Start, "paper": Paper},
    }
    try:
        made = {key: part(**tables[key]) for key, part in parts.items() if tables.get(key) is not None}
        return Recipe(**{**tables, **made})
    except TypeError as error:
        raise ColorizeError(f"This recipe cannot be used: {error}; compare it with those in export/recipes.") from error


def dict_from_recipe(recipe: Recipe) -> dict[str, Any]:
    """Plain tables, as a checkpoint carries them."""
    return asdict(recipe)
