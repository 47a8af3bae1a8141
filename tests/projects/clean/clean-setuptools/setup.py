from setuptools import Extension, setup

setup(ext_modules=[Extension("example", ["example.c"], extra_compile_args=["-g"])])
