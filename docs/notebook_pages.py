"""Run the notebooks of the site and show them as pages; `python docs/notebook_pages.py` stores outputs."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import nbformat

FOLDER = Path(__file__).with_name("notebooks")
TIMEOUT = 240
"""Seconds for a cell."""


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Return the notebook with the outputs of a new kernel that works in ``folder``; an error is raised."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=TIMEOUT, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times
        if cell.cell_type == "code":
            cell.outputs = _cleaned(cell.outputs)
    return notebook


def _cleaned(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """What was printed, as one text, and pictures; not what libraries log."""
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    kept = [output for output in outputs if "image/png" in output.get("data", {})]
    if printed:
        kept.insert(0, nbformat.v4.new_output("stream", name="stdout", text=printed))
    return kept


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell printed."""
    return "".join(output.text for output in cell.get("outputs", []) if output.output_type == "stream")


def page(path: Path) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as Markdown, and its pictures: name -> PNG."""
    notebook = nbformat.read(path, as_version=4)
    parts, pictures = [], {}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        if printed(cell):
            parts.append(f"```text\n{printed(cell).rstrip()}\n```")
        for output in cell.outputs:
            if "data" in output:
                name = f"{path.stem}-{index}.png"
                pictures[name] = base64.b64decode(output.data["image/png"])
                parts.append(f"![What the cell above draws]({name}){{ width=640 }}")
    download = (
        f"[Download this notebook]({path.name}){{ download }} to run it: it needs `pip install notebook`."
    )
    return "\n\n".join([parts[0], download, *parts[1:], ""]), pictures


def main() -> None:
    """Run every notebook and store its outputs."""
    import tempfile

    for path in sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(run(path, Path(folder)), path)
        sys.stdout.write(f"ran {path.name}\n")


if __name__ == "__main__":
    main()
