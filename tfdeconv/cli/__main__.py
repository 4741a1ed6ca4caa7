"""``python -m tfdeconv.cli``: the same as the ``tfdeconv`` command."""

from tfdeconv.cli import main

main()
