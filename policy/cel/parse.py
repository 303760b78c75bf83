"""CEL text to its abstract syntax: a precedence-climbing parser that bounds its own depth."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from policy.cel import syntax
from policy.cel.lexer import Token, TokenKind, tokenize
from policy.cel.literals import parse_float, parse_integer
from policy.cel.macros import expand
from policy.cel.syntax import Node
from policy.cel.values import CompileError

MAX_CHARACTERS: Final = 10_000  # data-plane.md §2.3
MAX_NESTING: Final = 64
MAX_DEPTH: Final = 128
_REMEMBERED: Final = 4096

_PRECEDENCE: Final = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
}
_RESERVED: Final = frozenset(
    {
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    }
)


@lru_cache(maxsize=_REMEMBERED)
def parse(text: str) -> Node:
    """Return the root of an expression; raises CompileError and nothing else.

    Remembered, because an expression is asked about more than once: compiled, checked, linted.
    """
    if len(text) > MAX_CHARACTERS:
        raise CompileError(f"longer than {MAX_CHARACTERS} characters", MAX_CHARACTERS)
    parser = _Parser(tokenize(text))
    root = parser.expression()
    if parser.token.kind is not TokenKind.END:
        raise parser.unexpected()
    if syntax.depth(root) > MAX_DEPTH:
        raise CompileError(f"nests deeper than {MAX_DEPTH} operations", root.position)
    return root


class _Parser:
    """One pass over the tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._nesting = 0
        self.token = tokens[0]

    def expression(self) -> Node:
        """Parse ``condition ? yes : no`` or less."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise CompileError(f"nests deeper than {MAX_NESTING} levels", self.token.position)
        node = self._binary(1)
        question = self.token
        if self._accept("?"):
            yes = self._binary(1)
            self._expect(":")
            node = syntax.Ternary(question.position, node, yes, self.expression())
        self._nesting -= 1
        return node

    def unexpected(self) -> CompileError:
        """Return the complaint about the current token."""
        if self.token.kind is TokenKind.END:
            return CompileError("the expression ends too early", self.token.position)
        return CompileError(f"unexpected {self.token.text!r}", self.token.position)

    def _advance(self) -> Token:
        token = self.token
        self._next += 1
        self.token = self._tokens[self._next]
        return token

    def _sees(self, operator: str) -> bool:
        return self.token.kind is TokenKind.OPERATOR and self.token.text == operator

    def _accept(self, operator: str) -> bool:
        if self._sees(operator):
            self._advance()
            return True
        return False

    def _expect(self, operator: str) -> None:
        if not self._accept(operator):
            raise self.unexpected()

    def _binary(self, least: int) -> Node:
        left = self._unary()
        while self.token.kind is TokenKind.OPERATOR:
            precedence = _PRECEDENCE.get(self.token.text, 0)
            if precedence < least:
                break
            operator = self._advance()
            right = self._binary(precedence + 1)
            left = _join(operator, left, right)
        return left

    def _unary(self) -> Node:
        token = self.token
        if not (self._sees("-") or self._sees("!")):
            return self._member(self._primary())
        count = 0
        while self._accept(token.text):
            count += 1
        if token.text == "-" and self.token.kind in (TokenKind.INTEGER, TokenKind.FLOAT):
            operand = self._member(self._number("-"))
            count -= 1
        else:
            operand = self._member(self._primary())
        # An even number of signs changes nothing but still asks for the right type.
        for _ in range(2 - count % 2 if count else 0):
            operand = syntax.Unary(token.position, token.text, operand)
        return operand

    def _member(self, node: Node) -> Node:
        while self.token.kind is TokenKind.OPERATOR:
            token = self.token
            if self._accept("."):
                node = self._selection(node, token.position)
            elif self._accept("["):
                is_optional = self._accept("?")
                key = self.expression()
                self._expect("]")
                node = syntax.Index(token.position, node, key, is_optional)
            elif token.text == "{" and syntax.qualified_name(node) is not None:
                raise CompileError("messages cannot be constructed here", token.position)
            else:
                break
        return node

    def _selection(self, operand: Node, position: int) -> Node:
        if self._accept("?"):
            return syntax.Select(position, operand, self._field(), is_optional=True)
        is_quoted = self.token.kind is TokenKind.QUOTED
        field = self._field()
        if not is_quoted and self._accept("("):
            return self._call(operand, field, position)
        return syntax.Select(position, operand, field)

    def _field(self) -> str:
        if self.token.kind not in (TokenKind.IDENT, TokenKind.QUOTED):
            raise self.unexpected()
        return self._advance().text

    def _primary(self) -> Node:
        token = self.token
        if token.kind is TokenKind.LITERAL:
            self._advance()
            return syntax.Literal(token.position, token.value)
        if token.kind in (TokenKind.INTEGER, TokenKind.FLOAT):
            return self._number("")
        if token.kind is TokenKind.IDENT:
            return self._name("")
        return self._enclosed()

    def _enclosed(self) -> Node:
        token = self.token
        if self._accept("("):
            node = self.expression()
            self._expect(")")
            return node
        if self._accept("["):
            return self._list(token.position)
        if self._accept("{"):
            return self._map(token.position)
        if self._accept("."):
            return self._name(".")
        raise self.unexpected()

    def _number(self, sign: str) -> Node:
        token = self._advance()
        read = parse_integer if token.kind is TokenKind.INTEGER else parse_float
        return syntax.Literal(token.position, read(sign + token.text, token.position))

    def _name(self, dot: str) -> Node:
        if self.token.kind is not TokenKind.IDENT:
            raise self.unexpected()
        token = self._advance()
        if token.text in _RESERVED:
            raise CompileError(f"{token.text!r} is reserved", token.position)
        if self._accept("("):
            return self._call(None, dot + token.text, token.position)
        return syntax.Ident(token.position, dot + token.text)

    def _call(self, target: Node | None, function: str, position: int) -> Node:
        arguments: list[Node] = []
        while not self._accept(")"):
            arguments.append(self.expression())
            if not self._sees(")"):
                self._expect(",")
                if self._sees(")"):
                    raise self.unexpected()
        given = tuple(arguments)
        return expand(position, target, function, given) or syntax.Call(
            position, target, function, given
        )

    def _list(self, position: int) -> Node:
        elements: list[tuple[Node, bool]] = []
        while not self._accept("]"):
            is_optional = self._accept("?")
            elements.append((self.expression(), is_optional))
            if not self._sees("]"):
                self._expect(",")
        return syntax.ListLiteral(position, tuple(elements))

    def _map(self, position: int) -> Node:
        entries: list[tuple[Node, Node, bool]] = []
        while not self._accept("}"):
            is_optional = self._accept("?")
            key = self.expression()
            self._expect(":")
            entries.append((key, self.expression(), is_optional))
            if not self._sees("}"):
                self._expect(",")
        return syntax.MapLiteral(position, tuple(entries))


def _join(operator: Token, left: Node, right: Node) -> Node:
    if operator.text not in ("&&", "||"):
        return syntax.Binary(operator.position, operator.text, left, right)
    # A chain of one operator is flat: its length is no nesting.
    if isinstance(left, syntax.Logical) and left.operator == operator.text:
        return syntax.Logical(left.position, operator.text, (*left.terms, right))
    return syntax.Logical(operator.position, operator.text, (left, right))
