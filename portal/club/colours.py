"""The accent colour of buttons and chosen answers, within the contrast rules of WCAG 2.2 (1.4.3 text, 1.4.11 parts)."""

import re
from typing import NamedTuple

TEXT, PARTS = 4.5, 3.0
"""The least contrast of text with what it stands on, and of a button with the page around it."""


class Theme(NamedTuple):
    """What an accent stands between, as static/css/tokens.css has it: pages, sunk parts of them, letters on a button."""

    name: str
    paper: str
    sunk: str
    letters: str


LIGHT = Theme("light", "fdfcf9", "f4f2ec", "fdfcf9")
DARK = Theme("dark", "0f121d", "171b2a", "0f121d")
CHOOSE = {"light": "Choose a darker one.", "dark": "Choose a lighter one."}
"""What to do about a colour that is too faint, by the name of the theme."""
HOVER = 0.16
"""How much of the letters' colour a button takes on below the pointer (static/css/buttons.css)."""

Oklab = tuple[float, float, float]


def hex_digits(typed: str) -> str:
    """The six hex digits of a colour like #174ea6 or 174EA6; empty if it is none."""
    found = re.fullmatch(r"#?([0-9a-fA-F]{6})", typed.strip())
    return found[1].lower() if found else ""


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, "contrast ratio"), from 1 to 21."""
    lighter, darker = sorted((_luminance(_linear(one)), _luminance(_linear(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def refusal(colour: str, theme: Theme) -> str | None:
    """Why the accent would be hard to see in this theme: a sentence, or None."""
    needed = f"at least {TEXT}:1 is needed. {CHOOSE[theme.name]}"
    if (ratio := contrast(colour, theme.letters)) < TEXT:
        return f"Letters on this colour have a contrast of {_shown(ratio)}:1 on {theme.name} pages; {needed}"
    if (ratio := contrast(below_pointer(colour, theme), theme.letters)) < TEXT:
        return (
            f"Below the pointer a button takes on a little of the colour of its letters, which then have a contrast of"
            f" {_shown(ratio)}:1 on {theme.name} pages; {needed}"
        )
    beside = min(contrast(colour, theme.paper), contrast(colour, theme.sunk))
    if beside < PARTS:
        return f"This colour has a contrast of {_shown(beside)}:1 with {theme.name} pages; at least {PARTS:.0f}:1 is needed."
    return None


def below_pointer(colour: str, theme: Theme) -> str:
    """The colour of a button below the pointer: mixed with its letters' colour in Oklab, as `color-mix` does."""
    pairs = zip(_oklab(_linear(colour)), _oklab(_linear(theme.letters)), strict=True)
    mixed = [one * (1 - HOVER) + other * HOVER for one, other in pairs]
    return _hex(_from_oklab((mixed[0], mixed[1], mixed[2])))


def stylesheet(light: str, dark: str) -> str:
    """The rules that put the accents into every page; an empty one leaves the portal's own."""
    return f":root {{ --act: light-dark(#{light or '171b33'}, #{dark or 'f0ede5'}); }}\n"


def _shown(ratio: float) -> str:
    return f"{int(ratio * 10) / 10}"  # never rounded up to what would be enough


def _linear(colour: str) -> tuple[float, float, float]:
    """Red, green and blue as light, from 0 to 1 (IEC 61966-2-1)."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return _of_srgb(red), _of_srgb(green), _of_srgb(blue)


def _of_srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _hex(light: tuple[float, float, float]) -> str:
    def digits(value: float) -> str:
        value = min(max(value, 0), 1)
        srgb = value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
        return f"{round(srgb * 255):02x}"

    return "".join(map(digits, light))


def _luminance(light: tuple[float, float, float]) -> float:
    red, green, blue = light
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# The matrices of Oklab: Björn Ottosson, "A perceptual color space for image processing", as CSS Color 4 has them.
def _oklab(light: tuple[float, float, float]) -> Oklab:
    red, green, blue = light
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _from_oklab(colour: Oklab) -> tuple[float, float, float]:
    lightness, a, b = colour
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
