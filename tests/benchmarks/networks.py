"""The autoencoder and the transformer against the stock PyTorch example and `transformers`."""

from __future__ import annotations

import os
import time
from functools import cache, partial

import numpy as np
import torch
from collapse import transformer, vae
from collapse.seeding import torch_seeded
from collapse.transformer import Decoding, LanguageModel
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from .timing import Row, Work, row, seconds

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is downloaded: only the architecture is used
SIZES = {"vocabulary": 2048, "width": 96, "layers": 2, "heads": 4}


# ---- the autoencoder ------------------------------------------------------------------------------------------------


class Pictures(Dataset):
    """Images as torchvision's MNIST hands them out: one PIL image at a time, through ToTensor."""

    def __init__(self, images: np.ndarray):
        self.images, self.transform = images.reshape(-1, 28, 28), ToTensor()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(Image.fromarray(self.images[index]))


def stock_loss(network: vae.Network, x: torch.Tensor) -> torch.Tensor:
    """Return the loss of the stock example, summed over the batch."""
    mean, log_variance = network.encode(x)
    z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
    rebuilt = F.binary_cross_entropy(torch.sigmoid(network.decode(z)), x, reduction="sum")
    return rebuilt - 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())


def stock_epochs(images: np.ndarray, hidden: int = 400):
    """Train as the stock example does, batch 128 and Adam at 1e-3; yield the network after every epoch."""
    network = vae.Network(hidden)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loader = DataLoader(Pictures(images), batch_size=128, shuffle=True)
    while True:
        for x in loader:
            optimizer.zero_grad()
            stock_loss(network, x.view(-1, vae.PIXELS)).backward()
            optimizer.step()
        yield network


@torch.no_grad()
def held_out_loss(network: vae.Network, images: np.ndarray) -> float:
    """Return the negative ELBO of images, in nats an image, with the same noise for every network."""
    with torch_seeded(np.random.default_rng(7)):
        return vae.negative_elbo(network, vae.to_unit(images)).item()


def vae_row(images: np.ndarray, test_images: np.ndarray, most: int = 25, **options) -> Row:
    """Return wall times to the same test ELBO, within half a nat; the tests of the ELBO are not counted.

    Ours is timed before and after the stock example.
    """
    ours = [seconds(partial(_trained, images, **options))]
    target = held_out_loss(_trained(images, **options).network, test_images)
    spent, found = 0.0, np.inf
    with torch_seeded(np.random.default_rng(2)):
        epochs = stock_epochs(images)
        epoch = 0
        while found > target + 0.5 and epoch < most:
            epoch += 1
            start = time.perf_counter()
            network = next(epochs)
            spent += time.perf_counter() - start
            found = held_out_loss(network, test_images)
    ours.append(seconds(partial(_trained, images, **options)))
    reached = f"{epoch} epochs of the stock example" if found <= target + 0.5 else f"not reached in {epoch} epochs"
    return row("vae", 5, [(each, spent) for each in ours],
               f"to a test ELBO of -{target:.1f}: {reached} (-{found:.1f}), timed once, between two of ours")


def _trained(images: np.ndarray, **options) -> vae.VAE:
    return vae.VAE(**options).fit(images, np.random.default_rng(1))


def same_vae() -> None:
    """Assert that both losses are one."""
    with torch_seeded(np.random.default_rng(3)):
        network, x = vae.Network(16), torch.rand(32, vae.PIXELS)
        torch.manual_seed(5)
        ours = vae.negative_elbo(network, x)
        torch.manual_seed(5)
        assert torch.isclose(ours, stock_loss(network, x) / len(x), rtol=1e-5)


# ---- the transformer ------------------------------------------------------------------------------------------------


def opt(vocabulary: int, width: int, layers: int, heads: int):
    """Return an OPT of the same sizes, with the same kind of feed-forward layer; one more token, to begin with."""
    from transformers import OPTConfig, OPTForCausalLM

    return OPTForCausalLM(OPTConfig(
        vocab_size=vocabulary + 1, hidden_size=width, word_embed_proj_dim=width, num_hidden_layers=layers,
        num_attention_heads=heads, ffn_dim=4 * width, max_position_embeddings=transformer.CONTEXT,
        activation_function="gelu", dropout=0.0, bos_token_id=vocabulary, eos_token_id=None, pad_token_id=None))


def copied(network: transformer.Network):
    """Return an OPT with the weights of ``network``."""
    width = network.token.embedding_dim
    model = opt(network.token.num_embeddings - 1, width, len(network.blocks), network.blocks[0].attention.heads)
    decoder = model.model.decoder
    with torch.no_grad():
        decoder.embed_tokens.weight.copy_(network.token.weight)
        decoder.embed_positions.weight[2:].copy_(network.position.weight)  # OPT counts positions from 2
    decoder.final_layer_norm.load_state_dict(network.norm.state_dict())
    for layer, block in zip(decoder.layers, network.blocks, strict=True):
        attention = layer.self_attn
        parts = (attention.q_proj, attention.k_proj, attention.v_proj)
        for part, weight, bias in zip(parts, block.attention.qkv.weight.chunk(3), block.attention.qkv.bias.chunk(3),
                                      strict=True):
            part.load_state_dict({"weight": weight, "bias": bias})
        for ours, theirs in ((block.attention.out, attention.out_proj), (block.norm1, layer.self_attn_layer_norm),
                             (block.norm2, layer.final_layer_norm), (block.feed[0], layer.fc1),
                             (block.feed[2], layer.fc2)):
            theirs.load_state_dict(ours.state_dict())
    return model.eval()


def opt_train(blocks: torch.Tensor, steps: int, batch: int, model) -> None:
    """Train with AdamW on the same tokens, the begin token before each block."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1, fused=True)
    ids = F.pad(blocks, (1, 0), value=model.config.vocab_size - 1)
    for _ in range(steps):
        chosen = torch.randint(len(ids), (batch,))
        optimizer.zero_grad()
        logits = model(input_ids=ids[chosen, :-1], use_cache=False).logits
        F.cross_entropy(logits.flatten(0, 1), blocks[chosen].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def opt_write(model, rows: int, length: int, batch: int, **options) -> torch.Tensor:
    """Write with `generate` and its cache, ``batch`` texts at a time, from the begin token."""
    begins = torch.full((rows, 1), model.config.vocab_size - 1).split(batch)
    with torch.no_grad():
        parts = [model.generate(begin, attention_mask=torch.ones_like(begin), max_new_tokens=length,
                                min_new_tokens=length, **options) for begin in begins]
    return torch.cat(parts)[:, 1:]


def ours_write(network: transformer.Network, rows: int, length: int, decoding: Decoding, **sizes) -> torch.Tensor:
    """Write from the begin token, so that 64 tokens fit into what both networks look at."""
    model = LanguageModel(**sizes, network=network, decoding=decoding)
    prompts = np.zeros((rows, 0), dtype=np.int64)
    return torch.as_tensor(model.continued(prompts, length, np.random.default_rng(4)))


def ours_train(blocks: np.ndarray, steps: int, batch: int, **sizes) -> None:
    """Train through the model of the chapter."""
    LanguageModel(**sizes, steps=steps, batch=batch).fit(blocks, np.random.default_rng(4))


@cache
def _pair(**sizes):
    """Return one random network, sharpened so that its choices are clear, and the OPT with its weights."""
    with torch_seeded(np.random.default_rng(6)):
        network = transformer.Network(*sizes.values()).requires_grad_(False).eval()
        network.token.weight.mul_(20)
        return network, copied(network).requires_grad_(False)


def same_transformer() -> None:
    """Assert that both networks have the same loss, write the same likeliest text, and find equally good beams."""
    sizes = {"vocabulary": 50, "width": 16, "layers": 2, "heads": 2}
    network, model = _pair(**sizes)
    blocks = torch.as_tensor(np.random.default_rng(5).integers(50, size=(8, transformer.CONTEXT)))
    ids = transformer.after_begin(network, blocks)[:, :-1]
    logits = model(input_ids=ids).logits[..., :-1]  # the begin token is never predicted
    theirs = F.cross_entropy(logits.flatten(0, 1), blocks.flatten())
    assert torch.isclose(transformer.next_token_loss(network, blocks), theirs, rtol=1e-4)
    quiet = {"do_sample": False, "suppress_tokens": [50]}
    for how, options in ((Decoding(top_k=1), {}), (Decoding(beams=5), {"num_beams": 5})):
        ours = ours_write(network, 3, 64, how, **sizes)
        theirs = opt_write(model, 3, 64, 3, **quiet, **options)
        assert torch.isclose(transformer.next_token_loss(network, ours),
                             transformer.next_token_loss(network, theirs), rtol=1e-4)


def best_batch(model, **options) -> int:
    """Return the batch at which `generate` writes the most tokens a second."""
    opt_write(model, 8, 8, 8, **options)
    cost = {batch: seconds(partial(opt_write, model, batch, 32, batch, **options)) / batch for batch in (64, 256, 1024)}
    return min(cost, key=cost.get)


def transformer_works(steps: int = 40) -> list[Work]:
    """Return the three rows of the transformer."""
    blocks = np.random.default_rng(0).integers(SIZES["vocabulary"], size=(512, transformer.CONTEXT))
    network, model = _pair(**SIZES)
    free = opt(**SIZES)
    sample, beam = {"do_sample": True, "top_k": 0}, {"do_sample": False, "num_beams": 5}
    batch, beam_batch = best_batch(model, **sample), min(256, best_batch(model, **beam))
    return [
        Work("transformer-train", 1.5, partial(ours_train, blocks, steps, 16, **SIZES),
             partial(opt_train, torch.as_tensor(blocks), steps, 16, free.train()), same_transformer,
             f"width 96, 2 layers, batch 16 x 64, vocabulary 2,048; OPT, sdpa, AdamW; {steps} steps each"),
        Work("transformer-sample", 2, partial(ours_write, network, 1024, 64, Decoding(), **SIZES),
             partial(opt_write, model, 1024, 64, batch, **sample), same_transformer, turns=3,
             why=f"1,024 x 64 tokens; generate with its cache, its best batch {batch}"),
        Work("transformer-beam", 3, partial(ours_write, network, 256, 64, Decoding(beams=5), **SIZES),
             partial(opt_write, model, 256, 64, beam_batch, **beam), same_transformer, turns=3,
             why=f"256 x 64 tokens, width 5; generate with its cache, its best batch {beam_batch}"),
    ]
