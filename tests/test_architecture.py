"""Architecture rules: import order, no cycles, limits of files and functions, forbidden constructs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pi_cam_node"

# An import points to a folder named earlier, or stays in its own; the folders of one group never know each other.
ORDER = (
    {"base"},
    {"imaging"},
    {"config"},
    {"core"},
    {"camera", "mqtt", "storage", "recording", "web", "tcp", "system"},
    {"runtime", "console"},
    {"cli"},
)
LEVELS = {folder: level for level, group in enumerate(ORDER) for folder in group}

# Narrower rules, where they guard something: what may be imported of the package from within a folder.
ALLOWED = {
    # Rules are pure: no I/O, no adapter, no command.
    "core.rules": ("base", "imaging", "config", "core.rules", "core.events"),
    # pydantic stays out of the camera's process.
    "camera.sources": ("base", "imaging", "camera"),
    # The foundation of both programs knows no route and nothing of the node; what it needs of them are arguments.
    "web.http": ("base", "web.http", "web.auth"),
    "web.auth": ("base", "web.http", "web.auth"),
}

ROOT_ENTRIES_MAX = 17
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50
FUNCTION_LINES_MEDIAN = 10
PAGE_LINES_MAX = 115  # two screens
NAMES_NOBODY_WANTS = re.compile(r"(utils?|helpers?|manager|misc|common)(\.py)?$")

FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folder_of(module: str) -> str:
    """Return the folder of the package that a module lies in; empty for the package's own files."""
    return [*module.split("."), ""][1].replace("__main__", "")


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            for alias in node.names:
                full = f"{base}.{alias.name}"
                is_module = (ROOT / (full.replace(".", "/") + ".py")).exists() or (
                    ROOT / full.replace(".", "/")
                ).is_dir()
                yield full if is_module else base


def own_imports(path: Path) -> set[str]:
    return {name for name in imports_of(path) if name.startswith("pi_cam_node.")}


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def test_the_root_shows_the_architecture() -> None:
    entries = [path for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= ROOT_ENTRIES_MAX
    assert {path.name for path in entries if path.is_dir()} <= set(LEVELS)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_down(path: Path) -> None:
    module = module_of(path)
    folder = folder_of(module)
    for name in own_imports(path) if folder else ():
        other = folder_of(name)
        if other and other != folder:
            assert LEVELS[other] < LEVELS[folder], f"{folder} imports {name}, which does not lie below it"
    for inner, allowed in ALLOWED.items():
        if module.startswith(f"pi_cam_node.{inner}."):
            for name in own_imports(path):
                assert name.startswith(tuple(f"pi_cam_node.{one}" for one in allowed)), f"{module} imports {name}"


def test_there_is_no_import_cycle() -> None:
    graph = {module_of(path): own_imports(path) for path in FILES}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module in done:
            return
        for other in graph.get(module, ()):
            if other != module:
                visit(other, (*way, module))
        done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_file_is_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX
    assert not NAMES_NOBODY_WANTS.search(path.name)


def test_functions_are_a_screen_high() -> None:
    lengths = []
    for path in FILES:
        for function in functions(path):
            lines = (function.end_lineno or 0) - function.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{path.name}: {function.name} has {lines} lines"
            lengths.append(lines)
    assert sorted(lengths)[len(lengths) // 2] <= FUNCTION_LINES_MEDIAN


FORBIDDEN = {
    "a shell": r"shell\s*=\s*True|os\.system|os\.popen",
    "a deserializer that runs code": r"import pickle|pickle\.load|yaml\.load\(|yaml\.unsafe_load|\beval\(|\bexec\(",
    "a sleep where a wait with a deadline belongs": r"time\.sleep\(",
    "a capture without a deadline": r"wait\s*=\s*(None|True)\b",
    "work left": r"TODO|FIXME|XXX|NotImplementedError",
}


@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.promise("X1", "X3")
def test_nobody_writes(what: str) -> None:
    for path in FILES:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            assert not re.search(FORBIDDEN[what], line), f"{path.name}:{number}: {line.strip()}"


def test_no_exception_is_passed_over_in_silence() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                silent = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
                assert not silent, f"{path.name}:{node.lineno}"
                assert node.type is not None, f"{path.name}:{node.lineno}: bare except"


def test_vendor_cameras_are_imported_only_by_the_picamera2_source() -> None:
    for path in FILES:
        if any(name.split(".")[0] in ("picamera2", "libcamera") for name in imports_of(path)):
            assert path.parent.name == "picam", path


def told_names(node: ast.FunctionDef | ast.ClassDef, section: str) -> set[str]:
    """Return the names that a section of a docstring tells of, such as ``Args``."""
    found = re.search(rf"^{section}:\n((?:    .*\n|\n)*)", (ast.get_docstring(node) or "") + "\n", re.MULTILINE)
    rows = re.findall(r"^    ([*\w][*\w, ]*):(?: |$)", found[1], re.MULTILINE) if found else []
    return {name.strip(" *") for row in rows for name in row.split(",")}


def parameters(function: ast.FunctionDef) -> set[str]:
    rest = (function.args.vararg, function.args.kwarg)
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs, *filter(None, rest)]
    return {each.arg.lstrip("_") for each in every} - {"self", "cls"}


def names_within(node: ast.ClassDef) -> set[str]:
    """Return all that a class, its methods and their ``self`` are given."""
    inner = list(ast.walk(node))
    return (
        {each.id for each in inner if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        | {each.attr for each in inner if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)}
        | {each.name for each in inner if isinstance(each, ast.FunctionDef)}
    )


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_docstrings_tell_of_the_arguments_and_attributes_that_there_are(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and (told := told_names(node, "Args")):
            assert told == parameters(node), f"{path.name}:{node.lineno}"
        if isinstance(node, ast.ClassDef):
            made = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
            told = told_names(node, "Args")
            assert not told or [told] == list(map(parameters, made)), f"{path.name}:{node.lineno}"
            assert told_names(node, "Attributes") <= names_within(node), f"{path.name}:{node.lineno}"


PAGE = ROOT / "docs" / "architecture.md"


def test_the_page_of_the_architecture_names_what_exists_and_every_folder() -> None:
    page = PAGE.read_text()
    there = [path.as_posix() for folder in (PACKAGE, PAGE.parent, ROOT / "tests") for path in folder.rglob("*")]
    for name in re.findall(r"`([\w/]+(?:\.py|\.md|/))`|`((?:\w+/)+\w+)`|\]\(([\w/-]+\.md|[\w/-]+/)\)", page):
        (path,) = filter(None, name)
        assert any(one.endswith(f"/{path.rstrip('/')}") for one in there), path
    classes = {
        node.name for path in FILES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
    }
    assert {*re.findall(r"`([A-Z]\w+)(?:\.\w+)?`", page)} <= classes
    folders = page.partition("## The folders")[2].partition("\n## ")[0]
    assert {*re.findall(r"^\| `(\w+)` \|", folders, re.MULTILINE)} == set(LEVELS)
    assert len(page.splitlines()) <= PAGE_LINES_MAX


def test_no_suite_imports_from_another() -> None:
    tests = ROOT / "tests"
    for path in tests.rglob("*.py"):
        suite, *rest = path.relative_to(tests).parts
        allowed = {suite, "support"} if rest else {"support"}
        others = {name.split(".")[1] for name in imports_of(path) if name.startswith("tests.")}
        assert others <= allowed, f"{path} imports from {others - allowed}"
