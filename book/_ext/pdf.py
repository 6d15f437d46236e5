"""Print the built site into one PDF with an outline and page numbers: `make pdf`.

Chromium prints each page as a reader would; pypdf joins them and turns links between pages into links inside the book.
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from browser import Browser
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NullObject, NumberObject
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
HTML, TARGET = ROOT / "_build" / "html", ROOT / "_build" / "book.pdf"
PAPER = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True, "preferCSSPageSize": True}
# Answers of quizzes and solutions are opened; code that only draws stays out.
OPEN = "document.querySelectorAll('details.sd-dropdown, .tag_solution details').forEach(d => d.open = true)"


def pages() -> list[Path]:
    """Return the pages of the book in the order of the table of contents."""
    site_map = parse_toc_yaml(ROOT / "_toc.yml")

    def below(name):
        yield name
        for tree in site_map[name].subtrees:
            for item in tree.items:
                yield from below(str(item))

    return [HTML / f"{name}.html" for name in below(site_map.root.docname)]


def print_page(browser: Browser, page: Path) -> bytes:
    """Return the PDF of one page; its headings are its outline."""
    browser.open(page.as_uri())
    browser.evaluate(OPEN)
    printed = browser.call("Page.printToPDF", generateDocumentOutline=True, generateTaggedPDF=True, **PAPER)
    return base64.b64decode(printed["data"])


def page_numbers(browser: Browser, count: int) -> PdfReader:
    """Return ``count`` empty pages, each with its number at the foot."""
    browser.call("Page.navigate", url="about:blank")
    sheet = "<p style=break-before:page>&nbsp;</p>"
    browser.evaluate(f"document.body.innerHTML = '<p>&nbsp;</p>' + '{sheet}'.repeat({count - 1})")
    printed = browser.call("Page.printToPDF", **PAPER, displayHeaderFooter=True, headerTemplate="<i></i>",
                           footerTemplate='<p style="width:100%;text-align:center;font:9px serif">'
                                          '<span class="pageNumber"></span></p>')
    return PdfReader(io.BytesIO(base64.b64decode(printed["data"])))


def lead_links_inside(writer: PdfWriter, starts: dict[str, int]) -> None:
    """Turn links to pages of the site into links to where they stand in the book; drop other links to the disk."""
    for page in writer.pages:
        for reference in page.get("/Annots", []):
            annotation = reference.get_object()
            action = annotation.get("/A", {})
            address = urlsplit(str(action.get("/URI", "")))
            if address.scheme != "file":
                continue
            start = starts.get(unquote(address.path))
            del annotation[NameObject("/A")]
            if start is not None:
                top = [NumberObject(0), NumberObject(842), NullObject()]
                target = ArrayObject([writer.pages[start].indirect_reference, NameObject("/XYZ"), *top])
                annotation[NameObject("/A")] = DictionaryObject({
                    NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): target})


def main() -> None:
    writer, starts = PdfWriter(), {}
    with Browser() as browser:
        browser.view(900, 1200)
        for page in pages():
            starts[page.resolve().as_uri().removeprefix("file://")] = len(writer.pages)
            writer.append(io.BytesIO(print_page(browser, page)))
        for page, number in zip(writer.pages, page_numbers(browser, len(writer.pages)).pages, strict=True):
            page.merge_page(number)
    lead_links_inside(writer, {unquote(path): start for path, start in starts.items()})
    writer.add_metadata({"/Title": "Model Collapse", "/Author": "The authors of the Model Collapse book"})
    writer.page_mode = "/UseOutlines"
    writer.compress_identical_objects()
    writer.write(TARGET)
    print(f"{TARGET.relative_to(ROOT)}: {len(writer.pages)} pages, {TARGET.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
