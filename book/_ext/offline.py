"""Sphinx extension: pages that need no network, open from the disk, and carry what only some of them need.

What the theme and the notebooks leave to be mended for that, and for readers who cannot see, is mended here, once.
"""

from __future__ import annotations

import re
from pathlib import Path

import editions

DEMOS = ("dog-park", "gaussian-chains", "real-share")  # custom elements of _static/park.js
DEMO_FILES = ("breeds.js", "samplers.js", "park.js")


def setup(app):
    app.connect("config-inited", say_where, priority=100)
    app.connect("env-get-outdated", notice_changed_files)
    app.connect("html-page-context", add_demos)
    app.connect("build-finished", mend_pages)
    address = editions.site(editions.repository())
    if address:  # both extensions need to know where the book will be
        app.setup_extension("sphinxext.opengraph")
        app.setup_extension("sphinx_sitemap")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def say_where(app, config):
    """Say where the book will be, for the previews of shared links and for search engines."""
    address = config.html_baseurl or editions.site(editions.repository())
    if address and "ogp_image" in config:
        config.html_baseurl = config.ogp_site_url = address.rstrip("/") + "/"
        config.ogp_image = "_static/title.png"
        config.ogp_image_alt = "Rows of cartoon dogs: many breeds on the left, one breed on the right."
        config.ogp_social_cards = {"enable": False}
        config.sitemap_url_scheme = "{link}"


def notice_changed_files(app, env, added, changed, removed):
    """Let a change of a style or a script alone be a reason to build: Sphinx asks for a changed page."""
    copies = Path(app.outdir) / "_static"
    for folder in (Path(app.confdir) / place for place in app.config.html_static_path):
        for file in folder.rglob("*"):
            copy = copies / file.relative_to(folder)
            if file.is_file() and not (copy.exists() and copy.stat().st_mtime >= file.stat().st_mtime):
                return [app.config.root_doc]
    return []


def add_demos(app, pagename, templatename, context, doctree):
    """Load the scripts of the demos on the pages that have one."""
    if any(f"<{name}" in context.get("body", "") for name in DEMOS):
        for file in DEMO_FILES:
            app.add_js_file(file, loading_method="defer")


# ---- mending -------------------------------------------------------------------------------------------------

REPAIRS = [
    # The theme preloads fonts in a mode that no browser can use for a page opened from the disk.
    (r'<link rel="preload" as="font"[^>]*/>\s*', ""),
    # Search over file:// may not read the pages for excerpts; it works without them.
    (r'(?<!SUMMARY = false;</script>)(<script src="[^"]*_static/searchtools\.js[^"]*"></script>)',
     r'<script>if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;</script>\1'),
    # Names for screen readers that contradict what is written on the element.
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    # What a folded cell is: a hidden input is code that draws, a hidden cell is a solution (see CONTRIBUTING.md).
    (r">(Show|Hide) code cell source<", r">\1 the code<"),
    (r">(Show|Hide) code cell content<", r">\1 the solution<"),
    # What scrolls sideways on a phone must be reachable by keyboard.
    (r'<div class="pst-scrollable-table-container">', '<div class="pst-scrollable-table-container" tabindex="0">'),
    # The title of the book stands outside every landmark.
    (r'(<div class="sidebar-primary-items__start[^"]*")>', r'\1 role="navigation" aria-label="Book">'),
    # A line must not begin with the comma after a formula, or end with the bracket before it.
    (r'(?<!<span class="tied">)(?<![(\[“])([(\[“]?)(<span class="math notranslate nohighlight">[^<]*</span>)'
     r'(?!</span>)([.,:;!?)\]”]*)',
     lambda m: f'<span class="tied">{m[0]}</span>' if m[1] or m[3] else m[0]),
    # A long name of the code breaks where it has a joint, not inside a word.
    (r'(<span class="pre">)([^<]*)(</span>)', lambda m: m[1] + re.sub(r"([_./=,(])(?=\w)", r"\1<wbr>", m[2]) + m[3]),
    # Where a module of the reference begins.
    (r'(<section id="module-([\w.]+)">\s*(?:<span [^>]*></span>)?<h2>.*?</h2>)(?!<h3)', r'\1<h3 class="module">\2</h3>'),
    (r'(?<!</h3>)(<p id="module-([\w.]+)">)', r'<h3 class="module">\2</h3>\1'),
    # Roles that bibtex gives to the list of references, and that the standard has given up.
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    (r' role="doc-biblioentry"', ""),
]


def mend(html: str) -> str:
    """Return a page without the faults that the theme brings; a second call changes nothing."""
    for pattern, replacement in REPAIRS:
        html = re.sub(pattern, replacement, html)
    return html


WIDE = 720  # pixels; a figure with one panel has less


def give_size(html: str, folder: Path) -> str:
    """Return a page whose PNG pictures say how large they are, so that no text moves when they arrive.

    Wide ones come into a box in which a phone can scroll them: shrunk to its width their labels are too small.
    """
    def sized(match):
        header = (folder / match[1]).read_bytes()[16:24]  # width and height, four bytes each
        width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:])
        image = match[0].replace("<img", f'<img width="{width}" height="{height}"', 1)
        drawn = width > WIDE and "/_images/" in match[1]
        return f'<div class="wide-figure" tabindex="0">{image}</div>' if drawn else image

    return re.sub(r'<img (?!width)[^>]*src="(\.\./(?:_images|_static)/[^"]+\.png)"[^>]*>', sized, html)


def mend_pages(app, exception):
    """Mend every page of the build."""
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        mended = give_size(mend(html), page.parent)
        if mended != html:
            page.write_text(mended, encoding="utf-8")
