"""Whatever a student's code does, there is an answer in time, and it says what happened."""

import os
import time
import uuid
from pathlib import Path

import pytest

from minilora.classroom import Limits, find, in_words, mark, run_limited
from minilora.classroom.marking import verify

from .conftest import as_student, solved

LIMITS = Limits(seconds=2.0, memory=1 << 30, output=1 << 16)

BODIES = {
    "an endless loop": ("while True: pass", "still running after 2 s"),
    "an endless sleep": ("import time; time.sleep(1000)", "still running after 2 s"),
    "an output flood": ("while True: print('x' * 1000)", "prints without end"),
    "exit()": ("exit()", "calls exit()"),
    "os._exit()": ("import os; os._exit(3)", "exit status 3"),
    "a crash": ("import ctypes; ctypes.string_at(0)", "Segmentation fault"),
    "a kill": ("import os; os.kill(os.getpid(), 9)", "Killed"),
    "all the memory": ("np.ones((1 << 20, 1 << 12))", "more memory than it may have"),
    "input()": ("input()", "waits for input()"),
    "an exception": (
        "return x + undefined",
        "NameError: name 'undefined' is not defined (03_4_softmax.py, line 5)",
    ),
    "None": ("pass", "'NoneType' object is not subscriptable"),
    "recursion": ("return softmax(x)", "RecursionError"),
}


@pytest.mark.parametrize("name", BODIES)
def test_it_answers(name: str) -> None:
    body, message = BODIES[name]
    code = f"import numpy as np\n\n\ndef softmax(x):\n    {body}\n"
    marked = mark(find("softmax"), as_student(find("softmax"), code), seed=0, limits=LIMITS)
    assert marked.points == 0
    assert message in in_words(marked)


def test_a_child_that_holds_the_output_open_is_ended() -> None:
    token = uuid.uuid4().hex  # other tests may run beside this one
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60) # {token}'], start_new_session=True)\n"
    began = time.monotonic()
    ran = run_limited("", as_student(find("softmax"), code), ["answer = 1"], 0, LIMITS)
    assert time.monotonic() - began < 50
    # root may start processes, and they are found by their mark; others may not
    assert ran.outcomes[0].problem is None or "BlockingIOError" in ran.outcomes[0].problem.text
    if Path("/proc").is_dir():
        left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if token.encode() in _read(p)]
        assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_the_student_sees_little_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "x")
    check = (
        "import os\nanswer = {'secret': 'A_SECRET' in os.environ, 'home': os.environ['HOME'] == os.getcwd()}"
    )
    (outcome,) = run_limited("", [], [check], 0).outcomes
    assert not outcome.answers["secret"]
    assert outcome.answers["home"]


def test_what_the_code_prints_is_shown() -> None:
    softmax = find("softmax")
    code = solved(softmax).replace("return p, pullback", "print('here', p.shape)\n    return p + 1, pullback")
    words = in_words(mark(softmax, as_student(softmax, code), seed=0))
    assert "| here (2, 3)" in words


def test_a_file_that_does_not_run() -> None:
    softmax = find("softmax")
    words = in_words(mark(softmax, as_student(softmax, "def softmax(x:\n    return x\n"), seed=0))
    assert "Your file does not run: SyntaxError" in words
    assert "03_4_softmax.py, line 1" in words


def test_the_same_seed_gives_the_same_answer() -> None:
    softmax = find("softmax")
    code = solved(softmax).replace("return p, pullback", "return 2 * p, pullback")
    first, second, other = (in_words(mark(softmax, as_student(softmax, code), seed=s)) for s in (4, 4, 5))
    assert first == second != other
    assert "Every value is 2 times the right one" in first


def test_verify_says_the_same_within_a_notebook() -> None:
    softmax = find("softmax")
    names: dict[str, object] = {}
    exec(solved(softmax), names)
    verify("softmax", names)
    exec(softmax.wrongs[0].code, names)
    with pytest.raises(AssertionError, match="subtract each row's maximum first"):
        verify("softmax", names, ["numbers in the thousands, and x left as it was"])
    verify("softmax", names, ["the value"])
    assert os.environ.get("MINILORA_EXERCISE_RUN") is None
