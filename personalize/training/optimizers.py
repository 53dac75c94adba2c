"""The optimizer and the learning-rate schedule that a recipe defines."""

import warnings
from collections.abc import Iterator

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from personalize.training.recipes import Recipe


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
