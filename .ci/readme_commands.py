"""Print the commands of a README: the first ```sh block that holds a given word, so that what it says is what runs.

Usage: python readme_commands.py README.md WORD
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def commands(markdown: str, word: str) -> str:
    """Return the first shell block of a text that holds the word.

    Raises:
        LookupError: there is none.
    """
    for block in re.findall(r"^```sh\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL):
        if word in block:
            return str(block)

    raise LookupError(f"no ```sh block holds {word!r}")


if __name__ == "__main__":
    readme, word = sys.argv[1:]
    print(commands(Path(readme).read_text(encoding="utf-8"), word), end="")
