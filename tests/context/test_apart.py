"""What a file does to its parser costs that file alone."""

import os
import signal
import sys
import threading
import time
from collections.abc import Generator

import pytest

from groundwork.context.apart import Apart
from groundwork.core.errors import InputError
from tests.context.made import Canvas, drawn

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops a process by a signal")


def page_of(text: str) -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 700, f"{text} is drunk in the afternoon.")

    return drawn(draw)


@pytest.fixture
def apart() -> Generator[Apart, None, None]:
    one = Apart(seconds=60)
    yield one
    one.close()


def child_of(apart: Apart) -> int:
    assert apart._child is not None
    return apart._child.pid


def test_one_child_reads_file_after_file(apart: Apart) -> None:
    assert "Green tea" in apart.read(page_of("Green tea"), "a.pdf", ".pdf").text
    first = child_of(apart)
    with pytest.raises(InputError, match=r"b\.pdf is broken: no PDF reader can open it") as error:
        apart.read(b"%PDF-1.7 and nothing else", "b.pdf", ".pdf")
    assert error.value.fix
    assert "Black tea" in apart.read(page_of("Black tea"), "c.pdf", ".pdf").text
    assert child_of(apart) == first


def test_a_file_that_never_ends_is_left_and_the_next_one_read(apart: Apart) -> None:
    apart.read(page_of("first"), "a.pdf", ".pdf")
    os.kill(child_of(apart), signal.SIGSTOP)
    apart._seconds = 1
    with pytest.raises(InputError, match=r"slow\.pdf is broken or enormous: reading it took more than 1 second"):
        apart.read(page_of("second"), "slow.pdf", ".pdf")
    apart._seconds = 60
    assert apart.read(page_of("third"), "c.pdf", ".pdf").text


def test_a_crash_names_the_file_and_the_next_one_is_read(apart: Apart) -> None:
    apart.read(page_of("first"), "a.pdf", ".pdf")
    pid = child_of(apart)
    os.kill(pid, signal.SIGSTOP)  # so that the file is surely being read when the process ends
    threading.Thread(target=lambda: (time.sleep(0.3), os.kill(pid, signal.SIGKILL))).start()
    with pytest.raises(InputError, match=r"b\.pdf is broken: its parser crashed on it \(exit -9\)"):
        apart.read(page_of("second"), "b.pdf", ".pdf")
    assert apart.read(page_of("third"), "c.pdf", ".pdf").text


def test_a_child_that_ended_between_two_files_is_replaced(apart: Apart) -> None:
    apart.read(page_of("first"), "a.pdf", ".pdf")
    pid = child_of(apart)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert apart.read(page_of("second"), "b.pdf", ".pdf").text
    assert child_of(apart) != pid
