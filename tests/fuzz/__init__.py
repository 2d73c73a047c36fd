"""The random-program generator, its checks and its command line."""
