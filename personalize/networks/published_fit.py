"""The fit of a rater's coefficients as Yun & Choo (ECCV 2024) published it in their code: `paper`, and its start alone.

To the letter: dropout stays on in the head, the halves of each batch are compared photo by photo, epochs pass over the shots without
replacement and end with a short batch, and photos are mirrored at random in the fit, in its start and where they are scored. As a second
result it gives the scores at the checkpoints among which the authors chose on the test photos. `coefficient_fits.paper_mended` does none
of this; docs/decisions/published-procedure.md compares the two.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from personalize.networks import losses
from personalize.networks.coefficient_fits import CoefficientNetwork, Fitted, NetworkShots, softmax_start
from personalize.progress import ProgressCallback, no_progress

STEPS = 500
RATE = 1e-2  # of AdamW, whose other settings are PyTorch's defaults
BATCH = 32
CHECKPOINT_EVERY = 100  # steps; the first checkpoint follows the first step


@dataclass(frozen=True)
class Published:
    """Result of the published procedure."""

    fitted: Fitted
    checkpoints: tuple[Float[Tensor, "asked"], ...]  # scores of the asked photos after steps 1, 101, 201, ... and after the last one


class Procedure:
    """The steps of one fit. All randomness follows from the seed: mirrors, order of the shots, dropout."""

    def __init__(
        self, network: CoefficientNetwork, shots: NetworkShots, *, seed: int, start: Float[Tensor, "blocks tasks"] | None = None
    ) -> None:
        """`start` replaces the published starting point."""
        self.network, self.shots = network, shots
        self._draw = np.random.default_rng(seed)
        self._batches = self._epochs()
        self.coefficients = softmax_start(network, shots, self.mirrored) if start is None else start.clone()
        self._optimizer = torch.optim.AdamW([self.coefficients], lr=RATE)

    def step(self) -> tuple[float, int]:
        """One step on the next batch: its loss before the step, and its number of photos."""
        chosen = next(self._batches)
        photos = self.mirrored(self.shots.photos[chosen])
        self.network.set(self.coefficients)
        with self._dropout():
            loss = losses.bradley_terry_of_halves(self.network.model.score(photos), self.shots.ratings[chosen])
            self.coefficients.grad = self.network.gradient(loss)
        self._optimizer.step()
        return float(loss.detach()), len(chosen)

    def scores(self, photos: Float[Tensor, "photos 3 height width"]) -> Float[Tensor, "photos"]:
        """Scores of photos, mirrored at random, at the current coefficients."""
        self.network.set(self.coefficients)
        return self.network.score(self.mirrored(photos))

    def mirrored(self, photos: Float[Tensor, "photos 3 height width"]) -> Float[Tensor, "photos 3 height width"]:
        """The photos, each mirrored left to right with probability 1/2."""
        chosen = torch.from_numpy(self._draw.random(len(photos)) < 0.5).to(photos.device)
        return torch.where(chosen[:, None, None, None], photos.flip(3), photos)

    def _epochs(self) -> Iterator[Tensor]:
        """Batches of places among the shots, epoch after epoch; the last batch of an epoch has the rest."""
        while True:
            order = torch.from_numpy(self._draw.permutation(len(self.shots.ratings)))
            yield from order.to(self.network.device).split(BATCH)

    @contextmanager
    def _dropout(self) -> Iterator[None]:
        """Dropout on in the head, the only place where the published networks have it; leaves torch's generator unchanged."""
        head, device = self.network.model.head, self.network.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(int(self._draw.integers(2**62)))
            head.train()
            try:
                yield
            finally:
                head.eval()


def start_scores(
    network: CoefficientNetwork, shots: NetworkShots, asked: Float[Tensor, "asked 3 height width"], *, seed: int
) -> Float[Tensor, "asked"]:
    """Scores at the published start, before the first step: task vectors mixed by softmax(10 x SROCC on the shots)."""
    return Procedure(network, shots, seed=seed).scores(asked)


def paper(
    network: CoefficientNetwork,
    shots: NetworkShots,
    asked: Float[Tensor, "asked 3 height width"],
    *,
    seed: int,
    steps: int = STEPS,
    progress: ProgressCallback = no_progress,
) -> Published:
    """The published procedure, and the scores of `asked` at its checkpoints. Leaves the network set to the last coefficients.

    A batch of a single photo, for which the published loss is not a number, changes nothing but the decay of the coefficients.

    References:
        Yun & Choo, ECCV 2024, their code.
    """
    procedure = Procedure(network, shots, seed=seed)
    passes = len(network.tasks) * len(shots.ratings)
    course, checkpoints = [], []
    for step in range(steps):
        loss, photos = procedure.step()
        course.append(loss)
        passes += photos
        if step % CHECKPOINT_EVERY == 0:
            checkpoints.append(procedure.scores(asked))
        progress("fitting", step + 1, steps)
    checkpoints.append(procedure.scores(asked))
    course.append(float(losses.bradley_terry(network.score(shots.photos), shots.ratings)))
    return Published(Fitted(procedure.coefficients, tuple(course), passes + len(shots.ratings)), tuple(checkpoints))
