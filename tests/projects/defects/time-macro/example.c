const char *example(void) { return __DATE__ " " __TIME__; }
