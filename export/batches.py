"""Batches of crops for a training, the same ones however many processes share them.

photographs  ->  {"L": (b, 1, crop, crop), "ab": (b, 2, crop/stride, crop/stride)}, with teachers "teachers", as "ab"

The batch of a recipe is that of all processes together; b is one's equal part of it.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any

import lightning
import numpy as np
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import Float
from torch import Tensor
from torch.utils.data import DataLoader, DistributedSampler, Sampler

from export.crops import Crops, colours_of, from_sources, sampling_weights, split_photos
from export.photos import Photo
from export.recipe import Recipe
from export.teachers import Teachers

Loader = DataLoader[dict[str, Tensor]]


class Draws(Sampler[tuple[int, int]]):
    """(a photograph's place, the seed of its crop), in whole batches: about as many as there are photographs.

    All processes draw the same, anew in each epoch; of each batch, each takes one in `ranks`, from its `rank` on.
    """

    def __init__(self, weights: list[float], batch: int, seed: int, rank: int = 0, ranks: int = 1) -> None:
        self.chances = np.array(weights) / sum(weights)
        self.count = max(len(weights) // batch, 1) * batch
        self.seed, self.epoch = seed, 0
        self.rank, self.ranks = rank, ranks

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls it; how often a pass is begun, and for how many loaders, says nothing."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count // self.ranks

    def __iter__(self) -> Iterator[tuple[int, int]]:
        random = np.random.default_rng([self.seed, self.epoch])
        places = random.choice(len(self.chances), self.count, p=self.chances)
        seeds = random.integers(2**62, size=self.count)
        return islice(zip(places.tolist(), seeds.tolist(), strict=True), self.rank, None, self.ranks)


class Batches(lightning.LightningDataModule):
    """What a recipe learns from, and what is kept for validation."""

    def __init__(
        self,
        recipe: Recipe,
        photos: list[Photo],
        validation: list[Photo] | None,
        teachers: Teachers | None = None,
        *,
        loaders: int,
        seed: int,
    ) -> None:
        """Where no `validation` is given, the recipe says how many of the photographs are kept for it."""
        super().__init__()
        photos = from_sources(photos, recipe.data.sources)
        learned, kept = (photos, validation) if validation else split_photos(photos, recipe.data.held_out)
        self.learned, self.kept = Crops(learned, recipe.data, teachers), Crops(kept, recipe.data)
        self.weights = sampling_weights(learned, recipe.data.sampling)
        if not sum(self.weights):
            raise ColorizeError("By this recipe nothing is drawn from these photographs: mend its [data.sampling].")
        if not kept:
            self._do_without_validation(recipe, len(learned))
        self.batch, self.seed = recipe.optimizer.batch, seed
        self.options: dict[str, Any] = {"num_workers": loaders, "persistent_workers": loaders > 0}

    @staticmethod
    def _do_without_validation(recipe: Recipe, photos: int) -> None:
        least = int(0.5 / recipe.data.held_out) + 1
        told = f"None of the {photos} photographs is held out: give {least} or more, or hold out a larger share."
        if recipe.optimizer.patience or recipe.optimizer.schedule == "plateau":
            raise ColorizeError(told)
        warnings.warn(told, stacklevel=2)

    def state_dict(self) -> dict[str, str]:
        """What a checkpoint keeps: which photographs are learned from, and which are not."""
        names = [[f"{photo.size} {photo.name}" for photo in some.photos] for some in (self.learned, self.kept)]
        return {"photographs": hashlib.sha256(json.dumps(names).encode()).hexdigest()}

    def load_state_dict(self, state: dict[str, str]) -> None:
        """ColorizeError where the run that goes on was begun with others: it would learn what it is validated on."""
        if state != self.state_dict():
            raise ColorizeError(
                "This run was begun with other photographs: give it the same ones, or name another folder."
            )

    def setup(self, stage: str) -> None:
        """ColorizeError in all processes where some see another checkpoint or other photographs."""
        assert self.trainer is not None, "a trainer sets up its batches"
        strategy, mine = self.trainer.strategy, (self.seed, self.state_dict())
        if not strategy.reduce_boolean_decision(strategy.broadcast(mine) == mine):
            raise ColorizeError(
                "The machines do not see the same run and photographs: "
                "let all of them have the same recipe, --photos and --out, on a file system that they share."
            )

    def colours(self) -> Iterator[Float]:
        """Lab (n, 3) of photographs drawn as in training, one after the other."""
        return colours_of(self.learned.photos, self.learned.data, self.weights)

    def examples(self, count: int) -> Iterator[Tensor]:
        """L of whole batches drawn as in training."""
        loader = DataLoader(self.learned, self.batch, sampler=Draws(self.weights, self.batch, self.seed))
        return (batch["L"] for batch in islice(loader, count))

    def train_dataloader(self) -> Loader:
        rank, ranks = self._place()
        draws = Draws(self.weights, self.batch, self.seed, rank, ranks)
        return DataLoader(self.learned, self.batch // ranks, sampler=draws, **self.options)

    def val_dataloader(self) -> Loader:
        rank, ranks = self._place()
        # where their number is no multiple of `ranks`, it repeats the first
        part: DistributedSampler[int] = DistributedSampler(self.kept, ranks, rank, shuffle=False)
        return DataLoader(self.kept, self.batch // ranks, sampler=part, **self.options)

    def _place(self) -> tuple[int, int]:
        """This process's number, and how many there are."""
        assert self.trainer is not None, "a trainer asks for its batches"
        return self.trainer.global_rank, self.trainer.world_size
