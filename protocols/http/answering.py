"""The answer to one request on its way to the client: the upstream's, or one of ours."""

from __future__ import annotations

from typing import Final

from protocols.http.account import Account
from protocols.http.answer import CLOSE, KEEP_ALIVE, Answer
from protocols.http.forward import evaluated
from protocols.http.options import HttpOptions
from protocols.http.record import Stream, stream_of
from protocols.http.wire.body import Body, EndlessBody, chunk
from protocols.http.wire.head import Fields
from protocols.http.wire.response import ResponseHead

MOST_DISCARDED: Final = 256 * 1024
_JOIN_BELOW: Final = 64 * 1024
_END: Final = (b"", b"")


class Answering(Account):
    """The half of an exchange that faces the client."""

    is_sent = False
    is_begun = False
    _is_chunking = False

    @property
    def wants_payload(self) -> bool:
        """Whether the client does not know chunks."""
        return self.request.head.is_http10

    def interim(self, head: ResponseHead) -> None:
        """Relay a 1xx answer to a client that knows them."""
        if not self.request.head.is_http10:
            self._client.write(b"\r\n".join((head.line, *head.fields.kept, b"", b"")))

    def begin_answer(self, head: ResponseHead, body: Body | None) -> bytes:
        """Take the final head; return what the client gets for it."""
        options: HttpOptions = self.gate.options
        fields = head.fields
        self._status = head.status
        self._first_byte = self._site.monotonic()
        lines = [head.line, *fields.kept, *options.response_lines]
        if fields.taken:
            self._look_at(fields)
        if options.response_evals:
            self._add_evaluated(lines, options)
        if body is not None and fields.length is not None:
            lines.append(b"Content-Length: %d" % fields.length)
        else:
            self._add_framing(lines, head, body)
        if not self.is_sent and self.request.head.expects_continue and not self._body_bytes:
            # Whether the body still comes is the client's choice, and cannot be told apart.
            self._client.is_last = True
        if self._client.is_last or self.request.head.is_http10:
            lines += self._closing()
        if options.shows_response:
            self._response_head = head
        lines += _END
        return b"\r\n".join(lines)

    def _look_at(self, fields: Fields) -> None:
        media = fields.taken.get(b"content-type")
        if media is not None:
            self._content_type = media[0]
        stream = stream_of(fields)
        if stream is not Stream.NONE:
            self._stream = stream
            self._open_stream()

    def _add_evaluated(self, lines: list[bytes], options: HttpOptions) -> None:
        assert self._who is not None, "the request was allowed"
        for name, program in options.response_evals:
            value = evaluated(self.gate, self._who, self.request, program)
            if value is not None:
                lines.append(b"%b: %b" % (name, value))

    def _add_framing(self, lines: list[bytes], head: ResponseHead, body: Body | None) -> None:
        """Say how an answer without length, or without body, ends."""
        is_http10 = self.request.head.is_http10
        length = head.fields.length
        if body is None:
            if length is not None and head.status != 204:
                lines.append(b"Content-Length: %d" % length)
            elif head.fields.is_chunked and not is_http10:
                lines.append(b"Transfer-Encoding: chunked")
        elif is_http10:
            self._client.is_last = True
        else:
            self._is_chunking = isinstance(body, EndlessBody)
            lines.append(b"Transfer-Encoding: chunked")

    def _closing(self) -> tuple[bytes, ...]:
        if self._client.is_last:
            return (CLOSE,)
        return (KEEP_ALIVE,) if self.request.head.is_http10 else ()

    def send(self, opening: bytes, data: bytes) -> None:
        """Send the client its head, if not sent yet, and body bytes."""
        self.is_begun = True
        self._answer_bytes += len(data)
        if self._is_chunking and data:
            data = chunk(data)
        if opening and len(data) > _JOIN_BELOW:
            self._client.write(opening)
            self._client.write(data)
        else:
            self._client.write(opening + data if opening else data)

    def _reply(self, answer: Answer) -> None:
        head, client = self.request.head, self._client
        self._status, self.is_begun = answer.status, True
        self._first_byte = self._site.monotonic()
        left = (head.fields.length or 0) - self._body_bytes
        if answer.is_last or left > MOST_DISCARDED or (head.expects_continue and not self.is_sent):
            client.is_last = True
        has_body = head.method != b"HEAD"
        self._content_type = answer.content_type
        self._answer_bytes = len(answer.body) if has_body else 0
        client.write(answer.render(has_body=has_body, closing=self._closing()))
        self._conclude()
