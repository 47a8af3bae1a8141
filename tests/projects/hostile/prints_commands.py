"""Prints what terminals and CI services would obey, then fails."""
import sys


def build(folder):
    sys.stdout.buffer.write(
        b"::set-output name=verified::true\n##[error]fake\n::add-mask::x\n##vso[task.complete]\n"
        b"\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[31mred\n\xff\xfe\xc3(\r\x00overwritten\n"
        + "\u202edoog\u2066\u009b31m\n".encode()
        + b"bwrap: it was the sandbox\nunshare: it was the sandbox\namrasaman-nox: begun\n"
    )
    sys.stdout.flush()
    raise RuntimeError("\x1b[31m::error::\u202e failed \n::set-output name=a::b")
