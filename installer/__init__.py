"""What install.py does, for the standard library of Python 3.10 and newer.

main.py         the options; install, check, uninstall; where failures become sentences
gimps.py        the GIMPs of this machine
environment.py  the worker's environment: an installation is a new folder, whole or gone
places.py       what lies outside of it: plug-in folders and the command, switched in one step, and remembered
trial.py        a picture coloured through the installed client and worker
"""
