from __future__ import annotations

import pytest

from vigil.cli.signals import Stopping


def test_the_first_signal_asks_and_the_second_hurries(capsys: pytest.CaptureFixture[str]) -> None:
    stopping = Stopping()
    stopping.signalled()
    assert stopping.asked.is_set()
    assert not stopping.hurried.is_set()
    assert "once more" in capsys.readouterr().err
    stopping.signalled()
    assert stopping.hurried.is_set()
