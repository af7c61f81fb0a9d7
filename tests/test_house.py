"""What stands around the code names what exists: citation, templates, workflow, comparison."""

import re
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml

from engine.cli.app import COMMANDS
from engine.versions import __version__

ROOT = Path(__file__).parent.parent
PROJECT = (ROOT / "pyproject.toml").read_text()
TEMPLATES = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
COMPARISON = (ROOT / "docs/comparison.md").read_text()

EN_DASH = "\N{EN DASH}"

# Of the Citation File Format 1.2.0: what is required, and the kinds of what is used here.
CITATION_REQUIRES = {"cff-version", "message", "title", "authors"}
CITATION_HAS = {
    "cff-version": str, "message": str, "type": str, "title": str, "abstract": str,
    "authors": list, "version": str, "date-released": date, "license": str, "keywords": list,
}  # fmt: skip


def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text())


def test_the_citation_is_valid():
    citation = read_yaml("CITATION.cff")
    assert CITATION_REQUIRES <= citation.keys() <= CITATION_HAS.keys()
    assert all(isinstance(value, CITATION_HAS[key]) for key, value in citation.items())
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    assert all(set(author) == {"name"} for author in citation["authors"])  # an entity, no person
    assert len(set(citation["keywords"])) == len(citation["keywords"])


def test_the_citation_is_of_this_package():
    citation = read_yaml("CITATION.cff")
    assert citation["version"] == __version__
    assert f'license = "{citation["license"]}"' in PROJECT


def test_the_workflow_checks_every_python_of_the_package():
    strategy = read_yaml(".github/workflows/check.yml")["jobs"]["check"]["strategy"]
    classifiers = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PROJECT)
    assert strategy["matrix"]["python"] == classifiers
    assert f'requires-python = ">={classifiers[0]}"' in PROJECT


def test_the_workflow_runs_targets_of_the_makefile():
    steps = [
        s for job in read_yaml(".github/workflows/check.yml")["jobs"].values() for s in job["steps"]
    ]
    commands = [step["run"].split() for step in steps if "run" in step]
    assert commands
    makefile = (ROOT / "Makefile").read_text()
    for make, target, variable in commands:
        assert make == "make"
        assert re.search(rf"^{target}:", makefile, re.M)
        assert re.search(rf"^{variable.partition('=')[0]} \?=", makefile, re.M)


def test_the_workflow_publishes_what_passed():
    jobs = read_yaml(".github/workflows/check.yml")["jobs"]
    assert set(jobs["publish"]["needs"]) == jobs.keys() - {"publish"}


def test_there_are_templates_for_a_bug_a_picture_and_an_idea():
    assert [path.stem for path in TEMPLATES] == ["bug", "config", "idea", "picture"]


@pytest.mark.parametrize("path", TEMPLATES[:1] + TEMPLATES[2:], ids=lambda path: path.stem)
def test_a_template_is_a_form(path):
    form = read_yaml(path)
    assert form.keys() == {"name", "description", "labels", "body"}
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert {part["type"] for part in fields} <= {"input", "textarea"}
    assert len({part["id"] for part in fields}) == len(fields)
    assert all(part["attributes"]["label"] for part in fields)
    assert any(part.get("validations", {}).get("required") for part in fields)


@pytest.mark.parametrize("name", ["bug", "picture"])
def test_a_report_asks_for_the_doctor(name):
    text = (ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text()
    (command,) = set(re.findall(r"`cartoonify (\w+)`", text))
    assert command in COMMANDS


def test_the_policy_invents_no_address():
    text = (ROOT / "SECURITY.md").read_text()
    assert "private vulnerability report" in text
    assert not re.search(r"\w@\w|https?://", text)


def compared():
    """The rows of the tables that compare: the point, what is ours, and what is others'."""
    text = re.sub(r"## What Cartoonify says.*", "", COMPARISON, flags=re.S)
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [(row[0], row[1], row[2:]) for row in rows if row[0] != "Cartoonify"]


def test_every_claim_about_others_has_its_source():
    assert len(compared()) > 20
    for point, _, others in compared():
        for claim in others:
            assert claim == EN_DASH or re.search(r" \[[a-z]\]$", claim), (point, claim)


def test_every_source_is_used_and_told_with_its_date():
    used = set(re.findall(r"\[([a-z])\](?![(:\[])", COMPARISON.partition("## Sources")[0]))
    listed = re.findall(r"^\* ([a-z]): \[.+\]\[\1\]$", COMPARISON, re.M)
    addresses = dict(re.findall(r"^\[([a-z])\]: (https://\S+)$", COMPARISON, re.M))
    assert sorted(used) == listed == sorted(addresses)
    (day,) = set(re.findall(r"read on (\d+ \w+ \d{4})", COMPARISON))
    assert datetime.strptime(day, "%d %B %Y")
    github = [url for url in addresses.values() if "//github.com/" in url]
    assert all(re.search(r"/blob/[0-9a-f]{40}/", url) for url in github)
