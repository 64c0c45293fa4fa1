"""A picture an admin sends, judged by its bytes: PNG, JPEG or WebP, and nothing else in the same file.

Only what draws is kept: what cameras and programs write beside it (where it was taken, by whom) goes, and so does whatever
stands behind the picture's end, where a file can be something else at the same time.
"""

import struct
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from portal.problems import Refused

MOST_BYTES = 500_000
MOST_PIXELS = 4000
"""The longest side."""


class Picture(NamedTuple):
    """What is kept of a picture; `digest` is the SHA-256 of `content`, in hex."""

    media_type: str
    width: int
    height: int
    content: bytes

    @property
    def digest(self) -> str:
        """Names the picture."""
        return sha256(self.content).hexdigest()


class TooBig(Refused):
    """The picture has more than 500 kB. Make it smaller, or choose a stronger compression."""


class TooLarge(Refused):
    """The picture is larger than 4,000 pixels on a side. Make it smaller."""


class NoPicture(Refused):
    """This is not a picture we can show: choose a PNG, JPEG or WebP file."""


class Moving(Refused):
    """Moving pictures are not shown here. Choose one that stands still."""


def read(content: bytes) -> Picture:
    """What is kept of a picture. Raises `Refused`."""
    if len(content) > MOST_BYTES:
        raise TooBig
    try:
        picture = _png(content) or _jpeg(content) or _webp(content)
    except (struct.error, IndexError, ValueError) as broken:
        raise NoPicture from broken
    if picture is None or min(picture.width, picture.height) < 1:
        raise NoPicture
    if max(picture.width, picture.height) > MOST_PIXELS:
        raise TooLarge
    return picture


# --- PNG (ISO/IEC 15948, 5) ------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DRAWS = (b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"IDAT", b"IEND")


def _png(content: bytes) -> Picture | None:
    if not content.startswith(PNG):
        return None
    chunks = list(_png_chunks(content))
    kinds = [kind for kind, _body in chunks]
    if b"acTL" in kinds:
        raise Moving
    if kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or b"IDAT" not in kinds:
        raise NoPicture
    width, height = struct.unpack(">II", chunks[0][1][8:16])
    return Picture("image/png", width, height, PNG + b"".join(body for kind, body in chunks if kind in _PNG_DRAWS))


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's kind and the whole of it, up to the one that ends the picture."""
    at, kind = len(PNG), b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", content, at)
        whole = content[at : at + length + 12]
        if len(whole) != length + 12:
            raise NoPicture
        kind = whole[4:8]
        yield kind, whole
        at += len(whole)


# --- JPEG (ITU-T T.81, B) --------------------------------------------------------------------------------------------

_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Sequential and progressive Huffman frames: what browsers draw."""
_APP0, _APP14, _APP15, _COMMENT, _SCAN, _END = 0xE0, 0xEE, 0xEF, 0xFE, 0xDA, 0xD9


def _jpeg(content: bytes) -> Picture | None:
    if not content.startswith(b"\xff\xd8\xff"):
        return None
    kept, at, size = [b"\xff\xd8"], 2, None
    while True:
        if content[at] != 0xFF:
            raise NoPicture
        marker = content[at + 1]
        if marker == 0xFF:  # a marker may be filled up in front
            at += 1
            continue
        if marker == _END:
            break
        (length,) = struct.unpack_from(">H", content, at + 2)
        segment = content[at : at + 2 + length]
        if len(segment) != 2 + length or length < 2:
            raise NoPicture
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", segment, 5)
            size = (width, height)
        at += len(segment)
        if marker == _SCAN:
            end = _end_of_scan(content, at)
            segment += content[at:end]
            at = end
        if marker == _APP14 or not (_APP0 < marker <= _APP15 or marker == _COMMENT):
            kept.append(segment)
    if size is None:
        raise NoPicture
    return Picture("image/jpeg", *size, b"".join([*kept, b"\xff\xd9"]))


def _end_of_scan(content: bytes, at: int) -> int:
    """Where the next marker stands; stuffed bytes and restarts belong to the scan."""
    while True:
        at = content.index(b"\xff", at)
        following = content[at + 1]
        if following != 0 and not 0xD0 <= following <= 0xD7 and following != 0xFF:
            return at
        at += 1 if following == 0xFF else 2


# --- WebP (RFC 9649, 2) ----------------------------------------------------------------------------------------------

_ALPHA_FLAG, _MOVES_FLAG = 0x10, 0x02


def _webp(content: bytes) -> Picture | None:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    (length,) = struct.unpack_from("<I", content, 4)
    chunks = dict(_webp_chunks(content[12 : 8 + length]))
    if b"ANIM" in chunks or b"ANMF" in chunks:
        raise Moving
    kind = next((kind for kind in (b"VP8 ", b"VP8L") if kind in chunks), None)
    if kind is None:
        raise NoPicture
    width, height = _vp8(chunks[kind]) if kind == b"VP8 " else _vp8l(chunks[kind])
    body = _chunk(kind, chunks[kind])
    if kind == b"VP8 " and b"ALPH" in chunks:
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = _chunk(b"VP8X", bytes([_ALPHA_FLAG, 0, 0, 0]) + sides) + _chunk(b"ALPH", chunks[b"ALPH"]) + body
    return Picture("image/webp", width, height, b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body)


def _webp_chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(body):
        (length,) = struct.unpack_from("<I", body, at + 4)
        inside = body[at + 8 : at + 8 + length]
        if len(inside) != length:
            raise NoPicture
        yield body[at : at + 4], inside
        at += 8 + length + length % 2


def _chunk(kind: bytes, inside: bytes) -> bytes:
    return kind + struct.pack("<I", len(inside)) + inside + b"\0" * (len(inside) % 2)


def _vp8(frame: bytes) -> tuple[int, int]:
    """Width and height in the head of a key frame (RFC 6386, 9.1)."""
    if frame[3:6] != b"\x9d\x01\x2a":
        raise NoPicture
    width, height = struct.unpack_from("<HH", frame, 6)
    return width & 0x3FFF, height & 0x3FFF


def _vp8l(frame: bytes) -> tuple[int, int]:
    """Width and height in the head of a lossless image (RFC 9649, 3.4)."""
    if frame[0] != 0x2F:
        raise NoPicture
    (bits,) = struct.unpack_from("<I", frame, 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
