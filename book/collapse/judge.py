"""How good and how diverse generated digits are, measured by networks that saw only real ones.

Taught in chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from . import metrics
from .arguments import fitted
from .datasets import Digits
from .seeding import torch_seeded
from .vae import PIXELS, VAE, check_images, negative_elbo, to_unit, train


class Classifier(nn.Module):
    """Tell digits apart; the 64 features before the last layer measure how far two sets of images are."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(PIXELS, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU())
        self.head = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return class logits (batch, 10) of images (batch, 784) between 0 and 1."""
        return self.head(self.body(x))

    @torch.no_grad()
    def look(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return features (n, 64) and class probabilities (n, 10) of byte images."""
        check_images("images", images)
        features = torch.cat([self.body(x) for x in to_unit(images).split(8192)])
        return features.numpy(), self.head(features).softmax(dim=1).numpy()


def train_classifier(
    images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, steps: int = 1000
) -> Classifier:
    """Return a classifier trained on real digits; it never sees anything else.

    Raises:
        ValueError: images that are not bytes (n, 784), or not one label from 0 to 9 for each.
    """
    check_images("images", images)
    if np.shape(labels) != (len(images),) or not np.isin(labels, range(10)).all():
        raise ValueError(f"labels: a digit from 0 to 9 for each of {len(images)} images, not shape {np.shape(labels)}")
    x, y = to_unit(images), torch.as_tensor(labels).long()
    with torch_seeded(rng):
        classifier = Classifier()
        batches = (torch.randint(len(x), (256,)) for _ in range(steps))
        train(classifier, batches, steps, 3e-3, lambda network, i: F.cross_entropy(network(x[i]), y[i]))
    return classifier.eval().requires_grad_(False)


@dataclass(frozen=True)
class Judge:
    """A classifier, the real test images, and what the classifier sees in them.

    Build one with `Judge.trained`. The measures of a generation are those of ``n_images`` samples.
    """

    classifier: Classifier
    real: np.ndarray
    features: np.ndarray
    n_images: int = 10_000

    @classmethod
    def trained(cls, digits: Digits, rng: np.random.Generator) -> Judge:
        """Return a judge whose classifier was trained on the real training images."""
        classifier = train_classifier(digits.images, digits.labels, rng)
        return cls(classifier, digits.test_images, classifier.look(digits.test_images)[0])

    def measure(self, model: VAE, first: VAE, rng: np.random.Generator) -> dict[str, float]:
        """Return every measure of chapter 4 for a fitted model; ``first`` is generation 0.

        Keys: class_entropy (nats), rarest_share, confidence, variance (summed over the pixels),
        frechet, precision, recall, elbo (nats an image, on real test images), latent_std.
        """
        images = model.sample(self.n_images, rng)
        features, p = self.classifier.look(images)
        shares = np.bincount(p.argmax(axis=1), minlength=10) / len(images)
        precision, recall = metrics.precision_recall(features[:2000], self.features[:2000])
        return {
            "class_entropy": float(metrics.entropy(shares)),
            "rarest_share": float(shares.min()),
            "confidence": float(p.max(axis=1).mean()),
            "variance": metrics.total_variance(images),
            "frechet": metrics.frechet_distance(features, self.features),
            "precision": precision,
            "recall": recall,
            "elbo": elbo(model, self.real, rng),
            "latent_std": latent_std(first, images[:1000]),
        }


@torch.no_grad()
def elbo(model: VAE, images: np.ndarray, rng: np.random.Generator) -> float:
    """Return the evidence lower bound of images under a fitted VAE, in nats an image (higher is better)."""
    check_images("images", images)
    network = fitted("model", model.network)
    with torch_seeded(rng):
        total = sum(len(x) * negative_elbo(network, x).item() for x in to_unit(images).split(2048))
    return -total / len(images)


@torch.no_grad()
def latent_std(encoder: VAE, images: np.ndarray) -> float:
    """Return the standard deviation of the images' latent means, all latents together, under a VAE's encoder.

    Source: the measure in the notebook of Shumailov et al. (2024), with generation 0 as encoder.
    """
    check_images("images", images)
    return fitted("encoder", encoder.network).encode(to_unit(images))[0].std().item()
