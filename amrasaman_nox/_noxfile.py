"""The noxfile that the console scripts pass to nox."""

from __future__ import annotations

from amrasaman_nox.sessions import register_call

register_call()
