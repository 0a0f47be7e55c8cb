"""docs/architecture.md is true: names exist, imports point one way, tests lie where their modules do."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import reduce
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.workers.parent import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
HOUSE = ("audiodecode", "sound", "backends", "bench")
CONCRETE = re.compile(r"backends\.(?!base$|kit(\.|$))")
"""A backend, of which nobody outside ``backends`` knows the name."""
KNOWN = {
    # The picture of the page is entered into the checksums.
    ("bench.report.html.screenshot", "bench.verify"),
    # ``Backend.export`` asks the registry who can.
    ("backends.base", "backends"),
    # ``from sound import compress`` is the function, for those who want no more than that.
    ("sound", "sound.compress"),
}
"""Imports against the rules."""


class Import(NamedTuple):
    importer: str
    module: str
    runs: bool
    """Not for a type checker alone."""


def sources(*tops: str) -> dict[str, Path]:
    """Modules by name."""
    files = (path for top in tops for path in sorted((ROOT / top).rglob("*.py")))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


MODULES = sources(*HOUSE)


def imports(name: str, path: Path) -> Iterator[Import]:
    """Every import of a module of the house, wherever in the file it stands."""
    tree = ast.parse(path.read_bytes())
    checks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    unrun = {id(inner) for check in checks for line in check.body for inner in ast.walk(line)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: a relative import"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [each if each in MODULES else str(node.module) for each in full]
        else:
            continue
        yield from (
            Import(name, module, id(node) not in unrun) for module in found if module.partition(".")[0] in HOUSE
        )


IMPORTS = [each for name, path in MODULES.items() for each in imports(name, path)]


def table() -> list[tuple[tuple[str, ...], set[str]]]:
    """The rows of the table: the modules or packages of a room, and what it may import."""
    lines = re.findall(r"^\| (`.*) \| [^|]* \| ?([^|]*)\|$", PAGE, re.MULTILINE)
    rows = [(tuple(re.findall(r"`([\w.]+)`", room)), may) for room, may in lines]
    above: list[str] = []
    made = []
    for names, may in rows:
        made.append((names, {*above} if may.strip() == "all above" else set(re.findall(r"`([\w.]+)`", may))))
        above.append(names[0])
    return made


ROOMS = table()


def room(module: str) -> str:
    """The room of a module, called by its first name in the table."""
    for names, _ in ROOMS:
        if any(module == name or module.startswith(f"{name}.") for name in names):
            return names[0]
    return ""


def test_every_module_has_its_room() -> None:
    assert [name for name in MODULES if not room(name) and name != "bench"] == []
    assert [name for names, _ in ROOMS for name in names if name not in MODULES] == []


def test_rooms_import_rooms_above_them_alone() -> None:
    order = [names[0] for names, _ in ROOMS]
    for place, (names, may) in enumerate(ROOMS):
        assert may <= set(order[:place]), names


def test_imports_are_those_that_the_table_allows() -> None:
    allowed = {names[0]: may | {names[0]} for names, may in ROOMS}
    against = {
        (each.importer, each.module)
        for each in IMPORTS
        if each.importer != "bench" and room(each.module) not in allowed[room(each.importer)] and each.runs
    }
    assert against == {(importer, module) for importer, module in KNOWN if room(importer) != room(module)}


@pytest.mark.parametrize(
    ("inside", "never"),
    [
        ("audiodecode", r"sound|backends|bench"),
        ("sound", r"audiodecode|backends|bench"),
        ("backends", r"bench"),
        (
            "bench.report",
            r"audiodecode|sound|backends|bench\.(audio|cells|clips|conditions|config|context|corpora|machine|phases"
            r"|recordings|runner|verify|workers)",
        ),
        ("bench.tasks", r"audiodecode|sound|bench\.(?!errors|records|stats|tasks)\w+"),
        ("bench.records", r"audiodecode|sound|backends|bench\.(?!code|errors|records|tasks\.base)\w+"),
        ("bench.stats", r"audiodecode|sound|backends|bench\.(?!stats)\w+"),
    ],
)
def test_what_a_room_never_knows_it_does_not_know_by_type_either(inside: str, never: str) -> None:
    forbidden = re.compile(rf"({never})(\.|$)")
    met = {
        (each.importer, each.module)
        for each in IMPORTS
        if f"{each.importer}.".startswith(f"{inside}.") and forbidden.match(each.module)
    }
    assert met - KNOWN == set()


def test_nobody_knows_a_backend_by_name() -> None:
    others = {**MODULES, **sources("examples")}
    met = [
        each
        for name, path in others.items()
        if not name.startswith("backends")
        for each in imports(name, path)
        if CONCRETE.match(each.module)
    ]
    assert met == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for importer, module, runs in IMPORTS:
        if runs and (importer, module) not in KNOWN:
            graph[importer].add(module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_exception_outlives_its_reason() -> None:
    assert KNOWN - {(each.importer, each.module) for each in IMPORTS} == set()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([a-z_.]+:[\w.]+)`", PAGE))))
def test_every_name_of_the_page_is_there(name: str) -> None:
    module, _, attribute = name.partition(":")
    reduce(getattr, attribute.split("."), importlib.import_module(module))


def test_the_page_names_the_journey() -> None:
    journey = PAGE.partition("## A clip's journey")[2]
    assert len(re.findall(r"^\d\. \*\*", journey, re.MULTILINE)) == 9
    assert all(re.search(rf"`{room}[.:]", journey) for room in ("audiodecode", "sound", "backends", "bench"))


def test_tests_mirror_the_tree() -> None:
    """A folder of tests is a room, and a test lies where its module does, or in its package."""
    code = sources(*HOUSE, "benchmarks")
    folders = {name for name, path in code.items() if path.name == "__init__.py"}
    by_name: dict[str, set[str]] = {}
    for name in code:
        by_name.setdefault(name.rpartition(".")[2], set()).update({name.rpartition(".")[0], name} & folders)
    strays = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        folder = ".".join(path.relative_to(ROOT / "tests").parent.parts)
        meant = by_name.get(path.stem.removeprefix("test_"))
        if (folder and folder not in folders) or (folder and meant and folder not in meant):
            strays.append(str(path.relative_to(ROOT)))
    assert strays == []
