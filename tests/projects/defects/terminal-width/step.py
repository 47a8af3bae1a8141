"""A help text is wrapped to the width of the terminal."""

import argparse


def members(folder):
    parser = argparse.ArgumentParser("example", description="A long description. " * 9)
    return {"help.txt": parser.format_help()}
