"""Real data: digits, text and dogs.

``COLLAPSE_DATA`` names a folder with the real files; without it the user's cache is used, else a
download, else real data that the installed packages already carry. Each loader says which it used.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
# The original address of WikiText-2 is dead; this example carries byte-identical files.
WIKITEXT_URL = ("https://raw.githubusercontent.com/pytorch/examples/"
                "4581968193699de14b56527296262dd76ab43557/word_language_model/data/wikitext-2/")
PROBE_SECONDS = 3


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
    folder = _find("MNIST/raw", MNIST_FILES, _download_mnist)
    data = _embedded_digits() if folder is None else Digits("MNIST", *_read_mnist(folder))
    print(f"Digits: {data.name}, {len(data.images):,} training and {len(data.test_images):,} test images.")
    return data


@dataclass(frozen=True)
class Finite:
    """A finite set of real data as the source of a chain.

    Args:
        data: an array (samples, ...), in a random order.
        redraw: False gives each sample once and then raises; True draws ``n`` without replacement
            from the whole set each time. Two different remedies: laws F1 and F6.
        used: samples given so far (only counts when ``redraw`` is False).
    """

    data: np.ndarray
    redraw: bool = False
    used: list[int] = None

    def __post_init__(self):
        if self.used is None:
            object.__setattr__(self, "used", [0])

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``n`` samples.

        Raises:
            ValueError: fewer than ``n`` are left.
        """
        left = len(self.data) - (0 if self.redraw else self.used[0])
        if not 0 < n <= left:
            raise ValueError(f"n: {n} real samples were asked for, {left} of {len(self.data)} are left")
        if self.redraw:
            return self.data[rng.choice(len(self.data), n, replace=False)]
        self.used[0] += n
        return self.data[self.used[0] - n : self.used[0]]


# ---- finding files ------------------------------------------------------------------------------------


def _find(folder: str, files: dict[str, str], download) -> Path | None:
    """Return a folder with all files, checked, or None if only embedded data can be had."""
    named = os.environ.get("COLLAPSE_DATA")
    if named:
        return _checked(Path(named) / folder, files)
    cache = cache_folder() / folder
    if all((cache / name).exists() for name in files):
        return _checked(cache, files)
    try:
        return download(cache, files)
    except OSError as error:  # no network, no space, a read-only cache: say so and go on
        print(f"No download ({type(error).__name__}); using embedded data.")
        return None


def cache_folder() -> Path:
    """Return the folder where downloads are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "collapse"


def _checked(folder: Path, files: dict[str, str]) -> Path:
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise ValueError(f"COLLAPSE_DATA: {path} is missing (sha256 {expected})")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise ValueError(
                f"COLLAPSE_DATA: {path} is not the published file: expected sha256 {expected}, "
                f"found {found}. Delete it, or unset COLLAPSE_DATA, and run again.")
    return folder


def reachable(host: str, seconds: float = PROBE_SECONDS) -> bool:
    """Tell within ``seconds`` whether a host answers, even if name look-up hangs."""
    answered = threading.Event()

    def probe():
        try:
            socket.create_connection((host, 443), timeout=seconds).close()
            answered.set()
        except OSError:
            pass

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(seconds)  # a look-up that swallows packets is left behind
    return answered.is_set()


def _download(cache: Path, files: dict[str, str], host: str, fetch) -> Path:
    """Fetch all files into a temporary folder and move it into the cache when it is complete."""
    if not reachable(host):
        raise ConnectionError(f"{host} does not answer")
    part = cache.with_name(f"{cache.name}.part{os.getpid()}")
    part.mkdir(parents=True, exist_ok=True)
    limit, _ = socket.getdefaulttimeout(), socket.setdefaulttimeout(10)
    try:
        fetch(part)
        _checked(part, files)
        cache.mkdir(parents=True, exist_ok=True)
        for name in files:
            os.replace(part / name, cache / name)
    except RuntimeError as error:  # torch and torchvision report a bad checksum this way
        raise ConnectionError(str(error)) from error
    finally:
        socket.setdefaulttimeout(limit)
        shutil.rmtree(part, ignore_errors=True)
    return cache


def _download_mnist(cache: Path, files: dict[str, str]) -> Path:
    from torchvision.datasets import MNIST

    def fetch(part: Path):
        MNIST(part, download=True)
        for name in files:
            os.replace(part / "MNIST" / "raw" / name, part / name)

    return _download(cache, files, "ossci-datasets.s3.amazonaws.com", fetch)


def _download_wikitext(cache: Path, files: dict[str, str]) -> Path:
    from torch.hub import download_url_to_file

    def fetch(part: Path):
        for name, sha256 in files.items():
            download_url_to_file(WIKITEXT_URL + name, str(part / name), hash_prefix=sha256, progress=False)

    return _download(cache, files, "raw.githubusercontent.com", fetch)


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
