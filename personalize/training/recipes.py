"""Hyperparameters of fine-tuning. Needs no torch."""

from dataclasses import dataclass

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
