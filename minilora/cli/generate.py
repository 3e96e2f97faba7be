"""``minilora generate``: continue a text. Calls ``models.generate.generate``."""

import sys
from pathlib import Path

import click

from ..errors import InputError
from ..models.generate import Beam, Decoding, Greedy, Sample, generate
from ..train.measure import tokenizer_of
from .opening import adapter_option, device_option, model_option, open_model
from .output import json_option, print_json


@click.command("generate")
@click.argument("prompt", required=False)
@model_option
@adapter_option
@device_option
@click.option("--file", metavar="FILE", help="Read the prompt from a file; - reads standard input.")
@click.option("--limit", type=int, default=100, show_default=True, help="The most tokens to write.")
@click.option("--temperature", type=float, help="Draw at random from softmax(logits / temperature).")
@click.option("--top-k", type=int, help="Draw from the k most likely tokens only.")
@click.option(
    "--top-p", type=float, help="Draw from the most likely tokens that together have this probability."
)
@click.option("--seed", type=int, help="Of what is drawn at random.  [default: 0]")
@click.option("--beam", type=int, help="Beam search of this width, with the paper's penalties.")
@json_option
def command(
    prompt: str | None,
    model: str | None,
    adapter: str | None,
    device: str,
    file: str | None,
    limit: int,
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    seed: int | None,
    beam: int | None,
    as_json: bool,
) -> None:
    """Continue PROMPT, and print what comes after it. Without further options the most likely token is taken each time.

    \b
    Examples:
      minilora generate "The old man looked at the sea, and" --temperature 0.8 --top-p 0.9
      minilora generate --adapter runs/sql --file prompt.txt
    """
    text = read_prompt(prompt, file)
    decoding = choose(temperature, top_k, top_p, seed, beam)
    opened = open_model(model, adapter, device)
    tokenizer = tokenizer_of(opened.model)
    ids = tokenizer.encode(text)
    (found,) = generate(opened.model, [ids], limit=limit, decoding=decoding, end=tokenizer.end)
    written = tokenizer.decode(found)
    if as_json:
        print_json({"prompt": text, "text": written, "prompt_tokens": len(ids), "tokens": len(found)})
    else:
        click.echo(written)


def read_prompt(prompt: str | None, file: str | None) -> str:
    """The prompt, given or read, without the line end that editors put at the end of a file. Raises InputError for both, neither, and an empty one."""
    if (prompt is None) == (file is None):
        raise InputError("give either a PROMPT or a --file that holds it")
    if prompt is None:
        try:
            prompt = sys.stdin.read() if file == "-" else Path(str(file)).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{file!r} is not UTF-8 text (byte {error.start}); convert it to UTF-8 first"
            ) from error
        except OSError as error:
            raise InputError(f"cannot read the prompt from {file!r}: {error.strerror}") from error
        prompt = prompt.rstrip("\n")
    if not prompt:
        raise InputError("the prompt is empty; give at least one character")
    return prompt


def choose(
    temperature: float | None, top_k: int | None, top_p: float | None, seed: int | None, beam: int | None
) -> Decoding:
    """How the next token is chosen. Raises InputError for options that exclude each other."""
    sampling = {"--temperature": temperature, "--top-k": top_k, "--top-p": top_p, "--seed": seed}
    given = [name for name, value in sampling.items() if value is not None]
    if beam is not None:
        if given:
            raise InputError(f"--beam searches and {', '.join(given)} draws at random; give one of the two")
        return Beam(width=beam)
    if given:
        return Sample(1.0 if temperature is None else temperature, top_k, top_p, seed or 0)
    return Greedy()
