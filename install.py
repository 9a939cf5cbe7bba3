"""Installs Colorize (neural): `python3 install.py --demo`; `python3 install.py --help` tells the rest.

An old Python meets no other file, so only this one has to be readable for it.
"""

import os.path
import sys

if sys.version_info < (3, 10):  # noqa: UP036 - this very line tells the user so
    sys.exit(
        "Colorize (neural) needs Python 3.10 or newer, but this one is {}.{}: "
        "please run install.py with a newer one, for example python3.12 install.py".format(*sys.version_info)
    )

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - `python -I` does not look here by itself
sys.path[:0] = [HERE, os.path.join(HERE, "plugin")]  # noqa: PTH118

from installer.main import main  # noqa: E402 - not before the check

if __name__ == "__main__":
    sys.exit(main())
