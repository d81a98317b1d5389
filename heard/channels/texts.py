"""Turns what a place or a file sent into plain text that a person can read and a database can keep.

Nothing here raises, whatever the bytes; every function costs in proportion to its input; and what
has been repaired once is not changed by a second repair.
"""

from __future__ import annotations

import html as entities
import re

# Signs that a text was read in the wrong encoding, or holds what no text should hold. Ordinary
# text of any language passes this one look and is handed back as it is. It looks for the last sign
# of a pair and then back: a pattern that begins with one class is searched for several times as
# quickly as one that begins with a choice.
_NEVER = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff"
_AFTER_LATIN = "\xa0-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_AFTER_CYRILLIC = "\xa0-\xbf€‚ƒ„…†‡‰‹‘’“”•–—™›ЂЃѓЉЊЌЋЏђљњќћџЎўЈҐЄЇІіґєјЅѕї"
_ODD = re.compile(
    f"[{_NEVER}{_AFTER_LATIN}{_AFTER_CYRILLIC}]"
    f"(?:(?<=[{_NEVER}])|(?<=[\xc2-\xf4][{_AFTER_LATIN}])|(?<=[РС][{_AFTER_CYRILLIC}]))"
)
_SURROGATE = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")
_LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f\ufeff]")
_C1 = re.compile("[\x80-\x9f]")

# Python refuses to read numbers of thousands of digits, and says so with an exception.
_HUGE_ENTITY = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# Python knows these as text encodings too, but no mail means them: some warn, some take long.
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})


def charset_of(start: bytes) -> str:
    """The encoding that the byte order mark at the start of a file names; "" if it has none."""
    return next((name for mark, name in _BYTE_ORDER_MARKS if start.startswith(mark)), "")


def decode(content: bytes, *, charset: str = "") -> str:
    """Text from bytes: by their byte order mark, the charset they claim, UTF-8, Windows-1252."""
    claimed = charset.strip().lower().replace("-", "_")
    for name in (charset_of(content), "" if claimed in _NOT_CHARSETS else claimed, "utf-8"):
        if not name:
            continue
        try:
            return repair(content.decode(name))
        except (LookupError, ValueError):
            continue
    return repair(content.decode("latin-1"))


def repair(text: str) -> str:
    """The text without damage: double encoding undone, line feeds as line ends, no controls.

    Bytes that Python kept as lone surrogates (`errors="surrogateescape"`) are taken for
    Windows-1252, which is what stray bytes in exports nearly always are.
    """
    if text.isascii() and (
        text.isprintable() or text.replace("\n", " ").replace("\t", " ").isprintable()
    ):
        return text
    while _ODD.search(text):
        repaired = _repaired_once(text)
        if repaired == text:
            break
        text = repaired
    return text


def plain(html: str) -> str:
    """What a person would read in a piece of HTML: paragraphs, lists, quotes ("> "), no markup.

    Text without any tag keeps its own line breaks. Markup that is broken is read as browsers do
    where that is cheap, and is otherwise left standing as text.
    """
    if "<" not in html:
        return repair(without_entities(html)).strip()
    return repair(_Page(html).text()).strip()


def without_entities(text: str) -> str:
    """`&amp;` and its like as the characters they stand for; nothing else is changed."""
    if "&" not in text:
        return text
    return entities.unescape(_HUGE_ENTITY.sub("\ufffd", text))


def _repaired_once(text: str) -> str:
    text = _SURROGATE.sub(_character, text)
    if not text.isascii():
        # Line by line, because archives mix sound and doubly encoded lines in one text.
        text = "\n".join(_decoded(line) if _ODD.search(line) else line for line in text.split("\n"))
        text = _C1.sub(lambda match: _windows(ord(match[0])), text)
    return _CONTROL.sub("", _LINE_BREAK.sub("\n", text))


def _decoded(line: str) -> str:
    import ftfy  # noqa: PLC0415 - 3 MB that a process which meets no such line need not carry

    return ftfy.fix_encoding(line)


def _character(match: re.Match[str]) -> str:
    if len(match[0]) == 2:
        return match[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    code = ord(match[0])
    return _windows(code - 0xDC00) if 0xDC80 <= code <= 0xDCFF else "\ufffd"


def _windows(byte: int) -> str:
    return bytes([byte]).decode("cp1252", "ignore")


# A tag never reaches past the next "<", so that scanning stays linear on hostile input.
_TAG = re.compile(
    r"<(?:(!--)"
    r"|(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+|[^<>]*)>"
    r"|[!?][^<>]*>)"
)
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]{1,200})\"|'([^']{1,200})')", re.IGNORECASE)
_UNSEEN = frozenset({"script", "style", "title", "template", "textarea"})
_END_OF = {name: re.compile(f"</{name}[^<>]*>", re.IGNORECASE) for name in _UNSEEN}
_RULE = "---"
_LINES = frozenset({"div", "tr", "dt", "dd", "br", "option", "caption", "address", "figcaption"})
_PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ul", "ol", "dl", "table", "section", "article"}
    | {"header", "footer", "aside", "main", "form", "fieldset", "figure", "details"}
)
_DEEPEST_QUOTE = 5


class _Page:
    """One walk over the tags of a page, line by line."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.preformatted = 0
        self.bullet = ""

    def text(self) -> str:
        html, at = self.html, 0
        search = _TAG.search
        while match := search(html, at):
            self.line.append(html[at : match.start()])
            at = match.end()
            comment, closing, name, attributes = match.groups()
            if comment:
                end = html.find("-->", at)
                at = end + 3 if end >= 0 else len(html)
            elif name:
                name = name.lower()
                if name in _UNSEEN and not closing:
                    end_tag = _END_OF[name].search(html, at)
                    at = end_tag.end() if end_tag else len(html)
                else:
                    self._tag(name, attributes, closing=bool(closing))
        self.line.append(html[at:])
        self._end_line()
        return "\n".join(self.lines)

    def _tag(self, name: str, attributes: str, *, closing: bool) -> None:
        if name in _PARAGRAPHS:
            self._end_paragraph()
            if name == "hr":
                self.lines += [_RULE, ""]
        elif name in _LINES:
            self._end_line()
        elif name == "li":
            self._end_line()
            self.bullet = "" if closing else "- "
        elif name == "blockquote":
            self._end_paragraph()
            self.quotes = max(0, self.quotes + (-1 if closing else 1))
        elif name == "pre":
            self._end_paragraph()
            self.preformatted = max(0, self.preformatted + (-1 if closing else 1))
        elif name in {"td", "th"}:
            self.line.append(" ")
        elif name == "img":
            alt = _ALT.search(attributes)
            self.line.append(f"[{alt[1] or alt[2]}]" if alt else "[image]")

    def _end_line(self) -> None:
        text = without_entities("".join(self.line))
        self.line.clear()
        start = "> " * min(self.quotes, _DEEPEST_QUOTE)
        for words in text.splitlines() if self.preformatted else (" ".join(text.split()),):
            if words:
                self.lines.append(f"{start}{self.bullet}{words}")
                self.bullet = ""

    def _end_paragraph(self) -> None:
        self._end_line()
        if self.lines and self.lines[-1]:
            self.lines.append("")
