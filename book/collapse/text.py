"""Text as whole numbers: byte-pair encoding, blocks of 64, and back to readable words. Taught in chapter 5."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from . import metrics
from .arguments import CONTEXT, array, whole

SPECIAL = ["<unk>", "<eos>"]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class BPE:
    """A byte-pair encoding of text whose words are split by blanks.

    Args:
        tokenizer: what ``BPE.trained`` made.
        starts: (pieces,), True where a piece begins a word.
        lengths: (pieces,), bytes of each piece, the blank before a word included.
        lexicon: the words of the text that it was trained on.

    Source: Sennrich, Haddow and Birch (2016); the pieces are bytes, as in Radford et al. (2019).
    """

    tokenizer: Tokenizer = field(repr=False)
    starts: np.ndarray = field(repr=False)
    lengths: np.ndarray = field(repr=False)
    lexicon: frozenset = field(repr=False)

    @classmethod
    def trained(cls, text: str, size: int) -> BPE:
        """Return an encoding with ``size`` pieces, learnt from ``text``.

        Raises:
            ValueError: no text, or too little text for so many pieces.
        """
        whole("size", size)
        if not _text(text).strip():
            raise ValueError("text: there is no text to learn pieces from")
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)])
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False,
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
        tokenizer.train_from_iterator(text.split("<eos>"), trainer)
        found = tokenizer.get_vocab_size()
        if found != size:
            raise ValueError(f"size: {size} pieces were asked for, this text gives {found}")
        pieces = [tokenizer.id_to_token(i) for i in range(size)]
        starts = np.array([p in SPECIAL or p.startswith("Ġ") for p in pieces])  # Ġ stands for a blank
        lengths = np.array([len(p) + 1 if p in SPECIAL else len(p) for p in pieces])
        return cls(tokenizer, starts, lengths, frozenset(text.split()))

    @property
    def size(self) -> int:
        """Number of pieces."""
        return len(self.starts)

    def encode(self, text: str) -> np.ndarray:
        """Return the pieces of a text, (tokens,) whole numbers."""
        lines = re.split(r"(?<=<eos>)", _text(text))  # each line keeps its end
        return np.concatenate([np.array(e.ids, dtype=np.int64) for e in self.tokenizer.encode_batch(lines)])

    def blocks(self, text: str, length: int = CONTEXT) -> np.ndarray:
        """Return a text as (blocks, length) pieces; what does not fill a block at the end is dropped.

        Raises:
            ValueError: the text is shorter than one block.
        """
        ids, length = self.encode(text), whole("length", length)
        if len(ids) < length:
            raise ValueError(f"text: {len(ids)} pieces are fewer than one block of {length}")
        return ids[: len(ids) // length * length].reshape(-1, length)

    def words(self, ids: np.ndarray) -> np.ndarray:
        """Return how many words begin in ``ids``, summed over the last axis."""
        return self.starts[self._known("ids", ids)].sum(axis=-1)

    def bytes(self, ids: np.ndarray) -> np.ndarray:
        """Return how many bytes of text ``ids`` stand for, summed over the last axis."""
        return self.lengths[self._known("ids", ids)].sum(axis=-1)

    def word_list(self, blocks: np.ndarray) -> list[str]:
        """Return all words of blocks (n, length), cut ones included."""
        texts = self.tokenizer.decode_batch(self._known("blocks", blocks, 2).tolist(), skip_special_tokens=False)
        return [word for text in texts for word in re.sub(r"(<unk>|<eos>)", r" \1 ", text).split()]

    def decode(self, ids: np.ndarray) -> str:
        """Return readable text; ends of lines are shown as ``" / "``."""
        return readable(self.tokenizer.decode(self._known("ids", ids, 1).tolist(), skip_special_tokens=False))

    def _known(self, name: str, ids: np.ndarray, axes: int | None = None) -> np.ndarray:
        ids = array(name, ids)
        if ids.dtype.kind not in "iu" or ids.ndim == 0 or axes not in (None, ids.ndim):
            raise ValueError(f"{name}: pieces of text, whole numbers, not {ids.dtype} of shape {ids.shape}")
        if ids.size and not 0 <= ids.min() <= ids.max() < self.size:
            raise ValueError(f"{name}: pieces are 0 to {self.size - 1}, found {ids.min()} to {ids.max()}")
        return ids


def _text(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"text: a string, not a {type(text).__name__}")
    return text


def measure(model, first, made: np.ndarray, real: np.ndarray, pieces: BPE) -> dict[str, float]:
    """Return the measures of chapter 5 of what a model made, blocks (n, 64); ``first`` is generation 0.

    Keys: real, own, first (perplexities a word: the model on real test text, the model on its own text, generation 0
    on that text), scores (quantiles of generation 0's perplexity of a block, a token), types and once (different words,
    and those seen once, of those that real text has), invented (share of words that it does not have), distinct_2,
    longest_repeat.

    Raises:
        ValueError: the model has written no word.
    """
    words, begun = pieces.word_list(made), pieces.words(made)
    if not words or not begun.any():
        raise ValueError("made: no word begins in it, and perplexities are per word")
    scores = first.nats(made)
    known = [word for word in words if word in pieces.lexicon]
    counts = np.array(list(Counter(known).values()))
    return {
        "real": metrics.perplexity(model.nats(real), pieces.words(real)),
        "own": metrics.perplexity(model.nats(made), begun),
        "first": metrics.perplexity(scores, begun),
        "scores": np.exp(np.quantile(scores.mean(axis=1), QUANTILES)).tolist(),
        "types": len(counts),
        "once": int((counts == 1).sum()),
        "invented": 1 - len(known) / len(words),
        "distinct_2": metrics.distinct_n(made, 2),
        "longest_repeat": metrics.longest_repeat(made),
    }


def readable(text: str) -> str:
    """Return WikiText's words as ordinary writing: ``@-@`` is a hyphen, commas follow words, ``<eos>`` a slash."""
    text = re.sub(r"\s*(?:<eos>\s*)+", " / ", _text(text).replace("<unk>", " <unk> "))
    text = re.sub(r" ?@([-,.])@ ?", r"\1", text)
    text = re.sub(r" ([,.;:!?)%\]]|'s\b|n't\b)", r"\1", text)
    text = re.sub(r"([(\[£$]) ", r"\1", text)
    return re.sub(r"\s+", " ", text).strip()
