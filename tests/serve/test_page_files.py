"""The files of the page: complete, and within their own policy."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "engine" / "serve" / "page"
HTML = (PAGE / "index.html").read_text("utf-8")
SCRIPTS = {
    path.relative_to(PAGE).as_posix(): path.read_text("utf-8") for path in PAGE.rglob("*.js")
}
WORDS = set(re.findall(r'^  "([\w.]+)":', SCRIPTS["words/en.js"], re.MULTILINE))


def test_every_text_that_is_named_has_words():
    named = set(re.findall(r'data-(?:words|label)="([\w.]+)"', HTML))
    for script in SCRIPTS.values():
        named |= set(re.findall(r'\bt\("([\w.]+)"', script))
    assert named - WORDS == set()


def test_no_words_are_left_over():
    text = HTML + "".join(script for name, script in SCRIPTS.items() if name != "words/en.js")
    made = [to_pattern(template) for template in re.findall(r"\bt\(`([^`]+)`", text)]
    unused = {w for w in WORDS if f'"{w}"' not in text and not any(p.fullmatch(w) for p in made)}
    assert unused == set()


def to_pattern(template):
    """Of the names that a template such as `kind.${kind}` makes; sections have few names."""
    template = template.replace(".", r"\.").replace(
        "${name}", "(style|people|edges|background|drawing)"
    )
    return re.compile(re.sub(r"\$\{[^}]+\}", r"\\w+", template))


def test_all_scripts_are_loaded_at_once():
    preloaded = set(re.findall(r'rel="modulepreload" href="page/([^"]+)"', HTML))
    assert preloaded == set(SCRIPTS)


@pytest.mark.parametrize("name", ["page.css", "index.html", *SCRIPTS])
def test_nothing_is_inline_or_from_elsewhere(name):
    text = (PAGE / name).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|[\"'(]//|\beval\(|new Function|innerHTML", text)
    if name == "index.html":
        assert not re.search(r'\son\w+=|\sstyle=|<style|<script(?! type="module" src=)', text)
        assert all(not link.startswith("/") for link in re.findall(r'(?:href|src)="([^"]*)"', text))


def test_every_file_that_is_named_is_there():
    for link in re.findall(r'(?:href|src)="page/([^"]+)"', HTML):
        assert (PAGE / link).is_file(), link
    for name, script in SCRIPTS.items():
        for link in re.findall(r'from "(\./[^"]+)"', script):
            assert (PAGE / name).parent.joinpath(link).is_file(), (name, link)
