"""A variational autoencoder for the loop.

Images are bytes, (samples, 784), real and generated alike. The network is the one of Kingma and
Welling (2014): one hidden layer each way. Taught in chapter 4.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from .arguments import choice, fitted, number, whole
from .seeding import torch_seeded

PIXELS, LATENT = 784, 20


class Network(nn.Module):
    """Encoder 784-400-(20, 20) and decoder 20-400-784."""

    def __init__(self, hidden: int = 400):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(PIXELS, hidden), nn.ReLU(), nn.Linear(hidden, 2 * LATENT))
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, hidden), nn.ReLU(), nn.Linear(hidden, PIXELS))

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log-variance of q(z | x), each (batch, 20)."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return pixel logits, (batch, 784)."""
        return self.decoder(z)


class Convolutional(nn.Module):
    """The network of the paper's notebook: two convolutions each way, 647,081 parameters.

    Source: the released code of Shumailov et al. (2024). Compared with theirs in chapter 7.
    """

    def __init__(self):
        super().__init__()
        halve = {"kernel_size": 4, "stride": 2, "padding": 1}
        self.encoder = nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 64, **halve), nn.ReLU(),
            nn.Conv2d(64, 128, **halve), nn.ReLU(), nn.Flatten(), nn.Linear(128 * 7 * 7, 2 * LATENT))
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 128 * 7 * 7), nn.Unflatten(1, (128, 7, 7)), nn.ConvTranspose2d(128, 64, **halve),
            nn.ReLU(), nn.ConvTranspose2d(64, 1, **halve), nn.Flatten())

    encode, decode = Network.encode, Network.decode


class BernoulliNats(torch.autograd.Function):
    """Sum of -ln p of grey values under Bernoulli logits, in a third of the time of torch's own.

    ln(1 + e^l) is taken as max(l, 0) - ln sigmoid(abs l): torch's log1p is slow, and its gradient needs no logarithm.
    """

    @staticmethod
    def forward(ctx, logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Return the sum."""
        ctx.save_for_backward(logits, x)
        tails = logits.abs().sigmoid_().log_().sum()
        return logits.relu().sum() - tails - torch.dot(logits.flatten(), x.flatten())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return the gradient of the logits, sigmoid(logits) - x."""
        logits, x = ctx.saved_tensors
        return logits.sigmoid().sub_(x).mul_(grad), None


def negative_elbo(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the negative evidence lower bound, in nats an image, mean of a batch."""
    mean, log_variance = network.encode(x)
    z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
    rebuilt = BernoulliNats.apply(network.decode(z).float(), x)
    divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 2
    return (rebuilt + divergence) / len(x)


def train(
    network: nn.Module, batches, steps: int, rate: float = 6e-3, loss=negative_elbo
) -> None:
    """Minimise a loss with Adam, one cycle of learning rate; changes ``network``."""
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    for _, x in zip(range(steps), batches):
        optimizer.zero_grad()
        loss(network, x).backward()
        optimizer.step()
        schedule.step()


def to_unit(images: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return byte images as floats between 0 and 1."""
    return torch.as_tensor(images).float().div_(255)


def batches_of(data: Any, batch: int, rng: np.random.Generator):
    """Yield batches for ever: shuffled passes over images, or fresh samples of a model (`stream`)."""
    if hasattr(data, "sample"):
        while True:
            yield to_unit(data.sample(batch, rng))
    images = torch.as_tensor(data)
    batch = min(batch, len(images))
    while True:
        order = torch.randperm(len(images))
        for start in range(0, len(order) - batch + 1, batch):
            yield to_unit(images.index_select(0, order[start : start + batch]))  # copies rows, not pixels


@dataclass(frozen=True)
class VAE:
    """A variational autoencoder that learns from byte images and gives byte images.

    Args:
        output: "means" passes on the decoder's grey values, as the paper's code does;
            "draws" draws each pixel black or white with that probability.
        steps: training length, in batches.
        batch: images in a batch.
        rate: highest learning rate.
        warm: start from the last generation's weights instead of from scratch.
        build: makes the network; anything with ``encode`` and ``decode`` of the same shapes.
        device: where training runs, "cpu" or "cuda"; the fitted network is on the CPU.
        dtype: "float32" or "bfloat16" (mixed precision in training); the fitted network is in float32.
        network: the fitted network, None before the first fit.

    Taught in chapter 4.
    """

    output: str = "means"
    steps: int = 1200
    batch: int = 128
    rate: float = 6e-3
    warm: bool = False
    build: Any = Network
    device: str = "cpu"
    dtype: str = "float32"
    network: nn.Module | None = field(default=None, repr=False)

    def __post_init__(self):
        choice("output", self.output, "means", "draws")
        whole("steps", self.steps)
        whole("batch", self.batch)
        number("rate", self.rate, above=0)
        choice("device", self.device, "cpu", "cuda")
        choice("dtype", self.dtype, "float32", "bfloat16")
        if not callable(self.build):
            raise TypeError(f"build: a function that makes the network, not {self.build!r}")

    def fit(self, data: np.ndarray | VAE, rng: np.random.Generator) -> VAE:
        """Return a VAE trained on images (n, 784) of bytes, or on fresh samples of another VAE.

        Raises:
            ValueError: the images have another shape or type, or training ended in numbers that are not finite.
        """
        if not hasattr(data, "sample"):
            check_images("data", data)
        with torch_seeded(rng):
            warm = self.warm and self.network is not None
            network = copy.deepcopy(self.network) if warm else self.build()
            network = network.to(self.device).train().requires_grad_(True)
            train(network, batches_of(data, self.batch, rng), self.steps, self.rate, self._loss)
            network.cpu()
        if not all(values.isfinite().all() for values in network.state_dict().values()):
            raise ValueError("data: training on it ended in weights that are not finite")
        return replace(self, network=network.eval().requires_grad_(False))

    def _loss(self, network: nn.Module, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self.device, torch.bfloat16, enabled=self.dtype == "bfloat16"):
            return negative_elbo(network, x.to(self.device))

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``n`` generated images, (n, 784) bytes."""
        whole("n", n)
        with torch_seeded(rng), torch.no_grad():
            return self.decode(torch.randn(n, LATENT))

    def decode(self, z: torch.Tensor) -> np.ndarray:
        """Return the images of latents (n, 20), as bytes."""
        network = fitted("network", self.network)
        pixels = torch.cat([network.decode(part).sigmoid_() for part in z.split(8192)])
        if self.output == "draws":
            return (torch.rand_like(pixels) < pixels).to(torch.uint8).mul_(255).numpy()
        return pixels.mul_(255).round_().to(torch.uint8).numpy()


def check_images(name: str, images: Any) -> None:
    """Raise a ValueError unless ``images`` are bytes of shape (n, 784), n > 0."""
    shape, kind = getattr(images, "shape", ()), getattr(images, "dtype", type(images).__name__)
    if len(shape) != 2 or shape[0] == 0 or shape[1] != PIXELS or kind != np.uint8:
        raise ValueError(f"{name}: byte images of shape (n, {PIXELS}), not {kind} of shape {shape}")
