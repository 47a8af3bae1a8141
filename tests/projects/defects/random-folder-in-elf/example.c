const char *example(void) { return __FILE__; }
