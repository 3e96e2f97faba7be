"""``python -m minilora.cli``: the same as ``minilora``, where the package is not installed as a command."""

from .main import main

main()
