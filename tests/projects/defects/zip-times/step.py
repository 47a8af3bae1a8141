"""The members of the archive have the time of the build."""


def members(folder):
    return {"example.py": "VALUE = 1\n"}


def write(archive, members):
    for path, content in members.items():
        archive.writestr(path, content)
