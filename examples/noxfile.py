"""The lines that give a project the sessions; nox works as before for those who lack them."""

try:
    import amrasaman_nox
except ImportError:
    pass
else:
    amrasaman_nox.register()
