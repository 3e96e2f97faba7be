"""The ways to continue a text: the options, the running rows, one token a row, and beam search. ``models/generate.py`` puts them together."""
