"""Colorize (neural): gives black-and-white photographs their colours."""

__version__ = "0.1.0"
