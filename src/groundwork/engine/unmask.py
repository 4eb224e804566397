"""What a text says once its disguises are off: look-alike letters, invisible characters, spaced letters, digits for letters, encodings.

The detectors read the result beside nothing else, so a disguise gains an attacker nothing where it is known here. What decodes to no readable
text stays as it is.
Not covered: ciphers with a key, pictures of text, acrostics, languages other than those that the look-alikes imitate.
"""

import base64
import binascii
import codecs
import re
import unicodedata

from groundwork.core.text import STOPWORDS

_LOOKALIKES = str.maketrans(
    "асеорхуіјѕԁһκοανιτρυнВАЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aceopxyijsdhkoavitpuhBAEKMHOPCTXIJSABEZHIKMNOPTYX",
)
_FOREIGN = re.compile(r"[\u0370-\u052f]")
_WORD = re.compile(r"[^\W_]+")
_LEET = str.maketrans("013457@$!", "oieastasi")
_LEETED = re.compile(r"[A-Za-z0-9@$!]*(?:[A-Za-z][013457@$!]|[013457@$!][A-Za-z])[A-Za-z0-9@$!]*")
_LEET_WORD = re.compile(r"[A-Za-z0-9@$]+(?:![A-Za-z0-9@$]+)*")
_SPACED = re.compile(r"(?<![^\W_])[^\W\d_](?P<gap>[ ._-])(?:[^\W\d_](?P=gap))+[^\W\d_](?![^\W_])")
_LONG_SPACED = 7
"""From four spaced letters on, somebody spaces letters on purpose; then shorter words are joined too."""
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{16,}={0,2}(?![A-Za-z0-9+/=])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}[ ]?){8,}(?![0-9A-Za-z])")
_SEGMENT = re.compile(r"[^\n:.!?]+")
_RUN = re.compile(r"\S{200,}")
_KEPT = 64
"""Characters that stay of a long run without blanks: pictures and keys say nothing, and would cost a second."""
_COMMON = STOPWORDS | {
    "ignore",
    "instructions",
    "rules",
    "system",
    "prompt",
    "tell",
    "say",
    "write",
    "print",
    "password",
    "show",
    "previous",
}
_READABLE = 0.9


def unmask(text: str) -> str:
    """The text as a model might read it. Plain English comes back with its width and invisible characters folded, and nothing else."""
    text = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) not in {"Cf", "Mn"})
    if _FOREIGN.search(text):
        text = _latin(text)
    if any(len(found.group()) >= _LONG_SPACED for found in _SPACED.finditer(text)):
        text = _SPACED.sub(lambda found: found.group().replace(found["gap"], ""), text)
    text = _BASE64.sub(_from_base64, text)
    text = _HEX.sub(_from_hex, text)
    text = _unleet(text)
    text = _SEGMENT.sub(_turned, text)
    return _RUN.sub(lambda found: found.group()[:_KEPT], text)


def _latin(text: str) -> str:
    """Cyrillic and Greek look-alikes as the Latin letters they imitate, where the word or most of the text is Latin."""
    letters = [letter for letter in text if letter.isalpha()]
    mostly = 2 * sum(letter < "\u0370" for letter in letters) > len(letters)

    def change(found: re.Match[str]) -> str:
        word = found.group()
        turned = word.translate(_LOOKALIKES)
        mixed = any(letter < "\u0370" and letter.isalpha() for letter in word)
        whole = not _FOREIGN.search(turned)
        return turned if _FOREIGN.search(word) and (mixed or (whole and mostly)) else word

    changed = _WORD.sub(change, text)
    turned = text.translate(_LOOKALIKES)
    return turned if _share(turned) > max(_share(changed), 0.25) else changed


def _from_base64(found: re.Match[str]) -> str:
    written = found.group()
    try:
        data = base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except (binascii.Error, ValueError):
        return written
    return _readable(data) or written


def _from_hex(found: re.Match[str]) -> str:
    try:
        return _readable(bytes.fromhex(found.group().replace(" ", ""))) or found.group()
    except ValueError:
        return found.group()


def _readable(data: bytes) -> str:
    """Bytes as text, where they are text."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    plain = sum(letter.isalpha() or letter.isspace() for letter in text)
    return f" {text} " if text and plain >= (_READABLE - 0.15) * len(text) and text.isprintable() | ("\n" in text) else ""


def _unleet(text: str) -> str:
    """Digits for letters, where a fifth of the words has them and the words read better without."""
    total = len(_WORD.findall(text))
    found = _LEETED.findall(text)
    if 5 * len(found) < total or not found:
        return text
    turned = _LEET_WORD.sub(
        lambda one: one.group() if one.group().isdigit() and len(one.group()) > 2 else one.group().replace("11", "ll").translate(_LEET),
        text,
    )
    return turned if _share(turned) > _share(text) else text


def _turned(found: re.Match[str]) -> str:
    """A segment that reads as English only by ROT13, or from its end."""
    written = found.group()
    if len(written) > 4000 or written.count(" ") < 2 or _share(written) >= 0.2:
        return written
    best = max((codecs.encode(written, "rot13"), written[::-1]), key=_share)
    return best if _share(best) >= 0.3 else written


def _share(text: str) -> float:
    """How much of a text is common English words."""
    listed = _WORD.findall(text.casefold())
    return sum(word in _COMMON for word in listed) / len(listed) if listed else 0.0
