"""A static package index of rebuilt wheels, for installers and for people."""
