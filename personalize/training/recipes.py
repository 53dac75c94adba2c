"""How a scorer is fine-tuned: the numbers, the optimiser they make, the schedule of its rates."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from personalize.errors import BadOption, PersonalizeError, at_least


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune.

    Raises:
        PersonalizeError: the batch cannot be divided by `accumulate`.
        BadOption: a number out of its range.
    """

    epochs: int = 8
    batch: int = 16  # photos a step, over all processes and accumulated parts
    accumulate: int = 1  # parts that a batch is sent through in, where it does not fit in memory
    encoder_rate: float = 2e-4
    head_rate: float = 1e-3
    warm_up: float = 0.3  # share of the steps in which the rates rise from nothing; then they fall along a cosine
    weight_decay: float = 0.01  # of matrices and kernels; biases, norms and embeddings keep their size
    clip: float = 5.0  # longest gradient
    rank_weight: float = 0.5  # of the Bradley-Terry loss beside the earth mover's distance
    margin: int = 16  # pixels by which a training crop may be off centre
    most_photos: int = 2000  # a training epoch sees at most so many, drawn anew each time
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(1, epochs=self.epochs, batch=self.batch, accumulate=self.accumulate, most_photos=self.most_photos)
        at_least(0, encoder_rate=self.encoder_rate, head_rate=self.head_rate, warm_up=self.warm_up, seed=self.seed)
        if self.warm_up > 1:
            raise BadOption(f"warm up is {self.warm_up}: it is a share of the steps, 0 to 1.")
        if self.batch % self.accumulate:
            raise PersonalizeError(f"A batch of {self.batch} cannot be divided into {self.accumulate} equal parts.")


def optimizer(model: nn.Module, recipe: Recipe) -> AdamW:
    """AdamW with one rate for the encoder and one for the head, each with and without weight decay."""
    groups = [
        {"params": list(members), "lr": full, "weight_decay": decay}
        for part, full in (("encoder.", recipe.encoder_rate), ("head.", recipe.head_rate))
        for decay in (recipe.weight_decay, 0.0)
        if (members := list(_members(model, part, decays=decay > 0 or recipe.weight_decay == 0)))
    ]
    return AdamW(groups)


def schedule(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """The rates of `steps` steps: linear from above 0 to their full size in the warm-up, then half a cosine towards 0."""
    rising = max(1, round(recipe.warm_up * steps))
    warm_up = LinearLR(optimizer, start_factor=1 / rising, total_iters=rising - 1)
    return SequentialLR(optimizer, [warm_up, CosineAnnealingLR(optimizer, T_max=max(1, steps - rising))], milestones=[rising])


def fast_forward(rates: LRScheduler, steps: int) -> None:
    """Bring a schedule just made to where it is after `steps` steps, by the very same sums as an uninterrupted run."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")  # no step of the optimizer belongs to these
        for _ in range(steps):
            rates.step()


def _members(model: nn.Module, part: str, *, decays: bool) -> Iterator[nn.Parameter]:
    for name, value in model.named_parameters():
        matrix = value.ndim >= 2 and "embedding" not in name
        if name.startswith(part) and value.requires_grad and matrix == decays:
            yield value
