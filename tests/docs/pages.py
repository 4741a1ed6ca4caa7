"""Read the code blocks of a Markdown page, and run them as a reader would.

- ``pycon`` blocks are doctests that share one namespace.
- ``console`` blocks hold commands and what they print: ``tfdeconv``, run in this process, and ``curl``,
  which asks the page's own ``server`` where it says ``localhost:8501``.
- A block with ``title="FILE"`` is written to that file, whatever its language.
- ``<!-- needs: MODULE -->`` names a module without which the page cannot run.
"""

from __future__ import annotations

import doctest
import importlib.util
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tfdeconv.cli import _group

FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([\w.]+)"')
NEEDS = re.compile(r"^<!-- needs: ([\w.]+) -->$", re.MULTILINE)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
LANGUAGES = ("pycon", "console")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, the line it starts on, and the file that it is."""

    language: str
    text: str
    line: int
    file: str | None = None


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(found[1], found[3], text.count("\n", 0, found.start()) + 1, _file(found[2]))
        for found in FENCE.finditer(text)
    ]


def _file(options: str) -> str | None:
    title = TITLE.search(options)
    return title and title[1]


def missing(path: Path) -> list[str]:
    """Modules, and ``curl``, that a page cannot run without and that are not here."""
    text = path.read_text(encoding="utf-8")
    modules = [name for name in NEEDS.findall(text) if not importlib.util.find_spec(name)]
    return modules + ["curl"] * ("\n$ curl " in text and not shutil.which("curl"))


def run_page(path: Path) -> list[str]:
    """Run all blocks of a page in one namespace and in the current folder; return what went wrong."""
    namespace: dict[str, object] = {}
    failures: list[str] = []
    for block in blocks(path):
        if block.file is not None:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "pycon":
            failures += _run_python(block, namespace, path.name)
        elif block.language == "console":
            failures += _run_commands(block, namespace, path.name)
        else:
            failures.append(f"{path.name}:{block.line}: {block.language!r} is not one of {LANGUAGES}")
    return failures


def _run_python(block: Block, namespace: dict[str, object], name: str) -> list[str]:
    if ">>>" not in block.text:
        return [f"{name}:{block.line}: no prompt"]
    test = doctest.DocTestParser().get_doctest(block.text, namespace, name, name, block.line)
    test.globs = namespace  # what one block defines, the next one sees
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS, verbose=False).run(test, out=report.append, clear_globs=False)
    return ["".join(report)] if report else []


def _run_commands(block: Block, namespace: dict[str, object], name: str) -> list[str]:
    failures = []
    for part in re.split(r"^\$ ", block.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        program, *arguments = shlex.split(command)
        if program == "tfdeconv":
            problem, output = _run_tfdeconv(arguments)
        elif program == "curl":
            problem, output = _run_curl(arguments, namespace["server"])
        else:
            failures.append(f"{name}:{block.line}: {program!r} is neither tfdeconv nor curl")
            continue
        if problem or not doctest.OutputChecker().check_output(expected, output, OPTIONS):
            failures.append(f"{name}:{block.line}: $ {command}\nexpected:\n{expected}got{problem}:\n{output}")
    return failures


def _run_tfdeconv(arguments: list[str]) -> tuple[str, str]:
    """What went wrong, and the output."""
    result = CliRunner().invoke(_group, arguments, prog_name="tfdeconv")
    problem = f" exit code {result.exit_code}" if result.exit_code else ""
    if result.exception is not None:
        problem += f" and {result.exception!r}"
    return problem, result.output if problem else result.stdout


def _run_curl(arguments: list[str], server: Any) -> tuple[str, str]:
    command = [
        "curl",
        *(part.replace("localhost:8501", f"127.0.0.1:{server.rest_port}") for part in arguments),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    problem = f" exit code {result.returncode}" if result.returncode else ""
    return problem, result.stdout + (result.stderr if problem else "")
