"""Finding files of data: a named folder, the user's cache, or a download; checked before use.

A dead network never hangs: an address has three seconds to answer.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path

PROBE_SECONDS = 3


def find(folder: str, files: dict[str, str], download) -> Path | None:
    """Return a folder with all files, checked, or None if only embedded data can be had."""
    named = os.environ.get("COLLAPSE_DATA")
    if named:
        return _checked(Path(named) / folder, files, "COLLAPSE_DATA", "Put it right, or unset COLLAPSE_DATA,")
    try:
        cache = cache_folder() / folder
        if all((cache / name).exists() for name in files):
            return _checked(cache, files, "cache", "Delete it")
        return download(cache, files)
    except (OSError, RuntimeError) as error:  # no network, no space, no home, a read-only cache: say so and go on
        print(f"No download ({type(error).__name__}); using embedded data.")
        return None


def cache_folder() -> Path:
    """Return the folder where downloads are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "collapse"


def _checked(folder: Path, files: dict[str, str], place: str, advice: str) -> Path:
    for name, expected in files.items():
        path = folder / name
        found = f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}" if path.is_file() else "no file"
        if found != f"sha256 {expected}":
            raise ValueError(f"{place}: {path} is not the published file: expected sha256 {expected}, "
                             f"found {found}. {advice} and run again.")
    return folder


def reachable(url: str) -> bool:
    """Tell within three seconds whether an address answers, even if the look-up or the handshake hangs.

    Raises:
        ValueError: no address, but a bare name of a host, for instance.
    """
    request = urllib.request.Request(url, method="HEAD")
    answered = threading.Event()

    def probe():
        try:
            urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()
        except (OSError, HTTPException):
            return
        answered.set()

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)  # a probe whose packets are swallowed is left behind
    return answered.is_set()


def fetched(cache: Path, files: dict[str, str], url: str, fetch) -> Path:
    """Fetch all files into a temporary folder and move it into the cache when it is complete."""
    if not reachable(url + next(iter(files))):
        raise ConnectionError(f"{url} does not answer")
    part = cache.with_name(f"{cache.name}.part{os.getpid()}")
    part.mkdir(parents=True, exist_ok=True)
    limit, _ = socket.getdefaulttimeout(), socket.setdefaulttimeout(10)
    try:
        fetch(part)
        _checked(part, files, "download", "Wait")
        cache.mkdir(parents=True, exist_ok=True)
        for name in files:
            os.replace(part / name, cache / name)
    except (RuntimeError, ValueError) as error:  # a bad checksum, in the words of torch or in ours
        raise ConnectionError(str(error)) from error
    finally:
        socket.setdefaulttimeout(limit)
        shutil.rmtree(part, ignore_errors=True)
    return cache
