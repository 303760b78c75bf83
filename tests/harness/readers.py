"""Two readers of request streams that share nothing with ours: one strict, one that forgives."""

from __future__ import annotations

from dataclasses import dataclass, field

import httptools


@dataclass
class Message:
    """One request as a reader understood it."""

    method: str
    target: str
    body: bytes = b""
    is_whole: bool = False


@dataclass
class StrictReader:
    """llhttp; raises on whatever it does not like."""

    messages: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""

    def feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._parser = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_headers_complete(self) -> None:
        method = self._parser.get_method().decode()
        self.messages.append(Message(method, self._target.decode("latin-1")))
        self._target = b""

    def on_body(self, data: bytes) -> None:
        self.messages[-1].body += data

    def on_message_complete(self) -> None:
        self.messages[-1].is_whole = True


@dataclass
class LenientReader:
    """Takes bare line ends, blanks around names, ``_`` for ``-`` and any spelling of chunked."""

    messages: list[Message] = field(default_factory=list)
    _held: bytes = b""
    _left: int = 0
    _is_chunked: bool = False
    _is_trailing: bool = False

    def feed(self, data: bytes) -> None:
        self._held += data
        while self._step():
            pass

    def _step(self) -> bool:
        if self._left:
            taken, self._held = self._held[: self._left], self._held[self._left :]
            self.messages[-1].body += taken
            self._left -= len(taken)
            if not self._left and not self._is_chunked:
                self.messages[-1].is_whole = True
            return bool(taken)
        if self._is_chunked:
            return self._chunk_line()
        return self._head()

    def _line(self) -> bytes | None:
        ends = [end for end in (self._held.find(b"\n"), self._held.find(b"\r")) if end >= 0]
        if not ends:
            return None
        end = min(ends)
        line, rest = self._held[:end], self._held[end:]
        self._held = rest[2:] if rest.startswith(b"\r\n") else rest[1:]
        return line

    def _chunk_line(self) -> bool:
        if self._held == b"\r":
            return False
        line = self._line()
        if line is None:
            return False
        if self._is_trailing:
            if not line:
                self._is_chunked = self._is_trailing = False
                self.messages[-1].is_whole = True
        elif line:
            self._left = int(line.split(b";")[0].strip(), 16)
            self._is_trailing = not self._left
        return True

    def _head(self) -> bool:
        kept = self._held
        lines: list[bytes] = []
        while True:
            line = self._line()
            if line is None:
                self._held = kept
                return False
            if not line and lines:
                break
            if line:
                lines.append(line)
        method, target = lines[0].split(b" ")[:2]
        self.messages.append(Message(method.decode(), target.decode("latin-1")))
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            name = name.strip().lower().replace(b"_", b"-")
            if name == b"transfer-encoding" and b"chunked" in value.lower():
                self._is_chunked = True
            elif name == b"content-length" and not self._is_chunked:
                self._left = int(value.strip())
        if self._is_chunked:
            self._left = 0
        elif not self._left:
            self.messages[-1].is_whole = True
        return True
