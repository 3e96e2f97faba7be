"""What one studies about a model that was adapted: whether its gradients are right, what it costs in time and memory, and how the methods compare.

Comes after ``train``; ``paper`` and ``cli`` use it. ``quickstart.py`` is the tour of the whole; ``gradcheck.py`` the proof that the rest is true.
"""
