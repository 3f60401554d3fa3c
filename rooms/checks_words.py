"""Start-up check of the operator's words and reserved names, which reads them.

Knows the words; must not know where they are looked for.
"""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from rooms import words
from rooms.checks import TAG


@register(TAG)
def words_can_be_read(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The files of ROOMS_WORDS_FILE and ROOMS_LINE_WORDS_FILE are lists of words; nobody waits for them later."""
    try:
        words.lists()
    except ValueError as problem:
        hint = "Correct it, or leave the setting unset. A list of words is a text file in UTF-8 with one word a line."
        return [Error(str(problem), hint=hint, id="rooms.E028")]
    return []
