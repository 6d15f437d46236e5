"""A small GPT for the loop: attention, blocks, training, and writing with a key-value cache.

Text is blocks of pieces, (blocks, 64) whole numbers, real and generated alike. The network is the one
of Radford et al. (2019) in small: pre-norm blocks, learnt positions, one table of embeddings for
reading and for predicting. Every block follows an extra "begin" token, so that all 64 are predicted.
Taught in chapter 5.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .arguments import CONTEXT, choice, fitted, generator, number, tokens, whole
from .decoding import Decoding, best_beams, draw, penalised
from .seeding import torch_seeded

WRITE = 256  # sequences that are written at a time


class Attention(nn.Module):
    """Let every token look at itself and at the tokens before it."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor, cache: list[torch.Tensor]) -> torch.Tensor:
        """Return what (batch, tokens, width) sees; ``cache`` keeps keys and values."""
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2)
                   for part in self.qkv(x).chunk(3, dim=2))
        if cache:
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)
        cache[:] = k, v
        new, past = q.shape[2], k.shape[2] - q.shape[2]
        mask = None
        if past and new > 1:
            mask = x.new_ones(new, past + new, dtype=torch.bool).tril(past)
        seen = F.scaled_dot_product_attention(q, k, v, mask, is_causal=past == 0)
        return self.out(seen.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Look around, then think: attention, then a feed-forward layer."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor, cache: list[torch.Tensor]) -> torch.Tensor:
        """Return (batch, tokens, width)."""
        x = x + self.attention(self.norm1(x), cache)
        return x + self.feed(self.norm2(x))


class Network(nn.Module):
    """Embeddings, blocks, and the same embeddings again to predict what follows."""

    def __init__(self, vocabulary: int, width: int, layers: int, heads: int):
        super().__init__()
        self.token = nn.Embedding(vocabulary + 1, width)  # the last row: begin
        self.position = nn.Embedding(CONTEXT, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for table in (self.token, self.position):
            nn.init.normal_(table.weight, std=0.02)

    def forward(
        self, ids: torch.Tensor, cache: list[list] | None = None
    ) -> torch.Tensor:
        """Return logits (batch, tokens, vocabulary) of what follows each token.

        With a ``cache``, one list a block, ``ids`` are only the tokens that it has
        not seen, and only what follows the last is predicted, (batch, 1, vocabulary).
        """
        past = cache[0][0].shape[2] if cache and cache[0] else 0
        x = self.token(ids) + self.position.weight[past : past + ids.shape[1]]
        for block, memory in zip(self.blocks, cache or [[] for _ in self.blocks]):
            x = block(x, memory)
        x = x if cache is None else x[:, -1:]
        return F.linear(self.norm(x), self.token.weight[:-1])


def next_token_loss(network: Network, blocks: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """Return the cross-entropy of every token given those before it in its block, in nats."""
    logits = network(after_begin(network, blocks)[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), blocks.flatten(), reduction=reduction)


def after_begin(network: Network, ids: torch.Tensor) -> torch.Tensor:
    """Return (batch, tokens) with the begin token before each row."""
    return F.pad(ids, (1, 0), value=network.token.num_embeddings - 1)


def train(network: Network, blocks: torch.Tensor, steps: int, batch: int, rate: float, dtype: torch.dtype) -> None:
    """Minimise the next-token loss with AdamW; the learning rate rises for a tenth of the steps, then falls to 0."""
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.1, betas=(0.9, 0.95), fused=True)
    order = torch.cat([torch.randperm(len(blocks)) for _ in range(steps * batch // len(blocks) + 1)])
    for step, chosen in enumerate(order.split(batch)[:steps]):
        optimizer.param_groups[0]["lr"] = rate * min(10 * (step + 1), (steps - step) / 0.9) / steps
        optimizer.zero_grad()
        with torch.autocast(blocks.device.type, dtype, enabled=dtype != torch.float32):
            loss = next_token_loss(network, blocks[chosen.to(blocks.device)])
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()


# ---- writing --------------------------------------------------------------------------------------------


def write(network: Network, prompts: torch.Tensor, length: int, how: Decoding) -> torch.Tensor:
    """Return ``length`` new tokens for each prompt, (prompts, length).

    The network looks at 64 tokens. When they are full it goes on from the last 32, as if they were a prompt.
    """
    rows = prompts.shape[0]
    text = prompts.repeat_interleave(how.beams, dim=0)
    score = text.new_full((rows, how.beams), -torch.inf, dtype=torch.float32)
    score[:, 0] = 0  # all beams are equal at first: only one of them may go on
    start, memory = max(0, text.shape[1] - CONTEXT // 2), None
    for _ in range(length):
        if text.shape[1] - start >= CONTEXT:  # with the begin token there is no room left
            start, memory = text.shape[1] - CONTEXT // 2, None
        if memory is None:
            memory = [[] for _ in network.blocks]
            unread = after_begin(network, text[:, start:])
        else:
            unread = text[:, -1:]
        logits = penalised(network(unread, memory)[:, -1].float(), text, how.repetition_penalty)
        if how.beams == 1:
            token = draw(logits, how)
        else:
            score, parent, token = best_beams(score, logits)
            # index_select copies whole rows, part[parent] number by number
            text, memory = text[parent], [[part.index_select(0, parent) for part in layer] for layer in memory]
        text = torch.cat([text, token[:, None]], dim=1)
    return text.unflatten(0, (rows, how.beams))[:, 0, prompts.shape[1] :]  # beams are sorted


# ---- the model ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LanguageModel:
    """A small GPT that learns from blocks (n, 64) of tokens and writes such blocks.

    It writes as the paper's model does: it reads the end of a block of its prompts (32 tokens) and writes
    the next 64, which alone are the sample.

    Args:
        vocabulary: number of different tokens, 0..vocabulary - 1.
        prompts: blocks to be continued; None takes the data of the first fit, which in `chain` are real.
        own_prompts: continue the data of the last fit instead, whatever they are.
        decoding: how tokens are chosen.
        warm: steps of a fit that goes on from the last generation's weights, at a quarter of the rate; None starts
            from scratch each time.
        steps: training length from scratch.
        batch: blocks in a batch.
        rate: highest learning rate.
        width: numbers that stand for a token.
        layers: blocks of attention and feed-forward layer.
        heads: of the attention; they share the width.
        device: "cpu" or "cuda".
        dtype: "float32" or "bfloat16" (training only).
        network: the fitted network, None before the first fit.

    Taught in chapter 5.
    """

    vocabulary: int
    prompts: np.ndarray | None = field(default=None, repr=False)
    own_prompts: bool = False
    decoding: Decoding = Decoding()
    warm: int | None = None
    steps: int = 2500
    batch: int = 8
    rate: float = 8e-3
    width: int = 96
    layers: int = 2
    heads: int = 4
    device: str = "cpu"
    dtype: str = "float32"
    network: Any = field(default=None, repr=False)

    def __post_init__(self):
        for name in ("vocabulary", "steps", "batch", "width", "layers", "heads"):
            whole(name, getattr(self, name))
        if self.warm is not None:
            whole("warm", self.warm)
        number("rate", self.rate, above=0)
        if self.width % self.heads:
            raise ValueError(f"width: a multiple of heads = {self.heads}, not {self.width}")
        choice("device", self.device, "cpu", "cuda")
        choice("dtype", self.dtype, "float32", "bfloat16")
        if not isinstance(self.decoding, Decoding):
            raise TypeError(f"decoding: a Decoding, not {self.decoding!r}")

    def build(self) -> Network:
        """Return a network with fresh weights."""
        return Network(self.vocabulary, self.width, self.layers, self.heads).to(self.device)

    def fit(self, data: np.ndarray, rng: np.random.Generator) -> LanguageModel:
        """Return a model trained on blocks (n, 64).

        Raises:
            ValueError: no blocks, another shape, an unknown token, or a rate at which training does not end in numbers.
        """
        blocks = self._on_device(tokens("data", data, CONTEXT, self.vocabulary))
        with torch_seeded(rng):
            warm = self.warm is not None and self.network is not None
            network = copy.deepcopy(self.network).requires_grad_(True) if warm else self.build()
            steps, rate = (self.warm, self.rate / 4) if warm else (self.steps, self.rate)
            train(network.train(), blocks, steps, self.batch, rate, getattr(torch, self.dtype))
        if not all(values.isfinite().all() for values in network.parameters()):
            raise ValueError("rate: training ended in weights that are not finite")
        keep = self.prompts is not None and not self.own_prompts
        return replace(self, network=network.eval().requires_grad_(False), prompts=self.prompts if keep else data)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``n`` blocks, each the continuation of a block of the prompts; no prompt twice while there are others."""
        prompts = np.asarray(fitted("prompts", self.prompts))
        order = np.resize(generator("rng", rng).permutation(len(prompts)), whole("n", n))
        return self.continued(prompts[order, -(CONTEXT // 2) :], CONTEXT, rng)

    @torch.no_grad()
    def continued(self, prompts: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``length`` new tokens for each prompt (n, tokens)."""
        network = fitted("network", self.network)
        whole("length", length)
        ids = self._on_device(tokens("prompts", prompts, vocabulary=self.vocabulary, least=0))
        at_once = max(1, WRITE // self.decoding.beams)
        with torch_seeded(rng):
            parts = [write(network, part, length, self.decoding) for part in ids.split(at_once)]
        return torch.cat(parts).cpu().numpy()

    @torch.no_grad()
    def nats(self, data: np.ndarray) -> np.ndarray:
        """Return -ln p of every token of blocks (n, 64) given those before it, (n, 64)."""
        blocks = self._on_device(tokens("data", data, CONTEXT, self.vocabulary))
        network = fitted("network", self.network)
        return torch.cat([next_token_loss(network, part, reduction="none").view(part.shape)
                          for part in blocks.split(32)]).cpu().numpy()

    def _on_device(self, ids: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(ids, device=self.device)
