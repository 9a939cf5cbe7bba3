"""An argparse parser that says what is wrong with the arguments as every other failure is said."""

from __future__ import annotations

import argparse
from typing import NoReturn

from colorize_neural.errors import ColorizeError


class Parser(argparse.ArgumentParser):
    """Its errors are ColorizeErrors."""

    def error(self, message: str) -> NoReturn:
        raise ColorizeError(f"{message[:1].upper()}{message[1:]}: see {self.prog} --help.")
