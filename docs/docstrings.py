"""How the site reads the package's docstrings: doctests as code, Sphinx's roles as plain names."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:func|class|meth|mod|attr|data):`~?([^`]+)`")
EXAMPLE = re.compile(r"^( *)Example:$", re.MULTILINE)
FLOW = re.compile(r"_(?:blocking|awaiting)\(Session\.(\w+)\)")


class PlainDocstrings(griffe.Extension):
    """Rewrites what Markdown would not understand, and shows the methods of the clients."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite one docstring."""
        if obj.docstring is not None:
            text = ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = EXAMPLE.sub(r"\1Examples:", text)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Show ``predict = _blocking(Session.predict)`` as a method with the session's docstring."""
        session = pkg["client.exchange.session.Session"]
        for client in (pkg["client.clients.Client"], pkg["client.clients.AsyncClient"]):
            for name, member in list(client.members.items()):
                found = FLOW.fullmatch(str(member.value)) if member.is_attribute else None
                if found is not None:
                    client.set_member(name, _method(name, member, session.all_members[found[1]]))


def _method(name: str, member: griffe.Attribute, flow: griffe.Function) -> griffe.Function:
    result = str(flow.returns).removeprefix("Flow[").removesuffix("]")
    method = griffe.Function(
        name, lineno=member.lineno, endlineno=member.endlineno, parameters=flow.parameters, returns=result
    )
    if flow.docstring is not None:
        method.docstring = griffe.Docstring(
            flow.docstring.value,
            lineno=flow.docstring.lineno,
            endlineno=flow.docstring.endlineno,
            parent=method,
            parser=flow.docstring.parser,
            parser_options=flow.docstring.parser_options,
        )
    return method
