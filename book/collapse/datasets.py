"""Real data: digits, text and dogs.

``COLLAPSE_DATA`` names a folder with the real files; without it the user's cache is used, else a
download, else real data that the installed packages already carry. Each loader says which it used.
"""

from __future__ import annotations

import gzip
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .arguments import whole
from .downloads import fetched, find

MNIST_FILES = {  # sha256 of the original files
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
WIKITEXT_FILES = {
    "train.txt": "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
    "valid.txt": "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
    "test.txt": "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
}
MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"  # the first address that torchvision tries
# The original address of WikiText-2 is dead; this example carries byte-identical files.
WIKITEXT_URL = ("https://raw.githubusercontent.com/pytorch/examples/"
                "4581968193699de14b56527296262dd76ab43557/word_language_model/data/wikitext-2/")


@dataclass(frozen=True)
class Digits:
    """Handwritten digits: byte images (n, 784), labels (n,), and where they came from."""

    name: str
    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    @property
    def embedded(self) -> bool:
        """True if these are the small digits that scikit-learn carries."""
        return self.name != "MNIST"


def digits() -> Digits:
    """Return MNIST where it can be had, else scikit-learn's digits enlarged to 28 x 28.

    Raises:
        ValueError: a file is missing, truncated, corrupt or another one; the message names it.

    Taught in chapter 4.
    """
    folder = find("MNIST/raw", MNIST_FILES, _download_mnist)
    data = _embedded_digits() if folder is None else Digits("MNIST", *_read_mnist(folder))
    print(f"Digits: {data.name}, {len(data.images):,} training and {len(data.test_images):,} test images.")
    return data


@dataclass(frozen=True)
class Finite:
    """A finite set of real data as the source of a chain; `resample` is what draws from one again and again.

    Args:
        data: an array (samples, ...), in a random order; each sample is given once (law F1).

    ``used`` counts the samples that were given so far; it is no argument.
    """

    data: np.ndarray
    used: list[int] = field(default_factory=lambda: [0], init=False)

    def __post_init__(self):
        kind = self.data.dtype if isinstance(self.data, np.ndarray) else type(self.data)
        if not isinstance(kind, np.dtype) or kind.kind not in "biuf" or self.data.ndim < 2 or not self.data.size:
            raise ValueError(f"data: an array of numbers (samples, ...), not {kind} of shape {getattr(self.data, 'shape', ())}")

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``n`` samples.

        Raises:
            ValueError: fewer than ``n`` are left, or ``n`` is not a positive whole number.
        """
        whole("n", n)
        left = len(self.data) - self.used[0]
        if n > left:
            raise ValueError(f"n: {n} real samples were asked for, {left} of {len(self.data)} are left")
        self.used[0] += n
        return self.data[self.used[0] - n : self.used[0]]


# ---- downloads ----------------------------------------------------------------------------------------


def _download_mnist(cache: Path, files: dict[str, str]) -> Path:
    def fetch(part: Path):
        from torchvision.datasets import MNIST  # seconds: only once the network has answered

        MNIST(part, download=True)
        for name in files:
            os.replace(part / "MNIST" / "raw" / name, part / name)

    return fetched(cache, files, MNIST_URL, fetch)


def _download_wikitext(cache: Path, files: dict[str, str]) -> Path:
    def fetch(part: Path):
        from torch.hub import download_url_to_file

        for name, sha256 in files.items():
            download_url_to_file(WIKITEXT_URL + name, str(part / name), hash_prefix=sha256, progress=False)

    return fetched(cache, files, WIKITEXT_URL, fetch)


# ---- reading them -------------------------------------------------------------------------------------


def _read_mnist(folder: Path) -> list[np.ndarray]:
    arrays = []
    for name in MNIST_FILES:
        raw = gzip.decompress((folder / name).read_bytes())
        header = 16 if "images" in name else 8  # idx: magic number and sizes, then the bytes
        values = np.frombuffer(raw, np.uint8, offset=header).copy()  # torch wants writable memory
        arrays.append(values.reshape(-1, 784) if "images" in name else values)
    return arrays


def _embedded_digits() -> Digits:
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    data = load_digits()
    large = zoom(data.images, (1, 3.5, 3.5), order=1)  # 8 x 8 scans, values 0..16
    images = np.clip(np.round(large * 255 / 16), 0, 255).astype(np.uint8).reshape(-1, 784)
    labels = data.target.astype(np.uint8)
    return Digits("scikit-learn's digits", images[:1500], labels[:1500], images[1500:], labels[1500:])


# ---- text ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    """English text in three parts, words split by blanks, ``<eos>`` at line ends, ``<unk>`` for rare words."""

    name: str
    train: str
    valid: str
    test: str

    @property
    def embedded(self) -> bool:
        """True if this is the text that Python carries."""
        return self.name != "WikiText-2"


def text() -> Text:
    """Return WikiText-2 (word level) where it can be had, else the Python language reference.

    Raises:
        ValueError: a file is missing, truncated, corrupt or another one; the message names it.

    Taught in chapter 5.
    """
    folder = find("wikitext-2", WIKITEXT_FILES, _download_wikitext)
    data = _embedded_text() if folder is None else Text("WikiText-2", *(
        (folder / name).read_text(encoding="utf-8").replace("\n", " <eos> ") for name in WIKITEXT_FILES))
    print(f"Text: {data.name}, {len(data.train.split()):,} training and {len(data.test.split()):,} test words.")
    return data


def _embedded_text() -> Text:
    from pydoc_data.topics import topics

    # Pages quote one another: each paragraph is kept where it comes first.
    paragraphs = {part: name for name in sorted(topics, reverse=True) for part in topics[name].strip().split("\n\n")}
    pages = ["\n".join(part for part in paragraphs if paragraphs[part] == name) + "\n" for name in sorted(topics)]
    pages = [[match[0] for match in re.finditer(r"\n|\w+|([^\w\s])\1*", page)] for page in pages]
    counts = Counter(word for page in pages for word in page)
    parts = {"train": [], "valid": [], "test": []}
    for number, page in enumerate(pages):  # whole pages: every tenth to test, every tenth to validation
        part = parts[{0: "test", 5: "valid"}.get(number % 10, "train")]
        part += ["<eos>" if w == "\n" else w if counts[w] > 2 else "<unk>" for w in page]
    return Text("the Python language reference", *(" ".join(words) for words in parts.values()))


# ---- dogs: invented shares and traits, so that the first chapter has something to look at --------------

TRAITS = ("size", "legs", "muzzle", "ears", "tail", "lightness", "warmth")
_BREEDS = (  # share in the park, then the seven traits between 0 and 1
    ("golden retriever", 0.30, 0.75, 0.55, 0.55, 0.75, 0.80, 0.70, 0.90),
    ("labrador", 0.18, 0.75, 0.55, 0.50, 0.70, 0.65, 0.15, 0.20),
    ("French bulldog", 0.12, 0.25, 0.20, 0.05, 0.10, 0.05, 0.45, 0.15),
    ("German shepherd", 0.09, 0.85, 0.65, 0.70, 0.05, 0.75, 0.35, 0.60),
    ("poodle", 0.07, 0.50, 0.75, 0.60, 0.85, 0.30, 0.98, 0.15),
    ("beagle", 0.06, 0.40, 0.35, 0.45, 0.95, 0.60, 0.55, 0.75),
    ("dachshund", 0.05, 0.45, 0.00, 0.75, 0.90, 0.60, 0.20, 0.80),
    ("husky", 0.04, 0.70, 0.60, 0.50, 0.00, 0.90, 0.75, 0.00),
    ("corgi", 0.03, 0.50, 0.05, 0.45, 0.00, 0.05, 0.65, 0.95),
    ("dalmatian", 0.03, 0.65, 0.80, 0.50, 0.65, 0.70, 1.00, 0.00),
    ("greyhound", 0.02, 0.75, 1.00, 0.90, 0.40, 1.00, 0.50, 0.05),
    ("otterhound", 0.01, 0.90, 0.50, 0.65, 1.00, 0.55, 0.40, 0.40),
)


@dataclass(frozen=True)
class Breeds:
    """Dog breeds: names, shares (breeds,), and traits (breeds, 7) between 0 and 1, named in `TRAITS`."""

    names: tuple[str, ...]
    shares: np.ndarray
    traits: np.ndarray


def breeds() -> Breeds:
    """Return twelve breeds with a long-tailed popularity. The numbers are invented. Taught in chapter 1."""
    table = np.array([row[1:] for row in _BREEDS])
    return Breeds(tuple(row[0] for row in _BREEDS), table[:, 0], table[:, 1:])
