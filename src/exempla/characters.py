"""Characters that are not what they seem."""

from __future__ import annotations

import re

HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad"  # controls, but tab and line feed; the soft hyphen
    "\u061c\u180e\u200b\u200e\u200f"  # marks of direction, zero width space
    "\u2028-\u202e\u2060-\u206f"  # separators; embeddings, overrides and isolates; invisible
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # byte order mark, annotations, tags
    "]"
)
"""What shows as nothing, or turns the direction of what stands around it.

Not the joiners U+200C and U+200D, which words of Persian and many an emoji need.
"""
