"""Whole models, their sizes, foreign files of their weights, and the texts they generate.

Comes after ``nn``, and before ``methods``, which adapt a model.
"""
