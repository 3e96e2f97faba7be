"""Mistakes that any exercise may see, by name: what a problem, a wrong shape, dtype or value most likely comes from.

Comes before ``judge.py``, which asks for these names where none of the exercise's own wrong answers fits. Every function gives a sentence, or "" where it can't tell.
"""

import numpy as np

from .worker import Array, Problem


def by_problem(problem: Problem) -> tuple[str, str]:
    """(what happened, the likely reason) for a check that came to no answer."""
    at = f" ({problem.where})" if problem.where else ""
    if problem.kind == "unwritten":
        return "Not written yet: the line that raises NotImplementedError is still there.", ""
    if problem.kind == "load":
        return f"Your file does not run: {problem.text}{at}.", by_exception(problem.text)
    if problem.kind == "raised":
        return f"Your code raised {problem.text}{at}.", by_exception(problem.text)
    if problem.kind == "unusable" and problem.text.startswith("NameError"):
        return f"Your file does not define what the check calls: {problem.text}.", "Was it renamed?"
    if problem.kind == "unusable":
        return (
            f"What your code gave could not be used: {problem.text}, in the check's line: {problem.where}",
            "Give back just what the docstring says, in that order.",
        )
    if problem.kind == "nothing":
        what = f" for {problem.text}" if problem.text else ""
        return f"Your code gave back None{what}.", "Is a return missing?"
    if problem.kind == "type":
        what = f" for {problem.where}" if problem.where else ""
        return f"Your code gave back an object of type {problem.text}{what}, and no array.", ""
    if problem.kind == "exit":
        return f"Your code calls exit(){at}; let the function return instead.", ""
    if problem.kind == "memory":
        return (
            f"Your code asked for more memory than it may have{at}.",
            "Do two axes meet by broadcasting that should not?",
        )
    if problem.kind == "output":
        return f"Your code prints without end{at}.", "Is there a print within a loop that never ends?"
    if problem.kind == "input":
        return f"Your code waits for input(){at}; everything it needs is in its arguments.", ""
    if problem.kind == "time":
        return (
            f"Your code was still running after {problem.text}, in {problem.where}, and was stopped.",
            "Is there a loop that never ends?",
        )
    if problem.kind == "crash":
        return f"Python itself was ended in {problem.where}: {problem.text}.", ""
    return (
        f"Python ended before the checks did ({problem.text}), in {problem.where}.",
        "Does your code call os._exit(), or end the process in another way?",
    )


def by_exception(text: str) -> str:
    """The usual reason for an exception of NumPy's or Python's."""
    for sign, reason in (
        (
            "could not be broadcast together",
            "Two shapes do not fit: print both .shape just before that line.",
        ),
        (
            "matmul: Input operand",
            "The inner sizes of a product do not fit: is a transpose missing, or one too many?",
        ),
        ("UnboundLocalError", "The name is given a value only later in the function, or only on one path."),
        ("NameError", "Is it spelled as where it was defined?"),
        ("IndentationError", "Lines of one block start in the same column."),
        ("SyntaxError", "Is a bracket, a quotation mark or a colon missing there or in the line above?"),
        ("read-only", "That array is a view that cannot be written to; make a .copy() first."),
    ):
        if sign in text:
            return reason
    return ""


def by_shape(got: Array, due: Array) -> str:
    """A wrong shape's likely reason."""
    if got.size == due.size and got.squeeze().shape == due.squeeze().shape:
        return "The numbers are as many, but axes of size 1 are too many or too few: look at keepdims, or at [:, None]."
    if got.ndim == due.ndim and got.shape == due.shape[::-1]:
        return "The two axes are the other way round: is a transpose missing, or one too many?"
    if due.ndim == 0:
        return "One number is wanted: is a sum or a mean missing?"
    if got.ndim > due.ndim:
        return "There are too many axes: is a sum over one of them missing?"
    if got.ndim < due.ndim:
        return "There are too few axes: was one summed away, or indexed with a single number?"
    return ""


def by_dtype(got: Array, due: Array) -> str:
    """A wrong dtype's likely reason."""
    if got.dtype == np.float64 and due.dtype == np.float32:
        return "The inputs are float32 and the result should be too: np.zeros and np.full take dtype=x.dtype, and a float64 array turns all it meets into float64."
    if got.dtype.kind == "f" and due.dtype.kind in "iu":
        return "A whole number is wanted: // divides without a remainder, and / gives a float."
    if due.dtype.kind == "b":
        return "True and False are wanted: a comparison gives them."
    return ""


def by_value(got: Array, due: Array) -> str:
    """A wrong value's likely reason, where the two stand in a simple relation."""
    if got.dtype.kind not in "iuf" or due.dtype.kind not in "iuf":
        return ""
    with np.errstate(all="ignore"):
        a, b = got.astype(np.float64), due.astype(np.float64)
        if np.isnan(a).any() and not np.isnan(b).any():
            return "There are NaNs: ∞ − ∞, ∞/∞ or 0/0 on the way. Does an exp overflow?"
        if np.isinf(a).any() and not np.isinf(b).any():
            return (
                "There are infinities: a division by zero, the logarithm of zero, or an exp that overflows."
            )
        if not a.any():
            return "All of it is zero: was the result computed, but not written into what you return?"
        if b.size > 1 and not b.any():
            return "All of it should be zero."
        if np.allclose(a, -b, rtol=1e-5):
            return "The values are right but for the sign."
        if b.any():
            at = np.unravel_index(np.argmax(np.abs(b)), b.shape)
            factor = float(a[at] / b[at])
            if np.allclose(a, factor * b, rtol=1e-5, atol=1e-9 * np.abs(a).max()) and b.size > 1:
                return (
                    f"Every value is {factor:.4g} times the right one: is a factor missing, or one too many?"
                )
            offset = float(a[at] - b[at])
            if np.allclose(a, b + offset, rtol=1e-5) and b.size > 1:
                return f"Every value is off by {offset:.4g}: is a term missing, or one too many?"
        if a.ndim == 2 and a.shape[0] == a.shape[1] and np.allclose(a, b.T, rtol=1e-5):
            return "It is the transpose of the right answer."
        for axis in range(a.ndim):
            if a.shape[axis] > 1 and np.allclose(np.flip(a, axis), b, rtol=1e-5):
                return f"The entries along axis {axis} come in the opposite order."
    return ""
