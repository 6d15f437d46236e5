"""How the next token is chosen: drawn, drawn among the likeliest, or searched for with beams.

All of it works on logits (rows, vocabulary) and knows nothing of the network that gives them. Taught in chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .arguments import COLDEST, number, whole


@dataclass(frozen=True)
class Decoding:
    """How the next token is chosen: drawn from the model's shares, unless told otherwise.

    Args:
        temperature: draw from p^(1/temperature), renormalised.
        top_k: draw among the k likeliest tokens only.
        beams: keep this many likeliest continuations and return the best; draws nothing.
        repetition_penalty: divide the positive logits of tokens that are there already, multiply the
            negative ones (Keskar et al. 2019); 1 does nothing.
    """

    temperature: float = 1.0
    top_k: int | None = None
    beams: int = 1
    repetition_penalty: float = 1.0

    def __post_init__(self):
        number("temperature", self.temperature, COLDEST)
        number("repetition_penalty", self.repetition_penalty, above=0)
        whole("beams", self.beams)
        if self.top_k is not None:
            whole("top_k", self.top_k)
        if self.beams > 1 and (self.temperature != 1 or self.top_k is not None):
            raise ValueError("beams: beam search draws nothing; leave temperature and top_k alone")


def penalised(logits: torch.Tensor, text: torch.Tensor, penalty: float) -> torch.Tensor:
    """Return logits (batch, vocabulary) with the tokens of ``text`` (batch, tokens) made less likely."""
    if penalty == 1:
        return logits
    seen = logits.gather(1, text)
    return logits.scatter(1, text, torch.where(seen > 0, seen / penalty, seen * penalty))


def draw(logits: torch.Tensor, how: Decoding) -> torch.Tensor:
    """Return one token a row."""
    tokens = None
    if how.top_k is not None and how.top_k < logits.shape[1]:
        logits, tokens = logits.topk(how.top_k, dim=1)
    upto = (logits / how.temperature).softmax(dim=1).cumsum(dim=1)
    point = torch.rand(len(upto), 1, device=upto.device) * upto[:, -1:]  # one random number a row, not one a token
    drawn = torch.searchsorted(upto, point, right=True).clamp_(max=upto.shape[1] - 1)
    return (drawn if tokens is None else tokens.gather(1, drawn))[:, 0]


def best_beams(score: torch.Tensor, logits: torch.Tensor):
    """Return the best scores (rows, beams), the beam each came from, and its new token, both (rows * beams,)."""
    rows, beams = score.shape
    vocabulary = logits.shape[1]
    joint = score[:, :, None] + logits.log_softmax(dim=1).unflatten(0, (rows, beams))
    score, best = joint.flatten(1).topk(beams, dim=1)
    parent = best // vocabulary + beams * torch.arange(rows, device=best.device)[:, None]
    return score, parent.flatten(), (best % vocabulary).flatten()
