"""Three lines give a project the sessions reproducible_wheels, verified_requirements and verify."""

import amrasaman_nox

amrasaman_nox.register()
