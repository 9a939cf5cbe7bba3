"""What install.py does, for the standard library of Python 3.10 and newer.

main.py         the options; install, check, uninstall; where failures become sentences
sides.py        where plug-ins run: on this machine itself, or in the sandbox of a flatpak or a snap
gimps.py        the GIMPs of this machine
runtimes.py     the builds of ONNX Runtime, and the one for this machine
environment.py  the worker's environment: an installation is a new folder, whole or gone
packages.py     what pip puts into it, from its servers or from a folder
processes.py    programs that are started, and why they fail
places.py       what lies outside of it: plug-in folders and the command, switched in one step, and remembered
doctor.py       looks at all of it; photographs coloured through the installed command and plug-ins
trial.py        run by itself: a picture coloured through an installed client and worker
inspection.py   run by the worker's interpreter: whether its packages are as pip left them
"""
