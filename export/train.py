"""Trains the network of a recipe:  python -m export.train RECIPE.toml --photos FOLDER_OR_TARS... --out RUN_FOLDER

The run folder keeps checkpoints (one every tenth of the minutes given, at the least every eight minutes), TensorBoard
logs, and all that the export needs. The same command goes on where an interrupted run stopped. On several devices and
machines it learns what one process would learn: the recipe's batch is that of all together.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import lightning
import numpy as np
import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import models_folder
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.callbacks.timer import Interval, Timer
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from export import run
from export.allocation import keep_memory
from export.augment import cut_mixed
from export.batches import Batches
from export.decode import ExportedColorizer, Spread
from export.decoded import chroma_gap, distance, drawn_temperatures
from export.losses import LOSSES
from export.networks import NETWORKS
from export.optimizers import OPTIMIZERS
from export.perceptual import Perceptual
from export.photos import Photo, find_photos
from export.precision import fast_precision
from export.recipe import Loss, Network, Recipe, dict_from_recipe, read_recipe, recipe_from_dict
from export.teachers import Teachers
from export.warm_start import start_from, version_of

Batch = dict[str, Tensor]
Made = TypeVar("Made", bound=nn.Module)
LAST = "last.ckpt"
EXAMPLES = 16  # batches that a network which starts from a model is shown first
BEST = "best.ckpt"  # by validation loss, kept where a recipe stops early


class Training(lightning.LightningModule):
    """A network on its way; its checkpoint carries the recipe too, so it can be read alone."""

    def __init__(self, recipe: dict[str, Any]) -> None:
        """`recipe` as `dict_from_recipe` gives it."""
        super().__init__()
        self.save_hyperparameters({"recipe": recipe})
        self.recipe = recipe_from_dict(recipe)
        self.timer = Timer(interval=Interval.step)
        self.time_spent = 0.0  # the share of its minutes, where it has some
        self.loss = _made(LOSSES, self.recipe.loss)
        self.network = _made(NETWORKS, self.recipe.network)
        self.perceptual: list[Perceptual] = []
        if self.recipe.lasso and not self._lassoed(self.recipe.lasso.part):
            raise ColorizeError(f'This recipe\'s lasso names no part of the network: mend "{self.recipe.lasso.part}".')
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub forgets it

    def colorizer(self) -> ExportedColorizer:
        """What the ONNX file computes, ready to evaluate."""
        return ExportedColorizer(self.network, self.decoder()).eval()

    def decoder(self) -> nn.Module:
        """Reads the network's answers, as the recipe wants it."""
        decoder, default = self.loss.decoder(), self.recipe.manifest.temperature
        return Spread(decoder, default, self.recipe.spread) if self.recipe.spread and default else decoder

    def on_fit_start(self) -> None:
        """What only a training has: dropout of each process's own, and the networks that look at decoded colours."""
        torch.manual_seed(torch.initial_seed() + self.global_rank)
        if self.recipe.decoded:
            self.perceptual = [Perceptual(encoder) for encoder in self.recipe.decoded.encoders]

    def on_train_batch_start(self, _batch: Batch, _index: int) -> None:
        """All processes go by the clock of the first: with rates of their own their weights would part."""
        left, spent = self.timer.time_remaining(), self.timer.time_elapsed()
        if left is not None:
            self.time_spent = self.trainer.strategy.broadcast(spent / (spent + left))

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        self.loss.done = self._share_done(self.global_step)
        if self.recipe.data.cutmix:
            random = np.random.default_rng([self.recipe.seed, self.global_step, self.global_rank, 1])  # not as in _loss
            batch = cut_mixed(batch, self.recipe.data.cutmix, random)
        answer = self._answer(batch)
        loss = self._loss(answer, batch, self.recipe.loss.spacing)
        self.log("train_loss", loss, prog_bar=True)
        loss = loss + self._decoded_loss(answer, batch) + self._lasso_loss()
        if not loss.isfinite():
            raise ColorizeError("The loss is no number any more: lower the recipe's rate, and begin in another folder.")
        return loss

    def validation_step(self, batch: Batch, _index: int) -> None:
        loss = self._loss(self._answer(batch), batch)
        self.log("validation_loss", loss, prog_bar=True, batch_size=len(batch["L"]), sync_dist=True)

    def _answer(self, batch: Batch) -> Tensor:
        answer: Tensor = self.network(batch["L"].contiguous(memory_format=torch.channels_last))
        return answer

    def _loss(self, answer: Tensor, batch: Batch, spacing: int = 1) -> Tensor:
        """Over one pixel of each `spacing` x `spacing` square, the same one in all squares, drawn anew in each step."""
        top, left = np.random.default_rng([self.recipe.seed, self.global_step]).integers(spacing, size=2)
        with torch.autocast(answer.device.type, enabled=False):
            scored = answer[:, :, top::spacing, left::spacing]
            return self._towards(batch, lambda ab: self.loss(scored, ab[:, :, top::spacing, left::spacing]))

    def _towards(self, batch: Batch, loss: Callable[[Tensor], Tensor]) -> Tensor:
        """A loss towards the true ab, shared with one towards the teachers' where the batch has it."""
        of_truth, wanted = loss(batch["ab"]), self.recipe.distillation
        if wanted is None or "teachers" not in batch:
            return of_truth
        return (1 - wanted.share) * of_truth + wanted.share * loss(batch["teachers"])

    def _decoded_loss(self, answer: Tensor, batch: Batch) -> Tensor | float:
        """Of the first crops of the batch, decoded as users will see them; 0 where the recipe wants none."""
        wanted = self.recipe.decoded
        if wanted is None or not self.perceptual:
            return 0.0
        seen = slice(math.ceil(len(answer) * wanted.share))
        batch = {name: values[seen] for name, values in batch.items()}
        L, true_ab = batch["L"], batch["ab"]
        with torch.autocast(answer.device.type, enabled=False):
            default = self.recipe.manifest.temperature or 1.0
            drawn = drawn_temperatures(wanted.temperatures, default, len(L))
            temperature, chroma_share = (some.to(answer.device) for some in drawn)
            ab = self.decoder().to(answer.device)(answer[seen].float(), temperature)
            losses = {
                "distance": self._towards(batch, lambda wanted_ab: distance(ab, wanted_ab).mean()),
                "chroma": torch.mean(chroma_share * chroma_gap(ab, true_ab)),
            }
            if wanted.perceptual or wanted.recognition:  # it takes as long as all else
                look = self.perceptual[self.global_step % len(self.perceptual)]
                losses |= look(L, ab, true_ab, averaged=self.trainer.strategy.reduce)
        losses = {name: loss for name, loss in losses.items() if getattr(wanted, name)}
        self.log_dict(losses, prog_bar=True)
        return torch.stack([getattr(wanted, name) * loss for name, loss in losses.items()]).sum()

    def _lasso_loss(self) -> Tensor | float:
        """Of the convolutions that the recipe names; 0 where it names none."""
        wanted = self.recipe.lasso
        if wanted is None:
            return 0.0
        loss = wanted.weight * torch.stack([weight.abs().sum() for weight in self._lassoed(wanted.part)]).sum()
        self.log("lasso_loss", loss)
        return loss

    def _lassoed(self, part: str) -> list[Tensor]:
        """The weights of that part's convolutions."""
        named = self.network.named_parameters()
        return [value for name, value in named if name.startswith(f"{part}.") and value.ndim == 4]

    def configure_optimizers(self) -> Any:
        wanted = self.recipe.optimizer
        encoder = [value for name, value in self.network.named_parameters() if name.startswith("encoder.")]
        others = [value for name, value in self.network.named_parameters() if not name.startswith("encoder.")]
        groups = [{"params": encoder, "lr": wanted.encoder_rate}, {"params": others, "lr": wanted.rate}]
        groups = [group for group in groups if group["params"]]
        optimizer = OPTIMIZERS[wanted.name](groups, weight_decay=wanted.weight_decay)
        if wanted.schedule == "plateau":
            plateau = ReduceLROnPlateau(
                optimizer,
                factor=wanted.fall,
                patience=wanted.plateau - 1,
                min_lr=wanted.lowest_rate,
                threshold_mode="abs",  # as Keras has it
            )
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "validation_loss"}}
        cosine = LambdaLR(optimizer, self._rate_share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    def _rate_share(self, step: int) -> float:
        """A linear warm-up, then half a cosine to 0."""
        done = self._share_done(step)
        warm_up = self.recipe.optimizer.warm_up
        if done < warm_up:
            return done / warm_up + 1 / self.recipe.steps
        return 0.5 * (1 + math.cos(math.pi * min((done - warm_up) / (1 - warm_up), 1.0)))

    def _share_done(self, step: int) -> float:
        """Of the whole training, by its crops, or by its time where that runs out before."""
        return max(step / self.recipe.steps, self.time_spent)


class MovingAverage(WeightAveraging):
    """The exponential one of the weights; Lightning's own averages whole numbers too, and cuts them."""

    def __init__(self, decay: float) -> None:
        super().__init__(
            avg_fn=lambda mean, now, _count: now.lerp(mean, decay) if mean.is_floating_point() else now,
        )


def _made(known: dict[str, type[Made]], wanted: Network | Loss) -> Made:
    """What a recipe names, with the options that it gives; ColorizeError where they are none of its own."""
    try:
        return known[wanted.name](**wanted.options)
    except TypeError as error:
        raise ColorizeError(
            f'This recipe gives "{wanted.name}" options that it has not: {error}; mend them.'
        ) from error


def train(
    recipe: Recipe,
    photos: list[Photo],
    out: Path,
    trainer_options: dict[str, Any],
    *,
    loaders: int,
    minutes: float | None = None,
    validation: list[Photo] | None = None,
    teachers_file: Path | None = None,
) -> None:
    """Trains to the recipe's end, or for so many minutes in all; goes on from `out`/last.ckpt where there is one.

    Where no `validation` is given, the recipe says how many of the photographs are kept for it. A recipe with a
    distillation wants `teachers_file`, which `export.teachers` wrote of the photographs.
    """
    if recipe.distillation and not teachers_file:
        raise ColorizeError(
            "This recipe has teachers: give the file of their colours, --teachers, from python -m export.teachers."
        )
    if teachers_file and not recipe.distillation:
        raise ColorizeError("This recipe has no teachers: add [distillation] to it, or leave out --teachers.")
    if minutes is not None and minutes <= 0:
        raise ColorizeError(f"A training of {minutes:g} minutes learns nothing: give it more.")
    last = out / LAST
    before: dict[str, Any] = {"global_step": 0}
    begun = None
    if last.exists():
        before = torch.load(last, map_location="cpu", weights_only=True)
        begun = recipe_from_dict(before["hyper_parameters"]["recipe"])
    recipe = _with_its_start(recipe, begun)
    if begun and not _goes_on(recipe, begun):
        raise ColorizeError(f"The run in {out} was begun with another recipe: name another folder.")
    if _has_stopped(before):
        return
    keep_memory()
    timer = Timer(None if minutes is None else timedelta(minutes=minutes), interval=Interval.step)
    trainer = _trainer(recipe, out, [timer, *_callbacks(recipe, out, minutes)], trainer_options)
    seed = recipe.seed + before["global_step"]  # who goes on draws other crops
    lightning.seed_everything(seed)
    teachers = Teachers(teachers_file, recipe.distillation) if teachers_file and recipe.distillation else None
    batches = Batches(recipe, photos, validation, teachers, loaders=loaders, seed=seed)
    if recipe.optimizer.patience and recipe.steps < len(batches.learned) // recipe.optimizer.batch:
        raise ColorizeError("This training ends before its first validation: give it more crops, or a patience of 0.")
    training = Training(dict_from_recipe(recipe))
    training.timer = timer
    if not last.exists():
        training.loss.prepare(batches.colours())
        if recipe.start:
            file = models_folder() / recipe.start.file
            start_from(file, recipe.start.sha256, training.network, batches.examples(EXAMPLES))
    trainer.fit(training, datamodule=batches, ckpt_path=last if last.exists() else None, weights_only=True)
    trainer.save_checkpoint(last)


def _trainer(recipe: Recipe, out: Path, callbacks: list[Callback], options: dict[str, Any]) -> lightning.Trainer:
    """On one device where the options name no other; ColorizeError where Lightning or the batch does not allow them."""
    accelerator = options.get("accelerator", "auto")
    on_gpus = torch.cuda.is_available() and accelerator != "cpu"
    try:
        trainer = lightning.Trainer(
            max_steps=recipe.steps,
            logger=TensorBoardLogger(out, name="logs", version=""),
            callbacks=callbacks,
            default_root_dir=out,
            sync_batchnorm=on_gpus,  # torch knows none for CPUs
            use_distributed_sampler=False,  # Batches gives every process its part
            **{"devices": 1, "precision": fast_precision(accelerator), **options},
        )
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise ColorizeError(f"Lightning cannot train with these options: {error}") from error
    batch, processes = recipe.optimizer.batch, trainer.world_size
    if batch % processes:
        raise ColorizeError(
            f"{processes} processes cannot share this recipe's batch of {batch} evenly: "
            "choose other --devices and --num-nodes, or another batch."
        )
    return trainer


def _with_its_start(recipe: Recipe, begun: Recipe | None) -> Recipe:
    """The recipe with the version of the model that the run starts from, or that it was begun from."""
    start = recipe.start
    if start is None or start.sha256:
        return recipe
    if begun:
        return replace(recipe, start=replace(start, sha256=begun.start.sha256 if begun.start else ""))
    return replace(recipe, start=replace(start, sha256=version_of(models_folder() / start.file)))


def _goes_on(recipe: Recipe, begun: Recipe) -> bool:
    """Whether a run can go on by this recipe; it may become longer, be told of in other words, and averaged."""
    longer = replace(begun, optimizer=replace(begun.optimizer, crops=recipe.optimizer.crops))
    if recipe.start and longer.start:
        longer = replace(longer, start=replace(longer.start, share=recipe.start.share))
    parts = attrgetter("seed", "network", "data", "loss", "decoded", "distillation", "lasso", "optimizer", "start")
    return bool(parts(recipe) == parts(longer))


def _has_stopped(checkpoint: dict[str, Any]) -> bool:
    """Whether a run came to its early stop; Lightning would give it one more epoch."""
    callbacks = checkpoint.get("callbacks", {}).items()
    return any(state["stopped_epoch"] > 0 for name, state in callbacks if name.startswith("EarlyStopping"))


def _callbacks(recipe: Recipe, out: Path, minutes: float | None) -> list[Callback]:
    pause = timedelta(minutes=8 if minutes is None else min(8, minutes / 10))
    each: dict[str, Any] = {"dirpath": out, "enable_version_counter": False}  # a new name would not be resumed from
    often = ModelCheckpoint(filename="recent", save_last=True, train_time_interval=pause, **each)
    callbacks: list[Callback] = [often, LearningRateMonitor(), MovingAverage(recipe.optimizer.ema)]
    if recipe.optimizer.patience:
        callbacks.append(EarlyStopping("validation_loss", patience=recipe.optimizer.patience))
        callbacks.append(ModelCheckpoint(filename=Path(BEST).stem, monitor="validation_loss", **each))
    return callbacks


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.train", description=__doc__.partition(":")[0] + ".")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders or tars")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument(
        "--teachers",
        type=Path,
        dest="teachers_file",
        metavar="FILE",
        help="what export.teachers wrote of them, for a distillation",
    )
    parser.add_argument("--minutes", type=float, help="stop after so many in all, the rate fallen by then")
    parser.add_argument("--loaders", type=int, default=1, help="processes that read photographs, for each device")
    parser.add_argument("--accelerator", default="auto", help="cpu, gpu, ... (Lightning's)")
    parser.add_argument("--devices", default="auto", help="how many of them (Lightning's)")
    parser.add_argument("--num-nodes", type=int, default=1, help="machines (Lightning's)")
    parser.add_argument("--strategy", default="auto", help="ddp, ... (Lightning's)")
    parser.add_argument(
        "--precision",
        default=argparse.SUPPRESS,
        help="bf16-mixed, 32-true, ... (Lightning's); else what is fast on the device",
    )
    chosen = vars(parser.parse_args(arguments))
    recipe, photos = read_recipe(chosen.pop("recipe")), find_photos(chosen.pop("photos"))
    plan = {key: chosen.pop(key) for key in ("out", "teachers_file", "loaders", "minutes")}
    train(recipe, photos, **plan, trainer_options=chosen)


if __name__ == "__main__":
    run(main)
