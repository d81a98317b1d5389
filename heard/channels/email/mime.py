"""Takes a mail apart (RFC 5322, RFC 2045) at a fraction of the standard library's cost.

Nothing here raises, whatever the bytes: what is broken is read as far as it goes, parts beyond the
limits are left unopened, and the work grows in proportion to the mail.
"""

from __future__ import annotations

import binascii
import email.utils
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from heard.channels.texts import decode, repair

DEEPEST, MOST_PARTS = 12, 300
LONGEST_HEADERS = 256 * 1024
LONGEST_VALUE = 16_000

Headers = Mapping[str, list[str]]
"""Values by name in lower case, unfolded; bytes that are no UTF-8 are kept as lone surrogates."""

_HEAD_END = re.compile(rb"\n\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_PARAMETER = re.compile(
    r";\s*([^\s=;\"*]{1,60})(?:\*(\d{1,3}))?(\*)?\s*=\s*(?:\"((?:[^\"\\]|\\.)*+)\"?|([^;]*))",
    re.DOTALL,
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_SIMPLE_ADDRESS = re.compile(r'\s*"?([^"<>@,;:\\()\[\]]*?)"?\s*<([^<>\s@,;]+@[^<>\s@,;]+)>\s*')
_BARE_ADDRESS = re.compile(r"[^<>\s@,;:\"()]+@[^<>\s@,;:\"()]+")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_ID = re.compile(r"<([^<>\s]+)>")
_WIDER = {
    "gb2312": "gb18030", "gbk": "gb18030", "x_gbk": "gb18030", "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949", "shift_jis": "cp932", "x_sjis": "cp932", "iso_8859_8_i": "iso_8859_8",
    "iso_8859_8_e": "iso_8859_8", "iso_8859_6_i": "iso_8859_6", "tis_620": "cp874",
    "iso_8859_11": "cp874", "x_mac_roman": "mac_roman", "iso_2022_jp": "iso2022_jp_ext",
}  # fmt: skip
"""Charsets whose name is used for a larger one that holds the same letters and more."""


@dataclass(slots=True)
class Part:
    """One node of a mail: its headers, and either its parts or its raw body."""

    headers: Headers
    body: bytes = b""
    content_type: str = "text/plain"
    parameters: Mapping[str, str] = field(default_factory=dict)
    disposition: str = ""
    file_name: str = ""
    parts: list[Part] = field(default_factory=list)

    def value(self, name: str) -> str:
        """The first value of a header, as it stands there; "" without one."""
        values = self.headers.get(name)
        return values[0] if values else ""

    @property
    def content_id(self) -> str:
        """The name by which HTML beside it points to it (RFC 2392)."""
        return self.value("content-id").strip().strip("<>")[:200]

    def content(self) -> bytes:
        """The bytes of the body without their transfer encoding (RFC 2045, section 6)."""
        encoding = self.value("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            return _from_base64(self.body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        return self.body

    def text(self) -> str:
        """The body as text, charset repaired, lines of format=flowed joined (RFC 3676)."""
        text = text_of(self.content(), self.parameters.get("charset", ""))
        if self.parameters.get("format", "").lower() == "flowed":
            return _unflowed(text, is_spaced=self.parameters.get("delsp", "").lower() != "yes")
        return text

    def walk(self) -> Iterator[Part]:
        """This part and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def taken_apart(raw: bytes) -> Part:
    """A mail as a tree of parts. A body that cannot be parted is one piece of text."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    return _part(raw, depth=0, room=[MOST_PARTS])


def headers_of(block: bytes) -> dict[str, list[str]]:
    """A block of header lines; what is no header line is left out."""
    found: dict[str, list[str]] = {}
    lines = _FOLD.sub("", block[:LONGEST_HEADERS].decode("utf-8", "surrogateescape"))
    for line in lines.split("\n"):
        name, colon, value = line.partition(":")
        if colon and name and not name[0].isspace():
            found.setdefault(name.rstrip().lower(), []).append(value.strip()[:LONGEST_VALUE])
    return found


def words(value: str) -> str:
    """A header as people read it: 8-bit bytes and encoded words (RFC 2047) decoded, on one line."""
    if not value.isascii():
        value = decode(value.encode("utf-8", "surrogateescape"))
    if "=?" in value:
        value = "".join(_encoded_words(value))
    return " ".join(repair(value).split())


def addresses(headers: Headers, *names: str) -> list[tuple[str, str]]:
    """Name and address, in small letters, of everybody in these headers, in their order."""
    found: list[tuple[str, str]] = []
    for name in names:
        for folded in headers.get(name, ()):
            value = " ".join(folded.split())
            if match := _SIMPLE_ADDRESS.fullmatch(value):
                people = [(match[1], match[2])]
            elif _BARE_ADDRESS.fullmatch(value):
                people = [("", value)]
            else:
                people = _people(value)
            for person, address in people:
                known_as = words(address).replace(" ", "").lower()[:320]
                if "@" in known_as:
                    found.append((words(person)[:200], known_as))
    return found


def ids(values: list[str] | None) -> list[str]:
    """The message ids in a header, without brackets (RFC 5322, section 3.6.4)."""
    if not values:
        return []
    value = " ".join(values)[:LONGEST_VALUE]
    found = _ID.findall(value) or [word for word in value.split()[:1] if "@" in word]
    return [repair(name) for name in found]


def text_of(content: bytes, charset: str = "") -> str:
    """Text from bytes whose charset is claimed, rightly or not."""
    claimed = charset.strip().strip("'\"").lower().replace("-", "_")
    if not claimed.startswith(("utf_16", "utf_32")):
        # Cheaper here than among the repairs, which every line of a mail would need.
        content = content.replace(b"\r\n", b"\n")
    return decode(content, charset=_WIDER.get(claimed, claimed))


def _part(raw: bytes, *, depth: int, room: list[int], default: str = "text/plain") -> Part:
    room[0] -= 1
    head, body = _head_and_body(raw)
    headers = headers_of(head)
    typed = headers.get("content-type")
    placed = headers.get("content-disposition")
    content_type, parameters = (default, {}) if not typed else _value_and_parameters(typed[0])
    if "/" not in content_type:
        content_type = default
    disposition, more = _value_and_parameters(placed[0]) if placed else ("", {})
    part = Part(
        headers=headers,
        content_type=content_type,
        parameters=parameters,
        disposition=disposition,
        file_name=words(more.get("filename") or parameters.get("name") or "")[-200:],
    )
    boundary = parameters.get("boundary", "")
    if content_type.startswith("multipart/") and boundary and depth < DEEPEST:
        inner = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
        for piece in _pieces(body, boundary.encode("utf-8", "surrogateescape")):
            if room[0] <= 0:
                break
            part.parts.append(_part(piece, depth=depth + 1, room=room, default=inner))
    if not part.parts:
        part.body = body
        if content_type.startswith("multipart/"):
            part.content_type = "text/plain"
    return part


def _head_and_body(raw: bytes) -> tuple[bytes, bytes]:
    if raw.startswith((b"\n", b"\r\n")):
        return b"", raw.partition(b"\n")[2]
    end = _HEAD_END.search(raw)
    return (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between the lines that name the boundary; a missing last line is forgiven."""
    mark = b"\n--" + boundary
    body = b"\n" + body
    begin = -1
    at = body.find(mark)
    while at >= 0:
        end = body.find(b"\n", at + 1)
        line = body[at + len(mark) : end if end >= 0 else len(body)].strip()
        if line in {b"", b"--"}:
            if begin >= 0:
                yield body[begin : max(begin, at - 1 if body[at - 1 : at] == b"\r" else at)]
            if line or end < 0:
                return
            begin = end + 1
        at = body.find(mark, at + len(mark))
    if begin >= 0:
        yield body[begin:]


def _value_and_parameters(value: str) -> tuple[str, dict[str, str]]:
    """A structured header: its value in small letters, and its parameters (RFC 2231)."""
    main, semicolon, _ = value.partition(";")
    main = main.strip().lower()[:120]
    if not semicolon:
        return main, {}
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for name, number, star, quoted, bare in _PARAMETER.findall(value):
        given = _QUOTED_PAIR.sub(r"\1", quoted) if quoted else bare.strip()
        if number or star:
            pieces.setdefault(name.lower(), []).append((int(number or 0), bool(star), given))
        else:
            plain.setdefault(name.lower(), given)
    for name, those in pieces.items():
        plain[name] = _joined(sorted(those))
    return main, plain


def _joined(pieces: list[tuple[int, bool, str]]) -> str:
    """A parameter that was cut in pieces and percent-encoded."""
    charset, content = "", b""
    for number, is_encoded, given in pieces:
        if is_encoded:
            told, rest = "", given
            if number == 0 and given.count("'") >= 2:
                told, _, rest = given.split("'", 2)
            charset = charset or told
            content += unquote_to_bytes(rest.encode("utf-8", "surrogateescape"))
        else:
            content += given.encode("utf-8", "surrogateescape")
    return text_of(content, charset)


def _encoded_words(value: str) -> Iterator[str]:
    """What stands in encoded words and around them; words side by side are one (section 6.2)."""
    end, charset, held = 0, "", b""
    for match in _ENCODED_WORD.finditer(value):
        between = value[end : match.start()]
        told = match[1].partition("*")[0].lower()
        if held and (told != charset or between.strip()):
            yield text_of(held, charset)
            held = b""
        if not end or between.strip():
            yield between
        raw = match[3].encode("utf-8", "surrogateescape")
        held += _from_base64(raw) if match[2] in "bB" else binascii.a2b_qp(raw, header=True)
        end, charset = match.end(), told
    if held:
        yield text_of(held, charset)
    yield value[end:]


def _people(value: str) -> list[tuple[str, str]]:
    try:
        people = [one for one in email.utils.getaddresses([value]) if "@" in one[1]]
    except (ValueError, IndexError, TypeError, RecursionError):
        people = []
    return people or [("", address) for address in _BARE_ADDRESS.findall(value[:2_000])]


def _from_base64(body: bytes) -> bytes:
    """Base64 as it comes: cut off, with foreign signs in it, padded wrongly."""
    for padding in (b"", b"=", b"=="):
        try:
            return binascii.a2b_base64(body + padding)
        except binascii.Error:
            continue
    signs = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    return binascii.a2b_base64(signs[: len(signs) // 4 * 4])


def _unflowed(text: str, *, is_spaced: bool) -> str:
    """Paragraphs of format=flowed on one line each; quoted and signature lines stay as they are."""
    found: list[str] = []
    is_open = False
    for line in text.split("\n"):
        is_kept = line.startswith(">") or line == "-- "
        is_soft = line.endswith(" ") and not is_kept
        said = line[:-1] if is_soft and not is_spaced else line
        said = said.removeprefix(" ")
        if is_open and not is_kept:
            found[-1] += said
        else:
            found.append(said)
        is_open = is_soft
    return "\n".join(line if line == "-- " else line.rstrip() for line in found)
