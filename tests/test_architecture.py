"""The floors of the house, as a table; arrows only go down. docs/architecture.md explains it to readers."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
PACKAGE = PROJECT / "src" / "pygent"


FLOORS: dict[str, tuple[str, ...]] = {
    "ground: facts": (
        "errors",
        "providers",
        "messages",
        "replies",
        "openai_compat events images schema limits persona cleanup portal threads",
        "settings foreign",
        "redaction",
    ),
    "first: where things happen": ("runtimes",),
    "second: hands": ("tools",),
    "third: neighbours that do not know each other": ("models approval session",),
    "fourth: the living room": ("tool_calls turn", "agent"),
    "roof: doors and windows": ("sync testing cli",),
    "front door": ("__init__", "__main__"),
}
"""The rooms, which are modules or packages, from the ground up. Each line is a step: a room uses those on the steps
below it, and rooms on one step do not know each other."""

STEPS: dict[str, tuple[str, ...]] = {
    "": tuple(chain(*FLOORS.values())),
    "cli": (
        "console context escape options result signals streams variables words writer",
        "config describe logs output setup working",
        "job models render views",
        "greeting",
        "ask demo",
        "perform",
        "run",
        "main",
    ),
    "cli.demo": ("project", "play", "show"),
    "models": (
        "base custom info wire",
        "http replay thinking written",
        "chat response",
        "served",
        "openai responses",
        "choice",
        "fallback local",
    ),
    "models.chat": ("dialect partial_calls payload reasoning_details", "deltas", "json_tools"),
    "models.http": (
        "endpoint gate options retry sse timeouts unpack viewers",
        "exchange faults",
        "stream",
        "client",
    ),
    "models.response": ("output_items", "input_items partial_items", "events"),
    "models.written": ("python_calls", "syntax", "rescue"),
    "runtimes": (
        "beneath bounds bubblewrap command marks output repository threads watcher",
        "environment jobs",
        "base",
        "workspace",
        "enclosure",
        "process",
        "local",
        "choice",
        "sync",
    ),
    "schema": ("base docstring parameters", "checking decoding validation", "signature"),
    "settings": ("files values", "table", "sources"),
    "testing": (
        "machine model_promises pairing runtime_promises sweep",
        "history leaks model_checks runtime_checks server",
        "scripted_model",
        "plugin",
    ),
    "testing.runtime_promises": ("bench", "corpus", "endings files jobs life links outputs shell"),
    "testing.server": (
        "inspector recording request shapes",
        "fields",
        "chat response",
        "api",
        "connection",
        "faults",
        "scenarios",
        "server",
        "__main__",
    ),
    "testing.server.chat": ("chunks strict", "text_streams tool_streams whole", "streams"),
    "testing.server.faults": ("scenario", "connections replies statuses"),
    "testing.server.response": ("items strict", "events", "streams", "whole"),
    "tools": ("base edits globs threads", "builtin results search", "calls files", "registry"),
}
"""The files of a room stand on steps of their own, by the same rule. Its `__init__` may use them all."""

FOR_TYPES_ONLY = {
    ("errors", "messages"): "the type of StreamInterrupted.partial; at run time messages stands on errors",
}
"""Arrows that exist under `if TYPE_CHECKING` and would point up at run time."""

LIBRARIES = {
    "msgspec": ("",),
    "anyio": ("",),
    "platformdirs": ("settings",),
    "httpx": ("models.http.exchange",),
    "httpx_aiohttp": ("models.http.exchange",),
    "aiohttp": ("models.http.exchange",),
    "aiodocker": ("runtimes.docker",),
    "click": ("cli",),
    "prompt_toolkit": ("cli",),
    "rich": ("cli",),
    "pytest": ("testing.plugin",),
}
"""Where each third-party library may be imported; the empty name: everywhere."""

READS_ENVIRONMENT = (
    "settings",
    "runtimes.environment",  # passes an allowlist of what is not ours on to commands
    "testing.leaks",  # tags what is started, to find it again
    "testing.runtime_promises.shell",  # plants a secret that no command may see
    "cli.variables",  # puts `-e NAME=value` over the environment that settings are then read from
)
"""Who may look at the variables of the process."""

PRINTS = ("cli", "__main__")

MAX_LINES = 400

TOP = sys.maxsize


@dataclass(frozen=True)
class Arrow:
    """`module` imports `target`, a module of ours, or `library`, which is not."""

    module: str
    line: int
    target: str = ""
    library: str = ""
    for_types: bool = False

    @property
    def is_excused(self) -> bool:
        return self.for_types and (self.module, self.target) in FOR_TYPES_ONLY

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target or self.library}"


class House:
    """The sources by module name below `pygent`: `errors`, `runtimes.base`, `runtimes.__init__`, `__init__` …"""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.trees = {module: ast.parse(source) for module, source in sources.items()}
        self.arrows = [arrow for module, tree in self.trees.items() for arrow in self._arrows(module, tree)]

    def _arrows(self, module: str, tree: ast.AST) -> Iterator[Arrow]:
        typed = {id(node) for block in ast.walk(tree) if _is_type_checking(block) for node in ast.walk(block)}
        for node in ast.walk(tree):
            for name in self._imported(module, node):
                place, line, for_types = self._module(name), getattr(node, "lineno", 0), id(node) in typed
                if place is None:
                    library = name if name.startswith("pygent.") else name.partition(".")[0]  # ours, and not there
                    yield Arrow(module, line, library=library, for_types=for_types)
                elif place != module:
                    yield Arrow(module, line, target=place, for_types=for_types)

    def _imported(self, module: str, node: ast.AST) -> Iterator[str]:
        """Full names of what a node imports; names of ours begin with `pygent`."""
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                parts = ["pygent", *module.split(".")[:-1]]
                here = parts[: len(parts) - level + 1] if level else []
                start = ".".join([*here, *([source] if source else [])])
                for name in names:
                    inner = f"{start}.{name.name}"
                    yield inner if self._module(inner) else start
            case ast.Call(func=func, args=args) if "import_module" in {_last_name(part) for part in (func, *args)}:
                literals = [arg.value for arg in args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                yield from (name for name in literals if not name.startswith("."))

    def _module(self, name: str) -> str | None:
        """The module of ours with this full name; None: there is none."""
        root, _, inner = name.partition(".")
        if root != "pygent":
            return None

        for module in (inner, f"{inner}.__init__" if inner else "__init__"):
            if module in self.trees:
                return module
        return None

    def misplaced(self) -> list[str]:
        """Modules that stand on no step, and names on a step that are no modules."""
        placed = {f"{folder}.{name}".lstrip(".") for folder in STEPS for step in STEPS[folder] for name in step.split()}
        parts = [module.split(".") for module in self.trees]
        there = {".".join(part[:depth]) for part in parts for depth in range(1, len(part) + 1)}
        return sorted(placed ^ {name for name in there if not name.endswith(".__init__")})

    def upward_arrows(self) -> list[str]:
        """Imports from the same or a higher step of the first staircase that module and target do not share."""
        found = []
        for arrow in self.arrows:
            if not arrow.target or arrow.is_excused:
                continue

            here, there = arrow.module.split("."), arrow.target.split(".")
            fork = next(depth for depth, (one, other) in enumerate(zip(here, there, strict=False)) if one != other)
            heights = _heights(".".join(here[:fork]))
            if heights.get(there[fork], TOP) >= heights.get(here[fork], TOP):
                found.append(str(arrow))
        return found

    def circles(self) -> list[str]:
        """The first circle of imports, if there is one."""
        graph: dict[str, set[str]] = {module: set() for module in self.trees}
        for arrow in self.arrows:
            if arrow.target and not arrow.is_excused:
                graph[arrow.module].add(arrow.target)
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            return [" <- ".join(error.args[1])]

        return []

    def strange_libraries(self) -> list[str]:
        """Imports of third-party libraries where they have no business."""
        return [
            str(arrow)
            for arrow in self.arrows
            if arrow.library
            and arrow.library not in sys.stdlib_module_names
            and not _is_in(arrow.module, LIBRARIES.get(arrow.library, ()))
        ]

    def environment_reads(self) -> list[str]:
        """Uses of the process environment outside the modules that may."""
        names = {"environ", "environb", "getenv", "putenv", "unsetenv"}
        return [
            f"{module}:{node.lineno} uses os.{_last_name(node)}"
            for module, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute | ast.Name | ast.alias)
            and _last_name(node) in names
            and not _is_in(module, READS_ENVIRONMENT)
        ]

    def prints(self) -> list[str]:
        """Calls of `print` outside the command."""
        return [
            f"{module}:{node.lineno} prints"
            for module, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and _last_name(node.func) == "print" and isinstance(node.func, ast.Name)
            if not _is_in(module, PRINTS)
        ]


def _heights(folder: str) -> dict[str, int]:
    """The height of each module and package in a folder; those of one step have the same."""
    steps = STEPS.get(folder, ())
    inside = {"__init__": len(steps)} if folder else {}
    return inside | {name: height for height, step in enumerate(steps) for name in step.split()}


def _is_in(module: str, places: tuple[str, ...]) -> bool:
    return any(place in ("", module) or module.startswith(f"{place}.") for place in places)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING"


def _last_name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return name
    return ""


RULES = {
    "misplaced": "every module has its place in the tables, and what is in the tables is there",
    "upward_arrows": "imports go down the steps",
    "circles": "imports make no circle",
    "strange_libraries": "each library is imported in one place, so that it can be replaced",
    "environment_reads": "variables are read once, at the door",
    "prints": "the library never prints",
}


@pytest.fixture(scope="module")
def house() -> House:
    return House(
        {
            ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path.read_text(encoding="utf-8")
            for path in sorted(PACKAGE.rglob("*.py"))
        }
    )


@pytest.mark.parametrize("rule", RULES)
def test_house_keeps(rule: str, house: House) -> None:
    """The rule's sentence, in the table above, is true of all modules."""
    faults = getattr(house, rule)()

    assert not faults, "\n".join([RULES[rule], *faults])


def test_no_exception_is_stale(house: House) -> None:
    """An exception that nothing uses any more goes."""
    arrows = {(arrow.module, arrow.target) for arrow in house.arrows}

    assert sorted(FOR_TYPES_ONLY.keys() - arrows) == []


@pytest.mark.parametrize("folder", ["src", "examples", ".ci"])
def test_files_are_small(folder: str) -> None:
    """A file that needs scrolling twice wants to become two."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (PROJECT / folder).rglob("*.py")}

    assert {path.name: length for path, length in lengths.items() if length > MAX_LINES} == {}


SOUND = {
    "__init__": "",
    "errors": "",
    "messages": "from .errors import PygentError",
    "models.__init__": "from .openai import OpenAIModel\nfrom .replay import ReplayModel",
    "models.base": "import msgspec\nfrom ..messages import Message",
    "models.openai": "from . import base",
    "models.replay": "from pygent.models.base import Model",
    "models.responses": "",
    "approval": "",
    "agent": "import asyncio\nfrom .models import Model",
    "cli.__init__": "import click\nfrom ..agent import AsyncAgent",
}
"""A small house in order, into which the next test plants one fault at a time."""

FAULTS: dict[str, tuple[str, str, str]] = {
    "up a floor": ("upward_arrows", "errors", "from .agent import AsyncAgent"),
    "up a floor, absolute": ("upward_arrows", "errors", "import pygent.agent"),
    "up a floor, from the package": ("upward_arrows", "agent", "from . import cli"),
    "up a floor, in a function": ("upward_arrows", "agent", "def f():\n    from .cli import main"),
    "up a floor, by name": ("upward_arrows", "agent", "import_module('pygent.cli')"),
    "up a floor, for types": ("upward_arrows", "errors", "if TYPE_CHECKING:\n    from .agent import AsyncAgent"),
    "up a stair": ("upward_arrows", "errors", "from .messages import Message"),
    "the front door": ("upward_arrows", "agent", "from pygent import Message"),
    "a neighbour": ("upward_arrows", "models.base", "from ..approval import Approver"),
    "a sibling": ("upward_arrows", "models.openai", "from .responses import OpenAIResponsesModel"),
    "its own package": ("upward_arrows", "models.openai", "from . import FallbackModel"),
    "a circle": ("circles", "errors", "from .messages import Message"),
    "a circle within a room": ("circles", "models.base", "from .openai import OpenAIModel"),
    "a circle for types": ("circles", "messages", "if typing.TYPE_CHECKING:\n    from .agent import AsyncAgent"),
    "a room without a floor": ("misplaced", "attic", ""),
    "a file without a step": ("misplaced", "models.attic", ""),
    "a module that is not there": ("strange_libraries", "agent", "from .cellar import wine"),
    "a library upstairs": ("strange_libraries", "agent", "import httpx"),
    "a library in a function": ("strange_libraries", "agent", "def f():\n    import rich.console"),
    "a library in a thread": ("strange_libraries", "agent", "to_thread(importlib.import_module, 'aiodocker.docker')"),
    "an unknown library": ("strange_libraries", "models.openai", "from requests import get"),
    "a variable": ("environment_reads", "agent", "import os\nos.environ['HOME']"),
    "a variable, imported": ("environment_reads", "agent", "from os import getenv"),
    "a print": ("prints", "agent", "print('hello')"),
}


@pytest.mark.parametrize(("rule", "module", "source"), FAULTS.values(), ids=FAULTS)
def test_fault_is_found(rule: str, module: str, source: str) -> None:
    """The checks above do not pass by looking away."""
    before = getattr(House(SOUND), rule)()
    after = getattr(House(SOUND | {module: f"{SOUND.get(module, '')}\n{source}"}), rule)()

    assert set(after) - set(before)
    assert before == [] or rule == "misplaced"


def test_manual_draws_the_floors() -> None:
    """docs/architecture.md has the same rooms on the same floors, the highest first."""
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page[page.index("| floor |") :].split("\n\n", 1)[0].splitlines()[2:]
    drawn = [sorted(re.findall(r"`(\w+)/?`", row.split("|")[2])) for row in table]

    assert drawn == [sorted(" ".join(steps).split()) for steps in reversed(FLOORS.values())]
