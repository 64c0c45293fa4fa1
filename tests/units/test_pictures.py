"""Pictures an admin sends: what is shown of them, and what is none."""

import pytest

from portal.club.picture import MOST_BYTES, read
from portal.problems import Refused
from tests.support.pictures import chunk, jpeg, png, segment, vp8, vp8l, webp, webp_chunk

PLACE = b"GPS 41.01 N 28.97 E"
ALPHA = webp_chunk(b"VP8X", b"\x10\0\0\0" + b"\x09\0\0\x09\0\0") + webp_chunk(b"ALPH", b"alpha")


@pytest.mark.parametrize(
    ("content", "kind", "size"),
    [
        (png(300, 200), "image/png", (300, 200)),
        (png(4000, 4000), "image/png", (4000, 4000)),
        (jpeg(640, 480), "image/jpeg", (640, 480)),
        (webp(vp8(320, 240)), "image/webp", (320, 240)),
        (webp(vp8l(320, 241)), "image/webp", (320, 241)),
        (webp(ALPHA, vp8(10, 10)), "image/webp", (10, 10)),
    ],
)
def test_a_picture_is_kept_as_it_is(content, kind, size):
    picture = read(content)
    assert (picture.media_type, (picture.width, picture.height), picture.content) == (kind, size, content)


@pytest.mark.parametrize(
    ("content", "bare"),
    [
        (png(30, 20, chunk(b"tEXt", PLACE), chunk(b"eXIf", PLACE)), png(30, 20)),
        (jpeg(30, 20, segment(0xE1, b"Exif\0\0" + PLACE), segment(0xFE, PLACE)), jpeg(30, 20)),
        (webp(vp8l(30, 20), webp_chunk(b"EXIF", PLACE), webp_chunk(b"XMP ", PLACE)), webp(vp8l(30, 20))),
    ],
)
def test_what_a_camera_wrote_beside_it_is_not(content, bare):
    assert PLACE in content and read(content).content == bare


@pytest.mark.parametrize("whole", [png(30, 20), jpeg(30, 20), webp(vp8l(30, 20))])
@pytest.mark.parametrize("more", [b"<script>alert(1)</script>", b"PK\x05\x06" + b"\0" * 18, b"%PDF-1.7\n"])
def test_what_stands_behind_its_end_is_not_either(whole, more):
    assert read(whole + more).content == whole


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"GIF89a\x01\0\x01\0\0\0\0;",
        b"%PDF-1.7",
        b"BM" + b"\0" * 60,
        b"\0\0\0\x1cftypavif",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n<svg onload=alert(1)>",
        png(30, 20)[:-6],
        png(0, 20),
        png(30, 20).replace(b"IDAT", b"JDAT"),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\xff\xff<script>",
        jpeg(30, 20)[:-2],
        jpeg(0, 20),
        webp(),
        webp(webp_chunk(b"VP8L", b"\0\0\0\0\0")),
        webp(vp8(30, 20))[:-4],
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        b"RIFF\x04\0\0\0WAVE",
    ],
)
def test_what_is_none_is_refused(content):
    with pytest.raises(Refused, match="not a picture we can show"):
        read(content)


@pytest.mark.parametrize(
    "content", [png(30, 20, chunk(b"acTL", b"\0" * 8)), webp(webp_chunk(b"ANIM", b"\0" * 6), vp8(9, 9))]
)
def test_what_moves_is_refused(content):
    with pytest.raises(Refused, match="Moving"):
        read(content)


@pytest.mark.parametrize("content", [png(4001, 1), png(2**31, 2**31), jpeg(65_535, 65_535), webp(vp8l(16_384, 16_384))])
def test_what_would_fill_a_browsers_memory_is_refused(content):
    with pytest.raises(Refused, match="4,000 pixels"):
        read(content)


def test_what_is_too_big_is_refused():
    with pytest.raises(Refused, match="500 kB"):
        read(png(30, 20) + b"\0" * MOST_BYTES)
