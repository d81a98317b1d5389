"""Scripts that tell the language by themselves: Thai is written in Thai, Hangul is Korean."""

from __future__ import annotations

from bisect import bisect_right

# First code point, last code point, language. Latin, Cyrillic, Arabic and Devanagari are shared
# by many languages and are told apart by their words instead.
_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x0370, 0x03FF, "el"),
    (0x0530, 0x058F, "hy"),
    (0x0590, 0x05FF, "he"),
    (0x0980, 0x09FF, "bn"),
    (0x0A00, 0x0A7F, "pa"),
    (0x0A80, 0x0AFF, "gu"),
    (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"),
    (0x0C80, 0x0CFF, "kn"),
    (0x0D00, 0x0D7F, "ml"),
    (0x0D80, 0x0DFF, "si"),
    (0x0E00, 0x0E7F, "th"),
    (0x0E80, 0x0EFF, "lo"),
    (0x1000, 0x109F, "my"),
    (0x10A0, 0x10FF, "ka"),
    (0x1100, 0x11FF, "ko"),
    (0x1200, 0x137F, "am"),
    (0x1780, 0x17FF, "km"),
    (0x1F00, 0x1FFF, "el"),
    (0x3040, 0x30FF, "ja"),
    (0x3130, 0x318F, "ko"),
    (0x3400, 0x4DBF, "zh"),
    (0x4E00, 0x9FFF, "zh"),
    (0xAC00, 0xD7AF, "ko"),
    (0xFF66, 0xFF9F, "ja"),
    (0x20000, 0x2FA1F, "zh"),
)
_FIRSTS = tuple(first for first, _, _ in _RANGES)
LANGUAGES_BY_SCRIPT = tuple(sorted({language for _, _, language in _RANGES}))


def language_of_script(word: str) -> str:
    """The language that the letters of a word give away; "" when its script is shared.

    Chinese characters beside kana are Japanese.
    """
    language = _language_of_letter(word[0])
    if language == "zh" and any(_language_of_letter(letter) == "ja" for letter in word):
        return "ja"
    return language


def _language_of_letter(letter: str) -> str:
    place = bisect_right(_FIRSTS, ord(letter)) - 1
    if place < 0:
        return ""
    _, last, language = _RANGES[place]
    return language if ord(letter) <= last else ""
