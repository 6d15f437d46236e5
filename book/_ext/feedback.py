"""Sphinx extension: on every page a button to report an error or suggest an edit, in the repository that builds."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import editions


def setup(app):
    app.connect("html-page-context", add_feedback, priority=700)  # after the buttons of book_pages
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_feedback(app, pagename, templatename, context, doctree):
    """Add the button; without a repository it leads to the page that says how to report."""
    if pagename not in app.env.found_docs:
        return
    repository = editions.repository()
    if repository:
        base, source = f"https://github.com/{repository}", app.env.doc2path(pagename, base=False)
        title = quote(re.sub("<.*?>", "", context.get("title", pagename)) + ": ")
        links = [("Report an error", f"{base}/issues/new?title={title}", "fas fa-bug")]
        if Path(source).suffix == ".md":  # an editor in the browser is of no use for a notebook
            links.append(("Suggest an edit", f"{base}/edit/main/{source}", "fas fa-pencil"))
        links.append(("Repository", base, "fab fa-github"))
    else:
        page = "" if pagename == "book/help" else context["pathto"]("book/help")
        links = [("Report an error", f"{page}#feedback", "fas fa-bug")]
    buttons = [{"type": "link", "url": url, "text": text, "icon": icon, "tooltip": text} for text, url, icon in links]
    context["header_buttons"].append({"type": "group", "tooltip": "Feedback", "icon": "fas fa-comment",
                                      "buttons": buttons, "label": "feedback-buttons"})
