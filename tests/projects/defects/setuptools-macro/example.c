#include <Python.h>

#ifndef BUILT_IN
#define BUILT_IN "nowhere"
#endif

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "example", __FILE__ BUILT_IN, -1, NULL};

PyMODINIT_FUNC PyInit_example(void) { return PyModule_Create(&module); }
