"""Read the code blocks of a Markdown page, and run them as a reader would."""

from __future__ import annotations

import doctest
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from tfdeconv.cli import _group

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
LANGUAGES = ("pycon", "console")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and the line it starts on."""

    language: str
    text: str
    line: int


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start()) + 1) for found in FENCE.finditer(text)
    ]


def run_page(path: Path) -> list[str]:
    """Run all blocks of a page in one namespace and in the current folder; return what went wrong."""
    namespace: dict[str, object] = {}
    failures: list[str] = []
    for block in blocks(path):
        if block.language == "pycon":
            failures += _run_python(block, namespace, path.name)
        elif block.language == "console":
            failures += _run_commands(block, path.name)
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


def _run_commands(block: Block, name: str) -> list[str]:
    failures = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        program, *arguments = shlex.split(command)
        if program != "tfdeconv":
            failures.append(f"{name}:{block.line}: {program!r} is not tfdeconv")
            continue
        result = CliRunner().invoke(_group, arguments, prog_name="tfdeconv")
        problem = "" if result.exception is None else f" and {result.exception!r}"
        if result.exit_code or not doctest.OutputChecker().check_output(expected, result.stdout, OPTIONS):
            failures.append(
                f"{name}:{block.line}: $ {command}\nexpected:\n{expected}got exit code {result.exit_code}"
                f"{problem}:\n{result.output}"
            )
    return failures
