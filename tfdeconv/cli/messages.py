"""What the command line says: one line for each thing, in the words of its options."""

from __future__ import annotations

import re

import click

_LONGEST = 2000


def shown(name: object) -> str:
    r"""Return a file's name as it can stand in one line: control characters as escapes.

    Example:
        >>> print(shown("two\nlines.png"))
        two\nlines.png
    """
    text = (
        click.format_filename(name)
        if isinstance(name, str | bytes) or hasattr(name, "__fspath__")
        else str(name)
    )
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def one_line(text: object, *, names: tuple[object, ...] = ()) -> str:
    r"""Return a message in one line: breaks become spaces, other control characters escapes.

    Args:
        text: The message.
        names: File names that it may hold; they keep their breaks, as escapes.

    Example:
        >>> one_line("a\nb.png cannot\n  be read", names=("a\nb.png",))
        'a\\nb.png cannot be read'
    """
    message = str(text)
    for name in names:
        message = message.replace(str(name), shown(name))
    message = " ".join(shown(message.replace("\n", " ").replace("\r", " ").replace("\t", " ")).split(" "))
    message = re.sub(" +", " ", message).strip()
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]} ..."


def in_option_words(text: str, command: click.Command | None) -> str:
    """Return a message of the library in the words of a command: ``--tile`` for ``tile``.

    Changed are a parameter's name at the beginning, and ``name=True``, which means a flag.

    Example:
        >>> command = click.Command("x", params=[click.Option(["--overwrite"], is_flag=True)])
        >>> in_option_words("a.png exists. Pass overwrite=True.", command)
        'a.png exists. Pass --overwrite.'
    """
    for parameter in [] if command is None else command.params:
        if isinstance(parameter, click.Option) and parameter.name:
            option = max(parameter.opts, key=len)
            text = re.sub(rf"\b{parameter.name}=True\b", option, text)
            text = re.sub(rf"^{parameter.name}(?= )(?! is\b)", option, text)
    return text


def error_line(
    error: object, command: click.Command | None, *, about: object = None, names: tuple[object, ...] = ()
) -> str:
    """Return the line that tells an error.

    Args:
        error: The exception.
        command: The command that runs, whose words are used.
        about: The file that it is about, where the message does not say.
        names: Files that the message may name.
    """
    text = in_option_words(one_line(error, names=names), command)
    return f"tfdeconv: error: {'' if about is None else f'{shown(about)}: '}{text}"
