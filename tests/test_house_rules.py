"""What holds for the whole tree: import order, exports, messages, documents."""

import ast
import re
import string
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import glint_unet
from glint_unet.config import TrainConfig, setting_names
from glint_unet.messages import TEXTS

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "glint_unet").rglob("*.py"))
ORDER = [
    "messages",
    "errors",
    "console",
    "extras",
    "settings",
    "config",
    "files",
    "pretrained",
    "own_command",
    "data",
    "model",
    "compute",
    "runs",
    "report",
    "tracking",
    "training",
    "inference",
    "adaptation",
    "layout",
    "experiments",
    "page",
    "cli",
]


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {module_name(path) for path in MODULES}


def imports_of(path):
    """The package's modules that a module imports: at its top, inside functions, for types only, or by name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            within = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in NAMES else node.module for name in within}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            package = str(
                node.values[0].value
            )  # import_module(f"glint_unet.cli.{name}") may be any module of that package
            found |= {name for name in NAMES if package.startswith("glint_unet.") and name.startswith(package)}
    return found & NAMES - {module_name(path)}


GRAPH = {module_name(path): imports_of(path) for path in MODULES}


def test_a_module_imports_only_from_earlier_stages():
    rank = {stage: place for place, stage in enumerate(ORDER)}
    for module, imported in GRAPH.items():
        if module in ("glint_unet", "glint_unet.__main__"):
            continue
        for other in imported:
            assert rank[other.split(".")[1]] <= rank[module.split(".")[1]], f"{module} imports {other}"


def test_no_module_imports_itself_through_others():
    """Neither within a package nor by imports inside functions: modules of a cycle cannot be read or tested alone."""
    try:
        list(TopologicalSorter(GRAPH).static_order())
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_what_is_exported_is_there():
    assert sorted(glint_unet.__all__) == glint_unet.__all__
    for name in glint_unet.__all__:
        assert getattr(glint_unet, name).__doc__


def test_no_module_reads_the_environment_but_the_command_line_the_language_and_the_threads():
    for path in MODULES:
        if "cli" not in path.parts and path.name not in ("messages.py", "threads.py"):
            assert not re.search(r"sys\.argv|os\.environ|getenv", path.read_text()), path


def test_every_sentence_exists_in_both_languages_with_the_same_placeholders():
    for key, (chinese, english) in TEXTS.items():
        fields = [{f for _, f, _, _ in string.Formatter().parse(t) if f} for t in (chinese, english)]
        assert fields[0] == fields[1], key
        assert chinese != english, key
        assert "\n" not in english + chinese, key


def test_every_sentence_is_used_and_every_sentence_used_is_there():
    paths = [*(path for path in MODULES if path.name != "messages.py"), *(ROOT / "glint_unet").rglob("*.html")]
    source = "\n".join(path.read_text() for path in paths)
    used = set(re.findall(r'(?:Error|text|_say)\(\s*"([a-z0-9_]+)"', source))
    used |= {key for pair in re.findall(r'text\(\s*"([a-z0-9_]+)" if .*? else "([a-z0-9_]+)"', source) for key in pair}
    used |= {key for pair in re.findall(r'text\("([a-z0-9_]+)".*?else text\("([a-z0-9_]+)"', source) for key in pair}
    assert used - TEXTS.keys() == set()
    assert TEXTS.keys() - used == set()


def test_every_setting_has_a_help_line_and_says_what_a_resume_may_do():
    tree = ast.parse((ROOT / "glint_unet" / "config.py").read_text())
    (config,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "TrainConfig"]
    for before, after in zip(config.body, config.body[1:], strict=False):
        if isinstance(before, ast.AnnAssign):
            assert isinstance(after, ast.Expr), ast.unparse(before)
            assert isinstance(after.value, ast.Constant), ast.unparse(before)
    for field in TrainConfig.__dataclass_fields__.values():
        assert field.metadata["resume"] in ("free", "fixed", "per_start")


GUIDES = ["TRAINING_GUIDE.md", "SHARED_MEMORY_USAGE.md", "SHARED_MEMORY_QUICKSTART.md"]
DOCUMENTS = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", *GUIDES, *(f"docs/en/{guide}" for guide in GUIDES)]
SITE = [path for path in (ROOT / "docs").rglob("*.md") if path.parent.name in ("docs", "tutorials", "reference")]
RECORDS = ("architecture.md", "benchmarks.md", "experiments.md", "faults.md")  # they name flags of other programs too
DOCUMENTS += [str(path.relative_to(ROOT)) for path in SITE if path.name not in RECORDS]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_flag_in_a_document_exists(name):
    known = {f"--{n}" for n in setting_names()} | {f"--no_{n}" for n in setting_names()}
    source = "\n".join(p.read_text() for p in (ROOT / "glint_unet" / "cli").glob("*.py"))
    known |= {f"--{field}" for field in re.findall(r"^    ([a-z_0-9]+): ", source, re.MULTILINE)}
    known |= {f"--no_{field}" for field in re.findall(r"^    ([a-z_0-9]+): bool", source, re.MULTILINE)}
    known |= {"--help", "--cleanup-all", "--version", "--completion"}
    known |= {"--shm-size", "--gpus", "--ipc", "--rm", "--nv", "--build"}  # of docker, apptainer and cmake
    known |= {"--rdzv_id", "--max_restarts", "--node_rank"}  # of torchrun
    of_others = r"#SBATCH \S+|tensorboard --\S+|torchrun .*?train_glint_unet\.py"
    ours = re.sub(of_others, "", (ROOT / name).read_text(), flags=re.DOTALL)
    for flag in re.findall(r"(?<![\w-])--[a-zA-Z][\w-]*", ours):
        assert flag in known, flag


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_local_link_of_a_document_leads_somewhere(name):
    for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / name).read_text()):
        assert (ROOT / name).parent.joinpath(target).exists(), target


def test_every_target_of_the_makefile_is_in_its_help():
    makefile = (ROOT / "Makefile").read_text()
    (targets,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(targets.split()) == set(re.findall(r"^([a-z-]+):.*  ## ", makefile, re.MULTILINE))


def test_the_architecture_page_names_every_module():
    rows = re.findall(r"^\| `([a-z_/]+)/` \|.*\| (.*) \|$", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    named = {
        f"{room}/{name}".removeprefix("glint_unet/") for room, names in rows for name in re.findall(r"`(\w+)`", names)
    }
    there = {str(path.relative_to(ROOT / "glint_unet").with_suffix("")) for path in MODULES if path.stem[0] != "_"}
    assert named == there


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_python_file_that_a_page_names_exists(name):
    for path in re.findall(r"[\w/]+\.py\b", (ROOT / name).read_text()):
        assert (ROOT / path).exists() or (ROOT / "glint_unet" / path).exists(), path


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_every_test_and_every_file_beside_it_that_a_document_names_exists(page):
    tests = {
        name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    tests |= {path.stem for path in ROOT.rglob("test_*.py")}
    assert set(re.findall(r"\btest_\w+", page.read_text())) - tests == set()
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
SOURCES = [*MODULES, *(path for part in ("tests", "benchmarks", "examples") for path in (ROOT / part).rglob("*.py"))]
WORDS = {  # word-for-word translations, and what is meant
    r"\b(?:leave|leaves|leaving|left) away\b": "omit",
    r"\btold from\b": "distinguished from",
    r"\b(?:is|are|was|were|been) asked for\b": "requested",
    r"\b(?:learned|learnt) by heart\b": "memorised",
    r"\b(?:begin|begins|start|starts|found|drawn|laid out) anew\b": "initialised randomly; again; restarts",
    r"\b(?:goes|went) on (?:with|where|after|exactly)\b": "continues",
    r"\bbut for (?:its|a|x)": "except for; up to",
    r"\bbeside each other\b": "side by side",
    r"\bheld[- ]back\b": "held out",
    r"\bjudged on\b": "evaluated on",
    r"\bturns? and scales?\b": "rotation and scale",
    r"\bthe " + "brake" + r"\b": "the limit, or what slows it down",
    "您": "你",
}


@pytest.mark.parametrize("pattern", WORDS)
def test_documents_docstrings_and_messages_use_the_terms_of_the_field(pattern):
    for path in [*PAGES, *SOURCES]:
        if path != Path(__file__):
            found = re.search(pattern, path.read_text(encoding="utf-8"))
            assert not found, f"{path}: {found}; write: {WORDS[pattern]}"


def test_a_seed_is_a_number_and_what_came_before_is_the_original_implementation():
    for path in [*PAGES, *SOURCES]:
        found = re.search(r"\bseed" + r"'s\b|\bfirst imple" + "mentation", path.read_text())
        assert not found, f"{path}: {found}"


def test_each_module_that_computes_something_has_a_test_module_at_the_same_place():
    for path in MODULES:
        functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
        if path.stem[0] != "_" and any(len(function.body) > 1 for function in functions):
            place = path.relative_to(ROOT / "glint_unet").parent / f"test_{path.name}"
            assert (ROOT / "tests" / place).exists(), f"tests/{place}"
