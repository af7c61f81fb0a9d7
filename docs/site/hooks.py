"""What MkDocs is told beside mkdocs.yml: pages from outside docs/, links, and generated text.

Pages keep their place in the repository, except that docs/ is the site's root, so that the same
links work on GitHub and here.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generated import list_decisions, list_names, list_options
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
OUTSIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "models/*.md", "benchmarks/results/*.md")
"""Pages that are not in docs/."""
GENERATED: dict[str, Callable[[], str]] = {
    "options": list_options,
    "names": list_names,
    "decisions": lambda: list_decisions(ROOT / "docs" / "decisions"),
}
"""By the word of the comment that is replaced."""
HIDDEN = {
    "index.md": ["navigation", "toc"],
    **{page: ["toc"] for page in ("gallery.md", "backgrounds.md", "benchmarks/results/compare.md")},
}
"""What gives way to pictures and to wide tables, by page."""


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages from outside."""
    for pattern in OUTSIDE:
        for path in sorted(ROOT.glob(pattern)):
            uri = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leads links to the site's pages, and puts generated text in its place."""
    page.meta["hide"] = HIDDEN.get(page.file.src_uri, [])
    for word, generate in GENERATED.items():
        comment = f"<!-- generated: {word} -->"
        if comment in markdown:
            markdown = markdown.replace(comment, generate())
    return re.sub(
        r"(?<=\]\()[^)#\s:]+(?=[)#])",
        lambda link: _to_site(link[0], page.file.src_uri),
        markdown,
    )


def _to_site(link: str, uri: str) -> str:
    """From a page's place in the repository to its place on the site."""
    place = f"docs/{uri}" if (ROOT / "docs" / uri).exists() else uri
    target = os.path.normpath(os.path.join(os.path.dirname(place), link))
    return os.path.relpath(target.removeprefix("docs/"), os.path.dirname(uri) or ".")
