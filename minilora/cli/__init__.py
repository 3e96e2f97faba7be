"""The command line: thin commands, each of which calls one function of the rooms below and shows what it returns.

Comes after everything. ``main.py`` finds a command's file by its name and turns errors into exit statuses; ``options.py`` makes options out of dataclasses of settings;
``output.py`` prints. Then one file a command; ``exercise``, which is several, has a folder.
"""
