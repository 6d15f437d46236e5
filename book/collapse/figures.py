"""The look of the book and the pictures that recur: bands, sample sheets, players, dogs.

Figures have a transparent ground and mid-grey text, so that one picture serves light and dark pages.
A function draws what it is given and computes no result.
"""

from __future__ import annotations

import base64
import hashlib
import html
import inspect
import io
import json
import textwrap
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, Markdown
from matplotlib.patches import Circle, Ellipse, Polygon

from .arguments import array, choice, numbers

INK = "#7a7a7a"  # readable on white and on black
# One colour a regime, through the whole book.
COLOURS = {
    "replace": "#e0662b",
    "accumulate": "#3a87c8",
    "fixed budget": "#8a6fd1",
    "fresh": "#1f9e77",
    "redrawn": "#b8860b",
    "frozen": "#2fa0b3",
    "preference": "#c2528b",
    "first": "#5566d8",  # and what is no regime, in its order: model sizes, measures, decodings
    "second": "#7fa93b",
    "third": "#9c6b4a",
    "theory": INK,
}


def use_style() -> None:
    """Set the style of the book for every figure that follows. Shown in chapter 1."""
    plt.rcParams.update({
        "figure.figsize": (5.6, 3.3), "figure.dpi": 110, "figure.constrained_layout.use": True,
        "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "axes.titlecolor": INK,
        "xtick.color": INK, "ytick.color": INK, "legend.labelcolor": INK, "legend.frameon": False,
        "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10,
        "font.size": 10.5, "lines.linewidth": 1.8, "axes.prop_cycle": plt.cycler(color=list(COLOURS.values())),
    })


def band(ax, x, low, high, regime: str):
    """Shade the region between two curves in the colour of a regime; return the axes."""
    ax.fill_between(x, low, high, color=COLOURS[choice("regime", regime, *COLOURS)], alpha=0.22, linewidth=0)
    return ax


def label_end(ax, x, y, text: str, regime: str):
    """Write a label beside the last point of a curve, in its colour; return the axes."""
    ax.annotate(text, (x[-1], y[-1]), xytext=(5, 0), textcoords="offset points",
                va="center", color=COLOURS[choice("regime", regime, *COLOURS)], fontsize=9, annotation_clip=False)
    return ax


def sample_sheet(rows: Sequence[tuple[str, np.ndarray]]):
    """Draw a row for each pair of a label and byte images (n, 784), the first 16 of them; return the figure."""
    for _, images in rows:  # before there is a figure that nobody closes
        shape = array("rows", images).shape
        if len(shape) != 2 or shape[0] == 0 or shape[1] != 784:
            raise ValueError(f"rows: images (n, 784), not shape {shape}")
    figure, axes = plt.subplots(len(rows), 1, figsize=(16 * 0.36 + 1.1, len(rows) * 0.36), squeeze=False)
    for ax, (label, images) in zip(axes[:, 0], rows):
        strip = np.asarray(images[:16]).reshape(-1, 28, 28).transpose(1, 0, 2).reshape(28, -1)
        ax.imshow(strip, cmap="gray", vmin=0, vmax=255, aspect="equal", interpolation="nearest")
        ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    return figure


def show_source(*objects) -> Markdown:
    """Return the source of helper functions or classes for the page: one definition, printed, never copied."""
    code = "\n\n".join(textwrap.dedent(inspect.getsource(o)).rstrip() for o in objects)
    return Markdown(f"```python\n{code}\n```")


# ---- players: generations that move, without a kernel or a network ----------------------------------------


def player(draw: Callable[[int], plt.Figure | str], labels: Sequence[str], alt: str) -> HTML:
    """Return an element that steps, plays and scrubs through frames.

    In print stands the first picture, or every text.

    Args:
        draw: ``draw(i)`` returns frame i: a figure, all of one size, or text as HTML.
        labels: what each frame shows, for the eye and for screen readers.
        alt: text alternative for the whole.
    """
    frames = [_frame(draw(i), alt if i == 0 else label) for i, label in enumerate(labels)]
    key = "p" + hashlib.sha256("".join(frames).encode()).hexdigest()[:10]
    hidden = [f'<div class="frame{"" if frame.startswith("<img") else " text"}"{" hidden" if i else ""}>{frame}</div>'
              for i, frame in enumerate(frames)]
    return HTML(_PLAYER.format(key=key, frames="".join(hidden), last=len(labels) - 1, first=html.escape(str(labels[0])),
                               labels=json.dumps([str(label) for label in labels]).replace("</", "<\\/"),
                               alt=html.escape(alt)))


def _frame(content: plt.Figure | str, alt: str) -> str:
    if isinstance(content, str):
        return content
    buffer = io.BytesIO()
    content.savefig(buffer, dpi=60, format="png", metadata={"Software": None})
    plt.close(content)
    image = base64.b64encode(buffer.getvalue()).decode()
    return f'<img src="data:image/png;base64,{image}" alt="{html.escape(alt)}" class="dark-light" style="width:100%">'


_PLAYER = """<div class="player" id="{key}" role="group" aria-label="{alt}" style="max-width:46rem">
<div class="frames">{frames}</div>
<div class="player-controls" style="display:flex;gap:.5rem;align-items:center;flex-wrap:wrap">
<button type="button" aria-label="play or pause">Play</button><button type="button" aria-label="one step">Step</button>
<input type="range" min="0" max="{last}" value="0" aria-label="frame" style="flex:1;min-width:8rem">
<output aria-live="polite">{first}</output></div></div>
<script>(() => {{
  const box = document.getElementById("{key}"), frames = box.querySelectorAll(".frame"), labels = {labels};
  const [play, step] = box.querySelectorAll("button"), slider = box.querySelector("input");
  const show = i => {{ frames.forEach((frame, k) => frame.hidden = k !== i);
    slider.value = i; slider.setAttribute("aria-valuetext", labels[i]); box.querySelector("output").textContent = labels[i]; }};
  const next = () => show((+slider.value + 1) % labels.length);
  let timer = 0;
  const stop = () => {{ clearInterval(timer); timer = 0; play.textContent = "Play"; }};
  play.onclick = () => {{ if (timer) return stop(); timer = setInterval(next, 700); play.textContent = "Pause"; }};
  step.onclick = () => {{ stop(); next(); }};
  slider.oninput = () => {{ stop(); show(+slider.value); }};
}})();</script>"""


# ---- dogs -----------------------------------------------------------------------------------------------------


def coat(lightness: float, warmth: float) -> tuple[float, float, float]:
    """Return the colour of a coat: dark to light, grey to golden."""
    grey, gold = np.array([0.93, 0.92, 0.90]), np.array([0.98, 0.74, 0.36])
    return tuple(np.clip((0.18 + 0.82 * lightness) * (grey + warmth * (gold - grey)), 0, 1))


def draw_dog(ax, traits: Sequence[float], x: float = 0.0, y: float = 0.0) -> None:
    """Draw a cartoon dog in the unit square at (x, y) from seven traits between 0 and 1 (`datasets.TRAITS`)."""
    if numbers("traits", traits, axes=1).shape != (7,):
        raise ValueError(f"traits: seven, not shape {np.shape(traits)}")
    size, legs, muzzle, ears, tail, lightness, warmth = np.clip(traits, 0, 1)
    colour, dark = coat(lightness, warmth), coat(0.55 * lightness, warmth)
    scale, leg = 0.72 + 0.28 * size, 0.06 + 0.17 * legs
    body = 0.17 + leg  # height of the middle of the body
    head = np.array([0.71, body + 0.19])

    def place(px, py):
        return x + 0.5 + scale * (px - 0.5), y + 0.06 + scale * py

    def ellipse(px, py, width, height, fill, angle=0.0, line=0.6):
        ax.add_patch(Ellipse(place(px, py), scale * width, scale * height, angle=angle,
                             facecolor=fill, edgecolor=INK, linewidth=line))

    for foot in (0.25, 0.34, 0.53, 0.62):
        corners = [(foot - 0.03, body), (foot + 0.03, body), (foot + 0.03, 0.03), (foot - 0.03, 0.03)]
        ax.add_patch(Polygon([place(*c) for c in corners], facecolor=dark if foot in (0.34, 0.62) else colour,
                             edgecolor=INK, linewidth=0.6))
    reach = 0.05 + 0.2 * tail
    ellipse(0.19 - 0.35 * reach, body + 0.06 + 0.4 * reach, 0.06, 2 * reach * 0.7, colour, angle=40)
    ellipse(0.44, body, 0.54, 0.25, colour)
    ellipse(head[0] - 0.06, head[1] - 0.09, 0.17, 0.27, colour, angle=-35, line=0)
    ellipse(*head, 0.23, 0.22, colour)
    snout = 0.07 + 0.13 * muzzle
    ellipse(head[0] + 0.05 + 0.6 * snout, head[1] - 0.035, 2 * snout * 0.7, 0.10, colour)
    ax.add_patch(Circle(place(head[0] + 0.05 + 1.25 * snout, head[1] - 0.02), 0.018 * scale + 0.004, color="#222"))
    ax.add_patch(Circle(place(head[0] + 0.045, head[1] + 0.04), 0.014 * scale + 0.003, color="#222"))
    turn = np.pi * (0.5 - ears)  # upright at 0, hanging at 1
    length = 0.08 + 0.07 * ears
    root = (head[0] - 0.06, head[1] + 0.05)
    ellipse(root[0] - 0.02 * ears, root[1] + np.sin(turn) * length * 0.6, 0.075, length * 2 * 0.75, dark,
            angle=12 * np.cos(turn))


def dog_park(ax, traits: np.ndarray):
    """Draw a park of dogs, ten in a line, one a row of ``traits`` (dogs, 7), in the given order; return the axes."""
    rows = -(-len(numbers("traits", traits, axes=2)) // 10)
    for i, dog in enumerate(traits):
        draw_dog(ax, dog, i % 10, rows - 1 - i // 10)
    ax.set(xlim=(0, 10), ylim=(0, rows), aspect="equal")
    ax.axis("off")
    return ax
