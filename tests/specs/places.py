"""Where a text stands in a shipped architecture."""

from codesign.specs.catalogue import architecture_path


def position(name: str, text: str, within: str = "") -> str:
    """`line:column` of the first place of a text, or of a part of it, in a shipped file."""
    content = architecture_path(name).read_text()
    start = content.index(text) + text.index(within)
    line_start = content.rfind("\n", 0, start) + 1
    return f"{content.count(chr(10), 0, start) + 1}:{start - line_start + 1}"
