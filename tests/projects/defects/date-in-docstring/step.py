"""The date of the build stands in a docstring."""

import datetime


def members(folder):
    today = datetime.date.today()
    return {"example.py": f'"""An example.\n\nMade on {today:%d %B %Y}.\n"""\n'}
