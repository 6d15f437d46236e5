"""The state of a chain in one file, written in one step: what a killed run goes on from.

A checkpoint holds tensors, dictionaries and plain numbers, a checksum before them, and the identity of
the chain that it belongs to. Whatever is damaged or foreign is not loaded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import os
import pickle
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .discrete import Counts
from .gaussian import Moments

# What torch.load raises on bytes that torch.save has not written, or on classes that it does not trust.
FOREIGN = (pickle.UnpicklingError, struct.error, EOFError, LookupError, RuntimeError, ValueError)
CONTAINERS = {"Counts": Counts, "Moments": Moments}


def pack(value: Any) -> Any:
    """Return a value as tensors, dictionaries and plain numbers, which load without pickled classes."""
    if isinstance(value, (np.ndarray, np.generic)):
        return torch.from_numpy(np.asarray(value, order="C"))
    if isinstance(value, torch.nn.Module):
        return {k: v.detach().clone() for k, v in value.state_dict().items()}
    if isinstance(value, Moments):
        return {"kind": "Moments", **{k: pack(v) for k, v in value._asdict().items()}}
    if isinstance(value, Counts):
        return {"kind": "Counts", "values": pack(value.values)}
    if dataclasses.is_dataclass(value):
        fields = {f.name: pack(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": "model", **{k: v for k, v in fields.items() if not callable(v)}}
    return value


def unpack(packed: Any, model: Any) -> Any:
    """Return what `pack` was given; ``model`` is the unfitted model of the arm."""
    if isinstance(packed, torch.Tensor):
        return packed.numpy()
    if not isinstance(packed, dict):
        return packed
    kind, fields = packed["kind"], {k: v for k, v in packed.items() if k != "kind"}
    if kind in CONTAINERS:
        return CONTAINERS[kind](**{k: unpack(v, model) for k, v in fields.items()})
    values = {}
    for key, value in fields.items():
        if isinstance(value, dict) and value.get("kind") == "model":
            continue  # settings inside settings: the unfitted model has them
        if isinstance(value, dict):
            network = model.build()
            network.load_state_dict(value)
            value = network.eval().requires_grad_(False)
        values[key] = unpack(value, model)
    return dataclasses.replace(model, **values)


def save_checkpoint(path: Path, identity: str, state: dict) -> None:
    """Write a checkpoint with its checksum, then rename it into place.

    Raises:
        OSError: the folder is full or read-only; the last checkpoint stays as it was.
    """
    buffer = io.BytesIO()
    torch.save({"identity": identity, **state}, buffer)
    payload = buffer.getvalue()
    part = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(hashlib.sha256(payload).hexdigest().encode() + payload)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise OSError(error.errno, f"checkpoint not written: {error.strerror}", str(path)) from error


def load_checkpoint(path: Path, identity: str) -> dict | None:
    """Return a checkpoint, or None (with a line that says why) if it is damaged or of another study."""
    if not path.exists():
        return None
    raw = path.read_bytes()
    state = None
    if hashlib.sha256(raw[64:]).hexdigest().encode() == raw[:64]:
        with contextlib.suppress(*FOREIGN):
            state = torch.load(io.BytesIO(raw[64:]), map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or "identity" not in state:
        print(f"{path.name}: damaged, this chain starts again", file=sys.stderr)
        return None
    if state["identity"] != identity:
        print(f"{path.name}: of another version or setting, this chain starts again", file=sys.stderr)
        return None
    return state
