"""Real data or an error, embedded real data or a line that says so: faults of files and networks."""

import gzip
import hashlib
import os
import shutil
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from collapse import accumulate, chain, datasets, downloads
from collapse.datasets import MNIST_FILES, Finite
from collapse.gaussian import Gaussian
from simulation import generations

REAL = os.environ.get("COLLAPSE_DATA")
REACHABLE = downloads.reachable


@pytest.fixture(autouse=True)
def a_network_that_is_asked(monkeypatch):
    """Undo what conftest.py does: here the question itself is tested."""
    monkeypatch.setattr(downloads, "reachable", REACHABLE)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A folder of the right shape with its own checksums: ten images and labels a file."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    sums = {}
    for name in MNIST_FILES:
        digits = bytes(range(10)) if "train" in name else bytes(range(9, -1, -1))
        body = bytes(16) + (bytes(range(256)) * 31)[:7840] if "images" in name else bytes(8) + digits
        (raw / name).write_bytes(gzip.compress(body, mtime=0))
        sums[name] = hashlib.sha256((raw / name).read_bytes()).hexdigest()
    monkeypatch.setattr(datasets, "MNIST_FILES", sums)
    monkeypatch.setenv("COLLAPSE_DATA", str(tmp_path / "data"))
    return raw


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    """No folder of real data and an empty cache."""
    monkeypatch.delenv("COLLAPSE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def snapshot(folder: Path):
    return {p: (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else None) for p in sorted(folder.rglob("*"))}


# ---- a named folder: right, or an error -----------------------------------------------------------------------------


def test_a_named_folder_is_read_and_never_written_to(stand_in, capsys):
    before = snapshot(stand_in.parent.parent)
    for path in [stand_in.parent.parent, *stand_in.parent.parent.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    data = datasets.digits()
    assert snapshot(stand_in.parent.parent) == before
    assert data.images.shape == (10, 784) and data.images.dtype == np.uint8 and data.images.flags.writeable
    assert data.images[0, :5].tolist() == [0, 1, 2, 3, 4] and data.labels.tolist() == list(range(10))
    assert not data.embedded and "MNIST, 10 training and 10 test images" in capsys.readouterr().out


def truncate(path):
    path.write_bytes(path.read_bytes()[:-10])


def corrupt(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


def swap(path):
    shutil.copy(path.with_name("train-labels-idx1-ubyte.gz"), path)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, corrupt, swap, empty])
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
def test_a_damaged_file_is_named_with_both_checksums_and_what_to_do(stand_in, damage, name):
    path, expected = stand_in / name, datasets.MNIST_FILES[name]
    damage(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ValueError) as error:
        datasets.digits()
    message = str(error.value)
    assert message.startswith("COLLAPSE_DATA: ")
    for part in (str(path), expected, found, "unset COLLAPSE_DATA", "run again"):
        assert part in message


@pytest.mark.parametrize("remove", ["file", "folder"])
def test_a_missing_file_is_named(stand_in, remove):
    first = next(iter(datasets.MNIST_FILES))
    if remove == "file":
        (stand_in / first).unlink()
    else:
        shutil.rmtree(stand_in)
    with pytest.raises(ValueError) as error:
        datasets.digits()
    for part in (str(stand_in / first), datasets.MNIST_FILES[first], "found no file", "unset COLLAPSE_DATA"):
        assert part in str(error.value)


def test_a_damaged_cache_is_an_error_that_says_delete(stand_in, no_data):
    cache = no_data / "collapse" / "MNIST" / "raw"
    shutil.copytree(stand_in, cache)
    assert datasets.digits().name == "MNIST"
    truncate(cache / "train-labels-idx1-ubyte.gz")
    with pytest.raises(ValueError, match=r"^cache: .*train-labels.*Delete it and run again"):
        datasets.digits()


# ---- the network ------------------------------------------------------------------------------------------------------


class Hang:
    """A network call whose packets are swallowed."""

    def __init__(self):
        self.release, self.called = threading.Event(), threading.Event()

    def __call__(self, *arguments, **options):
        self.called.set()
        self.release.wait(60)
        raise OSError("released")


@pytest.fixture
def hang():
    hang = Hang()
    yield hang
    hang.release.set()


def refuse(*arguments, **options):
    raise ConnectionRefusedError("nothing there")


@pytest.fixture
def waits(monkeypatch):
    """The seconds for which the loader is ready to wait: a busy machine must not fail a test, so no clock is read."""

    class Impatient(threading.Thread):
        def join(self, timeout=None):
            asked.append(float("inf") if timeout is None else timeout)
            super().join(0.3)

    asked = []
    monkeypatch.setattr(downloads.threading, "Thread", Impatient)
    return asked


def embedded_data_follow(capsys, folder):
    data = datasets.digits()
    assert data.embedded and data.images.shape == (1500, 784) and len(data.test_images) == 297
    out = capsys.readouterr().out
    assert "using embedded data" in out and "scikit-learn's digits" in out
    assert not list(folder.rglob("*.part*")) and socket.getdefaulttimeout() is None


@pytest.mark.parametrize("place", ["getaddrinfo", "create_connection"])
def test_swallowed_packets_give_embedded_data_within_five_seconds(no_data, monkeypatch, hang, capsys, place, waits):
    monkeypatch.setattr(socket, place, hang)
    embedded_data_follow(capsys, no_data)
    assert hang.called.wait(5) and len(waits) == 1 and sum(waits) <= 3  # the rest is reading 1,797 small scans


def test_a_server_that_takes_the_call_and_says_nothing(no_data, monkeypatch, capsys, waits):
    with socket.create_server(("127.0.0.1", 0)) as server:  # answers the knock, never the handshake
        real, port = socket.create_connection, server.getsockname()[1]
        monkeypatch.setattr(socket, "create_connection", lambda address, *a, **k: real(("127.0.0.1", port), *a, **k))
        embedded_data_follow(capsys, no_data)
    assert len(waits) == 1 and sum(waits) <= 3


@pytest.mark.parametrize("place", ["getaddrinfo", "create_connection"])
def test_a_dead_network_gives_embedded_data(no_data, monkeypatch, capsys, place):
    monkeypatch.setattr(socket, place, refuse)
    embedded_data_follow(capsys, no_data)


def test_no_home_gives_embedded_data(no_data, monkeypatch, capsys):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", nowhere)
    embedded_data_follow(capsys, no_data)


def test_tests_leave_the_cache_of_the_reader_alone(tmp_path_factory):
    assert tmp_path_factory.getbasetemp() in downloads.cache_folder().parents


def test_a_host_is_not_an_address():
    with pytest.raises(ValueError, match="host.example"):
        downloads.reachable("host.example")


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setattr(downloads, "reachable", lambda url: True)


def test_a_download_is_checked_then_moved_into_the_cache(stand_in, no_data, network, monkeypatch):
    def fetch(part):
        assert socket.getdefaulttimeout() == 10  # a download that stalls ends
        for path in stand_in.iterdir():
            shutil.copy(path, part)

    monkeypatch.setattr(datasets, "_download_mnist", lambda cache, files: downloads.fetched(cache, files, "u", fetch))
    assert datasets.digits().name == "MNIST"
    cache = no_data / "collapse" / "MNIST"
    assert sorted(p.name for p in (cache / "raw").iterdir()) == sorted(MNIST_FILES)
    assert [p.name for p in cache.iterdir()] == ["raw"] and socket.getdefaulttimeout() is None


@pytest.mark.parametrize("fault", [
    lambda part: (part / "train-images-idx3-ubyte.gz").write_bytes(b"a page that says: log in first"),
    lambda part: (_ for _ in ()).throw(RuntimeError("File not found or corrupted.")),
    lambda part: (_ for _ in ()).throw(TimeoutError("timed out")),
])
def test_a_download_that_fails_leaves_nothing_behind(no_data, network, monkeypatch, capsys, fault):
    monkeypatch.setattr(datasets, "_download_mnist", lambda cache, files: downloads.fetched(cache, files, "u", fault))
    embedded_data_follow(capsys, no_data)
    assert not (no_data / "collapse" / "MNIST" / "raw").exists()


def test_a_cache_that_cannot_be_written_gives_embedded_data(no_data, network, capsys):
    no_data.write_text("a file where the cache should be", encoding="utf-8")
    data = datasets.digits()
    assert data.embedded and socket.getdefaulttimeout() is None


# ---- what comes out -----------------------------------------------------------------------------------------------------


def test_embedded_digits_are_whole_images(no_data, monkeypatch):
    monkeypatch.setattr(downloads, "reachable", lambda url: False)
    data = datasets.digits()
    assert data.images.dtype == np.uint8 and data.labels.dtype == np.uint8
    assert data.images.min() == 0 and data.images.max() == 255
    assert set(data.labels) == set(data.test_labels) == set(range(10))
    assert len(data.labels) == len(data.images) and len(data.test_labels) == len(data.test_images)


@pytest.mark.skipif(not REAL, reason="COLLAPSE_DATA is not set")
def test_the_real_digits():
    before = sorted(Path(REAL, "MNIST").rglob("*"))
    data = datasets.digits()
    assert sorted(Path(REAL, "MNIST").rglob("*")) == before
    assert data.name == "MNIST" and data.images.shape == (60_000, 784) and data.test_images.shape == (10_000, 784)
    assert np.bincount(data.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.images.mean() / 255 == pytest.approx(0.1307, abs=1e-4)


def test_breeds_are_a_distribution():
    dogs = datasets.breeds()
    assert dogs.shares.sum() == pytest.approx(1) and (np.diff(dogs.shares) <= 0).all()
    assert dogs.traits.shape == (len(dogs.names), len(datasets.TRAITS)) and len(set(dogs.names)) == len(dogs.names)
    assert dogs.traits.min() >= 0 and dogs.traits.max() <= 1


# ---- a finite set as a source -------------------------------------------------------------------------------------------


def test_a_finite_set_gives_each_sample_once(rng):
    data = np.arange(10).reshape(10, 1)
    source = Finite(data)
    given = np.concatenate([source.sample(n, rng) for n in (4, 5)])
    assert (given == data[:9]).all()
    with pytest.raises(ValueError, match="^n: 2 real samples were asked for, 1 of 10 are left"):
        source.sample(2, rng)
    assert source.sample(1, rng)[0, 0] == 9  # a refused request takes nothing
    assert Finite(data).sample(10, rng).tolist() == data.tolist()  # another one starts anew


def test_a_finite_set_is_a_source_of_the_loop(rng):
    source = Finite(rng.standard_normal((20, 1)))
    last = generations(chain(Gaussian(), source, mix=accumulate, n=20, rng=rng), 3)[-1]
    assert last.data.shape == (60, 1) and source.used == [20]


@pytest.mark.parametrize("n", [0, -1, 2.5, True, None])
def test_bad_requests_are_refused(n, rng):
    source = Finite(np.zeros((10, 1)))
    with pytest.raises(ValueError, match="^n:"):
        source.sample(n, rng)
    assert source.used == [0]


@pytest.mark.parametrize("data", [[[1.0], [2.0]], np.zeros(5), None])
def test_a_finite_set_is_an_array_of_samples(data):
    with pytest.raises(ValueError, match="^data:"):
        Finite(data)
