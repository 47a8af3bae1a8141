"""Says what a ``.pth`` file of the build environment could ask of the kernel."""
import json

import calls_kernel
import wheel


def build(folder):
    return wheel.make(folder, json.dumps(calls_kernel.OUTCOMES))
