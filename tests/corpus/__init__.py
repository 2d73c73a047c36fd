"""The shared corpus of programs, one module a topic; `tests.programs` collects them."""
