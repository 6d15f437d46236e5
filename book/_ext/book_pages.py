"""Sphinx extension of this book: editions beside the pages, buttons that lead to them, no scripts from elsewhere."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import editions
from plain_markdown import Book


def setup(app):
    app.connect("config-inited", keep_masters_private)
    app.connect("builder-inited", forget_repository)
    app.connect("autodoc-process-signature", leave_protocols_bare)
    app.connect("html-page-context", add_buttons, priority=600)  # the theme makes its list at 500
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", write_editions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def leave_protocols_bare(app, what, name, thing, options, signature, annotation):
    """Print no parentheses behind a protocol, of which nobody makes one."""
    return ("", None) if getattr(thing, "_is_protocol", False) else None


# ---- editions ----------------------------------------------------------------------------------------------

STUDENT_ZIP = "student/model-collapse-student.zip"


def keep_masters_private(app, config):
    """Publish no sources: they are the masters, with solutions."""
    config.html_copy_source = False
    config.html_show_sourcelink = False


def write_editions(app, exception):
    """Write the Colab and student copies of the chapters that this build has."""
    if exception or app.builder.format != "html":
        return
    pages = [Path(app.env.doc2path(name)) for name in sorted(app.env.found_docs) if is_chapter(app, name)]
    book = Book.read(editions.BOOK, app.config.html_baseurl.rstrip("/") or editions.site(repository()))
    out = Path(app.outdir)
    editions.write(editions.colab, out / "colab", pages, book)
    editions.write(editions.student, out / "student", pages, book)
    editions.write_zip(out / STUDENT_ZIP, out / "student")


def is_chapter(app, pagename: str) -> bool:
    """Tell whether a page is one of the numbered notebooks."""
    return pagename in app.env.found_docs and Path(app.env.doc2path(pagename)) in editions.chapters()


# ---- buttons -------------------------------------------------------------------------------------------------

repository = functools.cache(editions.repository)


def forget_repository(app):
    """Look the repository up anew for each build."""
    repository.cache_clear()


def add_buttons(app, pagename, templatename, context, doctree):
    """Give every chapter a button for Colab and one for downloads; nothing leads to the master."""
    if not is_chapter(app, pagename):
        return
    name, pathto = pagename.rsplit("/")[-1], context["pathto"]
    if repository():
        colab = link(editions.colab_address(repository(), name), "Open in Colab", "fas fa-play",
                     "Open this chapter in Colab, ready to run")
    else:
        colab = link(pathto(f"colab/{name}.ipynb", 1), "Upload it to Colab", "fas fa-play",
                     "Download the copy that runs alone, then upload it to Colab (File, Upload notebook)")
    downloads = [
        link(pathto(f"student/{name}.ipynb", 1), "This chapter", "fas fa-code",
             "Notebook without solutions, for work beside the folder collapse"),
        link(pathto(f"colab/{name}.ipynb", 1), "This chapter with its helper", "fas fa-code",
             "Notebook without solutions that runs alone, anywhere"),
        link(pathto(STUDENT_ZIP, 1), "All chapters and the helper (zip)", "fas fa-file",
             "Everything that a student needs"),
        {"type": "javascript", "javascript": "window.print()", "text": "Print or save as PDF",
         "icon": "fas fa-file-pdf", "label": "download-pdf-button", "tooltip": "Print this page"},
    ]
    context["header_buttons"] += [
        {**colab, "label": "open-in-colab"},
        {"type": "group", "tooltip": "Download this chapter", "icon": "fas fa-download",
         "buttons": downloads, "label": "download-buttons"},
    ]


def link(url: str, text: str, icon: str, tooltip: str) -> dict:
    """Return a button of the theme that is a link."""
    return {"type": "link", "url": url, "text": text, "icon": icon, "tooltip": tooltip}


# ---- scripts from elsewhere ------------------------------------------------------------------------------------


def drop_thebe(app, pagename, templatename, context, doctree):
    """Remove thebe, which Jupyter Book puts on every page though this book has no live kernels."""
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context.get(kind, [])
                         if "thebe" not in f"{file} {getattr(file, 'attributes', '')}".lower()]
    if "body" in context:
        context["body"] = re.sub(r'<script type="text/x-thebe-config">.*?</script>\s*<script>.*?</script>', "",
                                 context["body"], flags=re.S)
