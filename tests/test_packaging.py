"""Files for packaging, citation and continuous integration agree with the project."""

import re
import tomllib
from pathlib import Path

import pytest

import glint_unet

yaml = pytest.importorskip("yaml")  # comes with mkdocs

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def workflow(name):
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())


def commands_of(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def test_the_workflow_runs_the_command_of_ci_on_every_python_that_the_project_names():
    job = workflow("ci.yml")["jobs"]["test"]
    named = [words.rpartition(" :: ")[2] for words in PROJECT["classifiers"] if "Python :: 3." in words]
    assert job["strategy"]["matrix"]["python"] == named
    assert ".ci/run" in commands_of(job)
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_every_make_target_of_the_workflows_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    jobs = [job for name in ("ci.yml", "slow.yml") for job in workflow(name)["jobs"].values()]
    used = {line.split()[1] for job in jobs for line in commands_of(job) if line.startswith("make ")}
    assert used
    assert used <= targets


def test_the_citation_has_the_version_and_the_licence_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == glint_unet.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["title"].startswith(PROJECT["name"])


@pytest.mark.parametrize("recipe", ["Dockerfile", "glint-unet.def"])
def test_a_container_gets_all_that_an_installation_needs_and_extras_that_exist(recipe):
    content = (ROOT / recipe).read_text()
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "glint_unet"):
        assert re.search(rf"(^| ){re.escape(name)} ", content, re.MULTILINE), name
    (extras,) = re.findall(r"'\.\[([a-z,]+)\]'", content)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    (python,) = re.findall(r"python:(3\.\d+)-", content)
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]


def test_what_a_container_copies_is_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text().split()
    (copied,) = re.findall(r"^COPY (.*) \./$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for name in [*copied.split(), "glint_unet"]:
        assert f"!{name}" in ignored
