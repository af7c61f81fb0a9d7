"""The README and the docs as tests read them: their blocks of code, and the commands in them."""

import re
import shlex
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/*.md")]


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def prose(page):
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)


def all_blocks(page):
    """Reason, language and text of each block; the comment before it says why it is not run."""
    pattern = r"(?:<!-- not run: (.+?) -->\n)?^```(\w*)\n(.*?)^```"
    return re.findall(pattern, page.read_text(), re.M | re.S)


def blocks(page, language):
    """Blocks of code, and the reason of those that are not run."""
    return [(reason, code) for reason, name, code in all_blocks(page) if name == language]


def scripts(page):
    """Lines of commands: those of each block, and each command of the text with arguments."""
    for _, code in blocks(page, ""):
        yield [line for line in code.replace("\\\n", " ").splitlines() if line.strip()]
    for _, unit in blocks(page, "ini"):
        yield re.findall(r"^ExecStart=\S*/(cartoonify .+)$", unit, re.M)
    for text in re.findall(r"`((?:cartoonify|python -m|make|pip) [^`]+)`", prose(page)):
        yield [" ".join(text.split())]


def split(line):
    """The commands of a line, without comments, variables before them, and redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    groups = groupby(lexer, lambda word: word in ("|", "&&"))
    for words in [list(words) for is_mark, words in groups if not is_mark]:
        while words and re.match(r"\w+=", words[0]):
            del words[0]
        redirections = (i for i, word in enumerate(words) if word in ("<", ">"))
        if command := words[: next(redirections, len(words))]:
            yield command
