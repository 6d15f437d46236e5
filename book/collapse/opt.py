"""The paper's own language model, OPT-125m, as a model for the loop. Needs the package ``transformers``.

The settings are those of Shumailov et al. (2024) as far as text and code agree: blocks of 64 tokens, AdamW at
2e-5 falling to 1e-6, 5 epochs, batches of 128, the epoch with the best validation loss, five beams, 64 new
tokens for each block. Shown in chapter 7.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from .arguments import CONTEXT, fitted, generator, number, tokens, whole
from .downloads import reachable
from .seeding import torch_seeded

NAME = "facebook/opt-125m"


@dataclass(frozen=True)
class OPT:
    """A pre-trained network that is fine-tuned on blocks (n, 64) of tokens and continues such blocks.

    Args:
        base: the network that every fit starts from.
        encode: text to tokens.
        decode: tokens to text.
        valid: real blocks; the epoch that predicts them best is kept.
        prompts: blocks to be continued; None takes the data of the first fit.
        warm: start from the last generation's weights instead of from ``base``.
        epochs: training length.
        batch: blocks in a batch.
        rate: highest learning rate.
        beams: width of the beam search.
        repetition_penalty: as in `Decoding`.
        network: the fitted network, None before the first fit.

    Shown in chapter 7.
    """

    base: Any = field(repr=False)
    encode: Callable[[str], Any] = field(repr=False)
    decode: Callable[[Any], str] = field(repr=False)
    valid: np.ndarray = field(repr=False)
    prompts: np.ndarray | None = field(default=None, repr=False)
    warm: bool = False
    epochs: int = 5
    batch: int = 128
    rate: float = 2e-5
    beams: int = 5
    repetition_penalty: float = 1.0
    network: Any = field(default=None, repr=False)

    def __post_init__(self):
        for name in ("epochs", "batch", "beams"):
            whole(name, getattr(self, name))
        for name in ("rate", "repetition_penalty"):
            number(name, getattr(self, name), above=0)

    def fit(self, data: np.ndarray, rng: np.random.Generator) -> OPT:
        """Return the model of the best epoch of fine-tuning on blocks (n, 64).

        Raises:
            ValueError: no blocks, another shape, or a loss that was never finite.
        """
        with torch_seeded(rng):
            network = copy.deepcopy(self.network if self.warm and self.network else self.base)
            blocks = self._tokens("data", data)
            steps = self.epochs * -(-len(blocks) // self.batch)
            optimizer = torch.optim.AdamW(network.parameters(), lr=self.rate)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=min(1e-6, self.rate))
            best, weights = np.inf, None
            for _ in range(self.epochs):
                network.train().requires_grad_(True)
                for chosen in torch.randperm(len(blocks)).split(self.batch):
                    optimizer.zero_grad()
                    network(input_ids=blocks[chosen], labels=blocks[chosen]).loss.backward()
                    optimizer.step()
                    schedule.step()
                network.eval().requires_grad_(False)
                loss = replace(self, network=network).nats(self.valid).mean()
                if loss < best:
                    best, weights = loss, copy.deepcopy(network.state_dict())
        if weights is None:
            raise ValueError("rate: no epoch ended in a finite loss")
        network.load_state_dict(weights)
        return replace(self, network=network, prompts=data if self.prompts is None else self.prompts)

    @torch.no_grad()
    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``n`` blocks, each the 64 tokens that continue a block of the prompts."""
        network = fitted("network", self.network)
        order = np.resize(generator("rng", rng).permutation(len(self.prompts)), whole("n", n))
        prompts = self._tokens("prompts", self.prompts[order])
        written = [network.generate(
            part, attention_mask=torch.ones_like(part), num_beams=self.beams, do_sample=False,
            min_new_tokens=CONTEXT, max_new_tokens=CONTEXT, repetition_penalty=self.repetition_penalty,
        )[:, CONTEXT:] for part in prompts.split(self.batch)]
        return torch.cat(written).cpu().numpy()

    @torch.no_grad()
    def nats(self, data: np.ndarray) -> np.ndarray:
        """Return -ln p of every token of blocks (n, 64) but the first, (n, 63)."""
        network = self.base if self.network is None else self.network
        parts = []
        for ids in self._tokens("data", data).split(self.batch):
            log_p = network(input_ids=ids).logits[:, :-1].float().log_softmax(dim=2)
            parts.append(-log_p.gather(2, ids[:, 1:, None])[:, :, 0])
        return torch.cat(parts).cpu().numpy()

    def blocks(self, text: str) -> np.ndarray:
        """Return a text as blocks (n, 64) of this model's tokens."""
        ids = np.asarray(self.encode(text), dtype=np.int64)
        if len(ids) < CONTEXT:
            raise ValueError(f"text: {len(ids)} tokens are fewer than one block of {CONTEXT}")
        return ids[: len(ids) // CONTEXT * CONTEXT].reshape(-1, CONTEXT)

    def _tokens(self, name: str, data: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(tokens(name, data, CONTEXT), device=self.base.device)


def load(text, pieces, rng: np.random.Generator, *, pretrained: bool, device: str = "cpu") -> OPT | None:
    """Return OPT-125m, or a random two-layer OPT where its weights cannot be had; None without ``transformers``.

    Args:
        text: a `datasets.Text`, whose validation part chooses epochs.
        pieces: a `text.BPE` for the random network, which has no tokens of its own.
        rng: draws the weights of the random network.
        pretrained: look for the published weights, in the cache and then on the Hugging Face hub (about 250 MB).
        device: "cpu" or "cuda".

    Says which of the three it is.
    """
    try:
        import transformers
    except ImportError:
        print("OPT needs one more package: pip install transformers")
        return None
    found = _published(transformers) if pretrained else None
    if found:
        tokenizer, network = found
        encode = lambda s: tokenizer(s.replace("<eos>", "\n"), verbose=False)["input_ids"]
        decode, said = tokenizer.decode, f"{NAME}, pre-trained"
    else:
        encode, decode = pieces.encode, pieces.decode
        with torch_seeded(rng):
            network = transformers.OPTForCausalLM(transformers.OPTConfig(
                vocab_size=pieces.size, hidden_size=64, word_embed_proj_dim=64, ffn_dim=256, num_hidden_layers=2,
                num_attention_heads=4, max_position_embeddings=2 * CONTEXT, dropout=0.0,
                bos_token_id=1, eos_token_id=1, pad_token_id=1))
        said = "a two-layer OPT with random weights, not the paper's model"
    network.generation_config.eos_token_id = None  # exactly 64 new tokens, as in the paper's code
    print(f"OPT: {said}, {sum(p.numel() for p in network.parameters()):,} parameters.")
    model = OPT(network.to(device).eval().requires_grad_(False), encode, decode, valid=None)
    return replace(model, valid=model.blocks(text.valid))


def _published(transformers):
    """Return the tokenizer and the network of OPT-125m, or None if they cannot be had."""
    for local in (True, False):
        if not local and not reachable("https://huggingface.co"):
            break
        try:
            return (transformers.AutoTokenizer.from_pretrained(NAME, local_files_only=local),
                    transformers.OPTForCausalLM.from_pretrained(NAME, local_files_only=local))
        except OSError:  # not in the cache, or the hub does not have it
            continue
    print(f"OPT: the weights of {NAME} cannot be had here.")
    return None
