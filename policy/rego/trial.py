"""Whether the Rego engine survives a module: tried in a process of its own, before it is let in.

Once per text, when policies are compiled; nothing of this runs while a decision is made. Run as a
script, this is that process, which knows the engine and nothing else of ours.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from functools import lru_cache
from importlib import import_module
from typing import Final

SECONDS: Final = 10
_CPU_SECONDS: Final = 2


@lru_cache(maxsize=1024)
def survives(text: str) -> bool:
    """Say whether the engine compiles and runs a module, or refuses it, without breaking down."""
    command = [sys.executable, "-I", __file__]
    try:
        ended = subprocess.run(  # noqa: S603 - ourselves, with the module as data
            command,
            input=text.encode(),
            env={},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return ended.returncode == 0


def _try(text: str) -> None:
    engine = import_module("regopy")
    interpreter = engine.Interpreter()
    interpreter.log_level = engine.LogLevel.NONE
    try:
        interpreter.add_module("condition", text)
        bundle = interpreter.build("data.octelium.condition.match")
        interpreter.set_input({"ctx": {}, "attrs": {}})
        interpreter.query_bundle(bundle)
    except (engine.RegoError, ValueError):
        return


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # No limit on memory: the engine's allocator reserves more address space than any would allow.
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    _try(sys.stdin.buffer.read().decode())
