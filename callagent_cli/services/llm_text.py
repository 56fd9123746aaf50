"""What of an LLM's answer may be said to a contact: all of it, or none. Nothing is cut."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from callagent_cli.domain.text import clean
from callagent_cli.services.elevenlabs_answers import as_mapping

_FENCE = "```"
_QUOTES = {'"': '"', "“": "”"}
_LINK = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|\bmailto:|\S@\S+\.\S|\w\.[a-z]{2,}/|"
    r"\b[a-z0-9-]+\.(?:com|net|org|info|biz|io|app|dev|xyz|link|site|shop|online|top|click)\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"</?[a-z!]|```", re.IGNORECASE)
_REFUSAL = re.compile(
    r"^(?:i(?:['’]m| am) (?:very |so )?sorry|sorry|i apologi[sz]e)\b.{0,40}?"
    r"\b(?:can(?:no|['’])?t|cannot|unable)\b|"
    r"^i (?:can(?:['’]t|not)|am unable|won['’]t)\b|\bas an ai\b|\blanguage model\b",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(
    r"^(?:sure|certainly|of course|okay|here (?:is|are|you go)|here['’]s)\b[^.?]{0,60}:",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d(?:[ ().-]{0,2}\d){6,14}")
_PHONE_NAME = re.compile(
    r"(?:^|_)(?:phone|tel|telephone|mobile|cell|fax)(?:_number)?$", re.IGNORECASE
)
_MOST_CONTENT = 200_000  # more than ten texts of the longest kind, spelled in escapes
_TELLING_DIGITS = 7  # the end of a number, without country and area


class Unusable(Exception):
    """Says why; holds nothing of the text."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """names: of the variables. max_chars: of the longest text of one."""

    names: tuple[str, ...]
    max_chars: int

    def read(self, body: Mapping[str, object], facts: Mapping[str, str]) -> dict[str, str]:
        """The variables in a chat completion; raises Unusable.

        facts: what was sent: a phone number among them must not be said.
        """
        content = _unfenced(_content(body))
        if len(self.names) == 1 and not content.startswith("{"):
            texts = {self.names[0]: _unquoted(_one_paragraph(content))}
        else:
            texts = self._by_name(content)
        hidden = tuple(_phone_numbers(facts))
        return {name: self._checked(text, hidden) for name, text in texts.items()}

    def _by_name(self, content: str) -> dict[str, str]:
        try:
            answer = json.loads(content, object_pairs_hook=_no_name_twice)
        except (ValueError, RecursionError):
            raise Unusable("not the JSON that was asked for") from None
        if not isinstance(answer, dict) or set(answer) != set(self.names):
            raise Unusable("other keys than those asked for")
        if not all(isinstance(text, str) for text in answer.values()):
            raise Unusable("a value that is not text")
        return {name: answer[name] for name in self.names}

    def _checked(self, raw: str, hidden: Sequence[str]) -> str:
        text = " ".join(clean(raw, len(raw)).split())
        if len(text) > self.max_chars:
            raise Unusable(f"longer than {self.max_chars} characters")
        plain = unicodedata.normalize("NFKC", text)  # what looks like a brace is one
        if not any(c.isalnum() for c in plain):
            raise Unusable("nothing that can be said")
        for fault, pattern in _FAULTS.items():
            if pattern.search(plain):
                raise Unusable(fault)
        if _holds_number(plain, hidden):
            raise Unusable("it holds a phone number of the contact's")
        return text


_FAULTS = {
    "it holds braces": re.compile("[{}]"),  # the agent would read them as variables of its own
    "it holds a link or an address": _LINK,
    "it holds markup": _MARKUP,
    "a refusal": _REFUSAL,
    "talk about the answer": _PREAMBLE,
}


def _content(body: Mapping[str, object]) -> str:
    match body.get("choices"):
        case [dict(choice), *_]:
            message = as_mapping(choice.get("message"))
        case _:
            raise Unusable("it holds no choice")
    match choice.get("finish_reason"):
        case "stop":
            pass
        case "length":
            raise Unusable("cut off at the limit of tokens")
        case "content_filter":
            raise Unusable("held back by a content filter")
        case _:
            raise Unusable("not finished")
    if message.get("refusal") or message.get("tool_calls"):
        raise Unusable("a refusal" if message.get("refusal") else "a call of a tool")
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise Unusable("empty")
    if len(content) > _MOST_CONTENT:
        raise Unusable("far too long")
    return content


def _unfenced(content: str) -> str:
    text = content.strip()
    if not (text.startswith(_FENCE) and text.endswith(_FENCE)):
        return text
    language, _, inside = text[len(_FENCE) : -len(_FENCE)].partition("\n")
    return inside.strip() if not language.strip() or language.strip().isalnum() else text


def _unquoted(text: str) -> str:
    closing, inside = _QUOTES.get(text[:1]), text[1:-1]
    if closing is None or not inside or text[-1] != closing or closing in inside:
        return text
    return inside


def _one_paragraph(content: str) -> str:
    """Several are an answer with talk around it."""
    if re.search(r"\n\s*\n", content):
        raise Unusable("more than one paragraph")
    return content


def _no_name_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _phone_numbers(facts: Mapping[str, str]) -> Iterator[str]:
    """The last digits of each."""
    for name, value in facts.items():
        for found in _NUMBER.finditer(value):
            is_international = value[: found.start()].endswith("+")
            if is_international or _PHONE_NAME.search(name):
                yield _digits(found[0])[-_TELLING_DIGITS:]


def _holds_number(text: str, hidden: Sequence[str]) -> bool:
    said = [_digits(found[0]) for found in _NUMBER.finditer(text)]
    return any(number in digits for number in hidden for digits in said)


def _digits(text: str) -> str:
    return "".join(str(unicodedata.digit(c)) for c in text if c.isdecimal())
