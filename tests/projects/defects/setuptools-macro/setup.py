import os

from setuptools import Extension, setup

macros = [("BUILT_IN", f'"{os.getcwd()}"')]
setup(ext_modules=[Extension("example", ["example.c"], define_macros=macros)])
