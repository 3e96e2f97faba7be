"""The quickstart's report in sentences: what won, by how much, and which promises held. The screen and the page say the same words.

Comes after ``quickstart.py`` has measured; before ``report.py`` and ``screen.py``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .page import size

Report = Mapping[str, Any]


def findings(report: Report) -> Iterator[str]:
    """Who wins, then what LoRA has of full fine-tuning and at which cost. Nothing is said of accuracies where the methods were trained unevenly."""
    methods = {method["name"]: method for method in report["methods"]}
    lora, full = methods["lora"], methods["full"]
    verdict = report["verdict"]
    if verdict is not None:
        yield winner(verdict, {method["title"]: method for method in report["methods"]})
    yield (
        f"LoRA trains {percent(lora['share'], 2)} of the parameters ({lora['trainable']:,} of {report['model']['parameters']:,}); "
        f"its file is {size(lora['file_bytes'])} where full fine-tuning’s is {size(full['file_bytes'])}, "
        f"and a training step holds {size(lora['step_bytes'])} of arrays where full fine-tuning’s holds {size(full['step_bytes'])}."
    )


def winner(verdict: Report, methods: Mapping[str, Report]) -> str:
    """One sentence: who answers most questions about unseen tables, and whether chance could have decided it."""
    first, second = verdict["ranking"][:2]
    scores = f"{interval(methods[first]['unseen'])} against {interval(methods[second]['unseen'])}"
    if verdict["winner"] is None:
        return f"{_capital(first)} and {second} tie on unseen tables: {scores}."
    lead = (
        f"a lead of {100 * verdict['lead']:.1f} points on the same questions, "
        f"95% interval {100 * verdict['low']:+.1f} to {100 * verdict['high']:+.1f}"
    )
    chance = "" if verdict["clear"] else ", so chance may have decided it"
    return f"{_capital(first)} wins on unseen tables, before {second}: {scores} ({lead}{chance})."


def promise_lines(report: Report) -> Iterator[str]:
    """What was checked on the trained LoRA: gradients, merging, unmerging, switching."""
    gradients = {entry["name"]: entry["error"] for entry in report["gradients"]}
    merge, switch = report["merge"], report["switch"]
    yield (
        f"Gradients: ∂A = s BᵀG and ∂B = s GAᵀ hold to {max(gradients['gradient of A'], gradients['gradient of B']):.0e}, "
        f"the first step ΔW₁ = −ηs²GAᵀA to {gradients['first step']:.0e}, and with r = in, AᵀA = I it is full fine-tuning’s own to {gradients['first step at full rank']:.0e} (relative, float64)."
    )
    yield (
        f"Merging: logits differ by at most {merge['largest_difference']:.1e} (the largest is {merge['largest_logit']:.1f}; float32 rounding), "
        f"and {percent(merge['same_choice'])} of the next tokens chosen are the same."
    )
    yield (
        f"Unmerging: every weight’s bytes {'are back exactly' if merge['unmerge_gives_bytes_back'] else 'are NOT back'}, "
        f"and the logits {'are the same to the last bit' if merge['same_logits_after'] else 'are NOT the same'}."
    )
    yield (
        f"Switching between two adapters: {switch['milliseconds']:.2f} ms, and {switch['bytes_replaced']} bytes of weights replaced; where the weights are to hold the adapter (unmerge, switch, merge), {switch['milliseconds_merged']:.0f} ms. "
        f"A second task costs {size(switch['adapter_bytes'])} of memory; a second full model would cost {size(switch['model_bytes'])}. "
        f"With the untrained adapter the model {'is the base to the last bit' if switch['untrained_is_base'] else 'is NOT the base'}, "
        f"and switched back it {'is what it was' if switch['back_is_the_same'] else 'is NOT what it was'}."
    )


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{100 * share:.{digits}f}%"


def interval(score: Report) -> str:
    """An accuracy with its 95% interval."""
    return f"{percent(score['accuracy'])} [{percent(score['low'])}, {percent(score['high'])}]"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
