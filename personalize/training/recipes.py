"""Fine-tuning hyperparameters, with the optimizer and the learning-rate schedule that they define."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from personalize.errors import BadOption, PersonalizeError, at_least


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of fine-tuning.

    Raises:
        PersonalizeError: the batch cannot be divided by `accumulate`.
        BadOption: a number out of its range.
    """

    epochs: int = 8
    batch: int = 16  # photos per step, over all processes and accumulated parts
    accumulate: int = 1  # parts into which a batch is split, where it does not fit in memory
    encoder_rate: float = 2e-4
    head_rate: float = 1e-3
    warm_up: float = 0.3  # share of the steps in which the rates rise from 0; then they fall along a cosine
    weight_decay: float = 0.01  # of matrices and kernels; biases, norms and embeddings have none
    clip: float = 5.0  # maximum norm of the gradient
    rank_weight: float = 0.5  # of the Bradley-Terry loss, added to the earth mover's distance
    margin: int = 16  # pixels by which a training crop may be off centre
    most_photos: int = 2000  # in an epoch; each epoch draws its own
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(1, epochs=self.epochs, batch=self.batch, accumulate=self.accumulate, most_photos=self.most_photos)
        at_least(0, encoder_rate=self.encoder_rate, head_rate=self.head_rate, warm_up=self.warm_up, seed=self.seed)
        if self.warm_up > 1:
            raise BadOption(f"warm up is {self.warm_up}: it is a share of the steps, from 0 to 1.")
        if self.batch % self.accumulate:
            raise PersonalizeError(f"A batch of {self.batch} cannot be divided into {self.accumulate} equal parts.")


def optimizer(model: nn.Module, recipe: Recipe) -> AdamW:
    """AdamW with one learning rate for the encoder and one for the head, each with and without weight decay."""
    groups = [
        {"params": list(members), "lr": full, "weight_decay": decay}
        for part, full in (("encoder.", recipe.encoder_rate), ("head.", recipe.head_rate))
        for decay in (recipe.weight_decay, 0.0)
        if (members := list(_members(model, part, decays=decay > 0 or recipe.weight_decay == 0)))
    ]
    return AdamW(groups)


def schedule(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """Learning-rate schedule of `steps` steps: a linear warm-up to the full rates, then a half cosine towards 0."""
    rising = max(1, round(recipe.warm_up * steps))
    warm_up = LinearLR(optimizer, start_factor=1 / rising, total_iters=rising - 1)
    return SequentialLR(optimizer, [warm_up, CosineAnnealingLR(optimizer, T_max=max(1, steps - rising))], milestones=[rising])


def fast_forward(rates: LRScheduler, steps: int) -> None:
    """Advance a new schedule to where it is after `steps` steps, by the same additions as an uninterrupted run."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")  # these steps have no optimizer step
        for _ in range(steps):
            rates.step()


def _members(model: nn.Module, part: str, *, decays: bool) -> Iterator[nn.Parameter]:
    for name, value in model.named_parameters():
        matrix = value.ndim >= 2 and "embedding" not in name
        if name.startswith(part) and value.requires_grad and matrix == decays:
            yield value
