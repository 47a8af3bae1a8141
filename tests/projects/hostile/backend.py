"""The build backend: each project brings an ``attack.py`` with ``build(folder)``."""

import attack


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return attack.build(wheel_directory)
