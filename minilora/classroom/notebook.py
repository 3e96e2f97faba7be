"""Notebooks, written by hand: the format is JSON, and what is needed of it fits a page (nbformat 4.5).

Comes before ``handout.py`` and the exports, which say what goes into the cells.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NotebookCell:
    """kind: "markdown", "code" or "raw". metadata: as notebooks have it, such as {"tags": [...]}."""

    kind: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def notebook_text(cells: Sequence[NotebookCell]) -> str:
    """The text of an .ipynb file with these cells. The same cells give the same bytes: cell ids are counted, not drawn."""
    written = []
    for number, cell in enumerate(cells):
        entry: dict[str, Any] = {
            "cell_type": cell.kind,
            "id": f"cell-{number}",
            "metadata": dict(cell.metadata),
            "source": cell.text.splitlines(keepends=True),
        }
        if cell.kind == "code":
            entry |= {"execution_count": None, "outputs": []}
        written.append(entry)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": written, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
