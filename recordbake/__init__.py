"""Record a test suite's HTTP traffic once, bake it, and replay it offline in CI."""

__version__ = "0.1.0"
