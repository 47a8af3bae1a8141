"""Gives something else than one wheel in its folder."""
import os

import wheel


def outside(folder):
    wheel.make("/tmp")
    return "../../tmp/" + wheel.NAME


def absolute(folder):
    wheel.make("/tmp")
    return "/tmp/" + wheel.NAME


def link(folder):
    wheel.make("/tmp")
    os.symlink("/tmp/" + wheel.NAME, os.path.join(folder, wheel.NAME))
    return wheel.NAME


def hard_link(folder):
    wheel.make(os.getcwd())
    os.link(os.path.join(os.getcwd(), wheel.NAME), os.path.join(folder, wheel.NAME))
    return wheel.NAME


def fifo(folder):
    os.mkfifo(os.path.join(folder, wheel.NAME))
    return wheel.NAME


def directory(folder):
    os.mkdir(os.path.join(folder, wheel.NAME))
    return wheel.NAME


def two(folder):
    wheel.make(folder, name="other-1.0-py3-none-any.whl")
    return wheel.make(folder)


def other_name(folder):
    wheel.make(folder)
    return "other-1.0-py3-none-any.whl"


def nothing(folder):
    return wheel.NAME


def empty(folder):
    wheel.make(folder)
    return ""


def dot(folder):
    return "."


def number(folder):
    wheel.make(folder)
    return 7


def none(folder):
    wheel.make(folder)


def a_list(folder):
    return [wheel.make(folder)]


def surrogates(folder):
    wheel.make(folder)
    return "\ud800.whl"


def long(folder):
    return "x" * 100_000


def escapes(folder):
    return "\x1b]52;c;ZXZpbA==\x07.whl"


def exits(folder):
    os._exit(0)


def raises(folder):
    raise BaseException("\x1b[31mnot one of the usual\n::error::kinds")


def recurses(folder):
    answer = []
    for _ in range(100_000):
        answer = [answer]
    return answer


def build(folder):
    return globals()[os.environ["TARGET_ANSWER"]](folder)
