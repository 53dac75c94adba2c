"""Tangents: derivatives of a photo's score in the coefficients, the same for every rater."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn import functional

from personalize.errors import UnknownLayer
from personalize.networks import folding, layer_tangents
from personalize.networks.folding import Folded
from personalize.networks.layer_tangents import Matrix, Row, Rule
from personalize.networks.scorer import Scorer
from personalize.networks.task_blocks import TaskBlocks
from personalize.networks.task_vectors import Vector, blocks

Linearisation = tuple[Float[Tensor, "photos"], Float[Tensor, "photos blocks tasks"], Float[Tensor, "photos embedding"]]


class Tangents:
    """Derivatives of a scorer's scores in the coefficients of its task vectors, at the scorer's current weights.

    d s / d alpha[b, t] = <d s / d theta[b], tau_t[b]>. The forward pass keeps each layer's input; the backward pass combines it with the
    gradient of the layer's output (see `layer_tangents`). No gradient of a large matrix is formed, and photos are processed in batches.
    """

    def __init__(self, model: Scorer, vectors: Sequence[Vector]) -> None:
        """Raises:
        UnknownLayer: the model has a parameter in a kind of layer that has no rule; it is named.
        """
        self.model = model
        self.blocks = TaskBlocks(vectors, next(model.parameters()).detach())
        self.rows = {name: row for row, name in enumerate(blocks(model))}
        self._known: set[str] = set()
        self._found: Tensor | None = None  # tangents of the current batch; None: not recording
        self._beginnings: list[GradientEdge] = []  # outputs of layers without a differentiable input
        self._folded = self._fold()
        for name, layer in model.named_modules():
            self._register(layer, f"{name}." if name else "")
        unknown = [name for name in self.rows if name not in self._known]
        if unknown:
            raise UnknownLayer(f"Tangents are not known for {unknown[0]}: its layer is of a kind without a rule.")

    def compute(self, photos: Float[Tensor, "photos 3 height width"]) -> Linearisation:
        """Scores (1 to 10), their tangents and the embeddings of a batch of photos.

        Photos are independent: the results of a batch are those of its photos one by one, up to rounding.
        """
        self._found = photos.new_empty(len(photos), len(self.rows), len(self.blocks))
        try:
            with ExitStack() as folded, torch.enable_grad():
                for pair in self._folded:
                    folded.enter_context(pair.running())
                embedding = self.model.encoder(photos)
                score = self.model.distribution(embedding) @ self.model.levels
            torch.autograd.grad(score.sum(), self._beginnings)
            return score.detach(), self._found, embedding.detach()
        finally:
            self._found, self._beginnings = None, []

    def _fold(self) -> list[Folded]:
        modules = dict(self.model.named_modules())
        folded = []
        for names in folding.pairs(self.model):
            convolution, norm = (modules[name] for name in names)
            pair = Folded(convolution, norm, (f"{names[0]}.", f"{names[1]}."), self.blocks)
            self._on_output(convolution, f"{names[0]}.", pair.rule)
            self._knows(f"{names[1]}.", norm)
            folded.append(pair)
        return folded

    def _register(self, layer: nn.Module, prefix: str) -> None:
        """Register a hook with the layer's rule on its output."""
        if f"{prefix}weight" in self._known:
            return
        if isinstance(layer, nn.Linear):
            self._on_output(layer, prefix, layer_tangents.linear(layer, prefix, self.blocks))
        elif isinstance(layer, nn.Conv2d):
            rule = layer_tangents.convolution(layer, prefix, self.blocks)
            if rule is not None:
                self._on_output(layer, prefix, rule)
        elif isinstance(layer, nn.LayerNorm):
            self._on_output(layer, prefix, layer_tangents.layer_norm(layer, prefix, self.blocks))
        elif isinstance(layer, nn.BatchNorm2d):
            rule = layer_tangents.batch_norm(layer, prefix, self.blocks)
            if hasattr(layer, "act"):  # timm's norm with activation: the hook needs the output between the two
                inputs: list[Tensor] = []
                layer.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
                cast(nn.Module, layer.drop).register_forward_hook(lambda _, args, output: self._watch(inputs.pop(), output, rule))
                self._knows(prefix, layer)
            else:
                self._on_output(layer, prefix, rule)
        elif isinstance(layer, nn.MultiheadAttention):
            self._open_attention(layer, prefix)
        elif hasattr(layer, "class_embedding") and hasattr(layer, "ln_post"):
            self._open_vision_transformer(layer, prefix)

    def _knows(self, prefix: str, layer: nn.Module) -> None:
        self._known |= {f"{prefix}{name}" for name, _ in layer.named_parameters(recurse=False)}

    def _on_output(self, layer: nn.Module, prefix: str, rule: Rule) -> None:
        layer.register_forward_hook(lambda _, args, output: self._watch(args[0], output, rule))
        self._knows(prefix, layer)

    def _watch(self, x: Tensor, output: Tensor, rule: Rule) -> None:
        if self._found is None or not output.requires_grad:
            return
        if not x.requires_grad:
            self._beginnings.append(get_gradient_edge(output))  # not the tensor: later layers may overwrite it
        x = x.detach()
        output.register_hook(lambda gradient: self._store(rule(x, gradient)))

    def _store(self, tangents: dict[str, Tensor]) -> None:
        for name, along in tangents.items():
            if self._found is not None:
                self._found[:, self.rows[name]] = along

    def _open_attention(self, layer: nn.MultiheadAttention, prefix: str) -> None:
        """Replace the forward pass of self-attention: the original does not expose the output of its first projection."""
        if not layer._qkv_same_embed_dim or layer.bias_k is not None or layer.in_proj_bias is None:
            return
        width, names = layer.embed_dim, (f"{prefix}in_proj_weight", f"{prefix}in_proj_bias")
        rule = layer_tangents.projection(*names, 3 * width, width, self.blocks)

        def attend(query: Tensor, key: Tensor, value: Tensor, **options: Any) -> tuple[Tensor, None]:
            if key is not query or value is not query or options.get("attn_mask") is not None:
                raise UnknownLayer(f"{prefix} attends to something else than its own input.")
            x = query if layer.batch_first else query.transpose(0, 1)
            joined = functional.linear(x, layer.in_proj_weight, layer.in_proj_bias)
            self._watch(x, joined, rule)
            heads = (part.unflatten(2, (layer.num_heads, -1)).transpose(1, 2) for part in joined.chunk(3, dim=2))
            mixed = layer.out_proj(functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))
            return (mixed if layer.batch_first else mixed.transpose(0, 1)), None

        vars(layer)["forward"] = attend
        self._known |= set(names)

    def _open_vision_transformer(self, tower: Any, prefix: str) -> None:
        """Rules for the image tower's direct parameters in OpenCLIP: class and positional embedding, last projection."""
        name = f"{prefix}class_embedding", f"{prefix}positional_embedding", f"{prefix}proj"
        begin, place = (Row(self.blocks.whole(own)) for own in name[:2])
        project = Matrix(self.blocks, name[2], *tower.proj.shape)
        pooled: list[Tensor] = []

        def embedded(x: Tensor, gradient: Tensor) -> dict[str, Tensor]:
            return {name[0]: begin.along(gradient[:, 0]), name[1]: place.along(gradient.flatten(1))}

        def pool(_: nn.Module, args: object, output: Tensor) -> None:
            first = output[:, 0] if tower.pool_type == "tok" else output[:, 1:].mean(dim=1)
            pooled[:] = [output if output.ndim == 2 else first]

        def projected(x: Tensor, gradient: Tensor) -> dict[str, Tensor]:
            return {name[2]: project.along(gradient[:, None], x[:, None])}  # embedding = pooled @ proj, so rows and columns are swapped

        tower.ln_pre.register_forward_pre_hook(lambda _, args: self._watch(args[0], args[0], embedded))
        tower.ln_post.register_forward_hook(pool)
        tower.register_forward_hook(lambda _, args, output: self._watch(pooled.pop(), output, projected))
        if tower.attn_pool is None and tower.pool_type in ("tok", "avg"):
            self._known |= set(name)
