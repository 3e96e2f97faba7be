"""What a process of PyTorch can be asked to do: PEFT's LoRA step, and transformers' forward pass and generation, on the same weights and batch.

Like ``serve.py``, which imports it by its bare name, this file runs under interpreters in which this package is not installed: it uses PyTorch, transformers and PEFT alone.
"""

import json
import os
from collections.abc import Callable
from functools import partial
from typing import Any

Call = Callable[[], float]


def calls(inputs: str, threads: int, task: str, device: str = "cpu") -> dict[str, Call]:
    """The calls of one process. inputs: a file that names the model's folder and holds the arrays as lists. task: ``peft``, a LoRA step; or ``transformers``, forward and generation.

    device: ``"cpu"`` or ``"cuda"``, where models and texts are; named at each, since a default device would slow down every call of PyTorch. Every call returns a number that is fetched last, so on a card it waits until all of its work is done.
    """
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with open(inputs) as file:
        given = json.load(file)
    return (peft_calls if task == "peft" else use_calls)(given, device)


def peft_calls(given: dict[str, Any], device: str) -> dict[str, Call]:
    """A LoRA step on the fused query-key-value projection, as PEFT adapts GPT-2: as many trainable parameters as LoRA of that rank on query and value apart."""
    import peft
    import torch

    adapted = peft.get_peft_model(
        load(given, device),
        peft.LoraConfig(
            r=given["rank"],
            lora_alpha=given["alpha"],
            lora_dropout=0.0,
            target_modules=["c_attn"],
            fan_in_fan_out=True,
            task_type="CAUSAL_LM",
        ),
    )
    adapted.train()
    optimizer = torch.optim.AdamW(
        [parameter for parameter in adapted.parameters() if parameter.requires_grad],
        lr=given["learning_rate"],
        weight_decay=0.01,
    )

    def step(ids: Any, labels: Any) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = adapted(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        return float(loss.item())

    ids = torch.tensor(given["ids"], device=device)
    return {
        name: partial(step, ids, torch.tensor(labels, device=device))
        for name, labels in given["labels"].items()
    }


def use_calls(given: dict[str, Any], device: str) -> dict[str, Call]:
    """The logits of one text, and greedy continuation with a cache."""
    import torch

    model = load(given, device).eval()

    def forward(ids: Any) -> float:
        with torch.inference_mode():
            return float(model(input_ids=ids, use_cache=False).logits[0, -1, 0])

    def generate(ids: Any) -> float:
        new = given["new_tokens"]
        with torch.inference_mode():
            texts = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=new,
                min_new_tokens=new,
                do_sample=False,
                pad_token_id=0,
            )
        return float(texts.numel() - ids.numel())

    return {
        "forward": partial(forward, torch.tensor(given["text"], device=device)),
        **{
            f"generate {len(rows)}": partial(generate, torch.tensor(rows, device=device))
            for rows in given["prompts"]
        },
    }


def load(given: dict[str, Any], device: str) -> Any:
    """The model on ``device`` in float32, without dropout."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(given["folder"], dtype="float32")
    model.config.use_cache = True
    return model.to(device)
