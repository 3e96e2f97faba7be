"""All that decides a fine-tuning run, in one frozen value: what ``minilora finetune`` takes, and what ``config.toml`` holds.

Comes before ``finetune.py``, which carries it out. What is left open (None) is settled once the model and the task are known, so that the file beside a run
names every number that the run was made with.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..backend.devices import check_device
from ..backend.storage import check_stored
from ..data.tasks import TASKS, AnyTask, Classification, PlainText
from ..errors import InputError
from ..methods import Method
from ..models.base import Model
from .choices import METHODS, build_method, choices, own_settings, settle_method
from .fitting import answers_of, check_answers, too_long_of
from .measure import Measuring, row_length, tokenizer_of
from .settings import Training
from .start import adopt, read_start

DEFAULT_METHOD = "lora"
DTYPES = ("float32", "float64")
READINGS = {"cpu": 1, "cuda": 10}
"""``log_every`` where none is given."""


@dataclass(frozen=True)
class FineTuning:
    """The settings of a fine-tuning run. None leaves a field to the method, the task or the model.

    Attributes:
        model: a shipped model's name, or a model folder.
        task: one of ``data.tasks.TASKS``.
        data: the file or folder that the task reads; some make their own.
        data_seed: the seed that a task is made from which makes its own data (0).
        answers: of a task with labels: ``"prompt"``, in words, or ``"head"``, by a classification head (decoders prompt, encoders head).
        adapter: the folder of an adapter to start from, minilora's or PEFT's; the method and its settings are then the adapter's (a fresh one).
        method: one of ``choices.METHODS``, or several joined by ``+``: ``"lora+prefix-embedding"`` (the adapter's, or lora).
        rank, alpha, targets, lora_dropout: LoRA's (8, 16, query and value, 0); see ``methods.LoRA``.
        ranks, alphas: LoRA's for single layers: ``("value=16", "blocks.0=2")``; scaling: ``"lora"`` or ``"rslora"``; bias: ``"none"``, ``"own"`` or ``"all"``.
        width: adapters' (16); blocks: the numbers of the blocks that have them, as texts (all); see ``methods.Adapter``.
        top: how many blocks top-layers trains (2). prefix, infix: special tokens before a text (8) and after its prompt (0).
        learning_rate: None: the method's, see ``choices.METHODS``.
        steps: optimizer steps.
        rows: examples a batch.
        length: text: tokens a row (256, or fewer where the context or a part of the text is shorter).
        too_long: of examples longer than the model's context: ``"error"`` refuses the run, ``"cut"`` cuts their texts, ``"skip"`` leaves them out (an encoder's texts cut, others an error).
        schedule, weight_decay, clip, accumulation, label_smoothing: see ``Training``; a clip of 0 never clips.
        warmup: steps over which the learning rate rises (a tenth of all, at most 20).
        dropout: the rate of the model's own dropout (that of its configuration).
        workers: shards of a batch, computed side by side.
        seed: of the adapter's start, the order of the examples and the dropout masks.
        dtype: ``"float32"`` or ``"float64"``, what is computed in, and what is trained.
        base_dtype: what the frozen base is stored as: ``"float16"``, with dtype float32 and a method that trains none of its matrices, for half of its memory (dtype).
        device: ``"cpu"`` or ``"cuda"``, where the model computes; it may differ on resume.
        log_every: steps from one reading of losses to the next (1; on a card 10); see ``Training``.
        evaluate_every: steps from one validation loss to the next (never); patience: validations without a new best after which training stops.
        save_every: steps from one checkpoint to the next.
        part: ``"validation"`` or ``"test"``: what the score is reported on.
        limit: the first so many examples of it, or rows of text (all).
        before: whether the model is also scored before training (unless beam search makes that long).
        beam: width of beam search; 1 is greedy (e2e 10, as in the paper; nl2sql 1). length_penalty, no_repeat_ngram: see ``models.generate.Beam``.
        answer_tokens: the most tokens of an answer (the task's).
    """

    model: str = "tiny-gpt"
    task: str = "nl2sql"
    data: str | None = None
    data_seed: int | None = None
    answers: str | None = None
    adapter: str | None = None
    method: str | None = None
    rank: int | None = None
    alpha: float | None = None
    targets: tuple[str, ...] | None = None
    lora_dropout: float | None = None
    ranks: tuple[str, ...] | None = None
    alphas: tuple[str, ...] | None = None
    scaling: str | None = None
    bias: str | None = None
    width: int | None = None
    blocks: tuple[str, ...] | None = None
    top: int | None = None
    prefix: int | None = None
    infix: int | None = None
    learning_rate: float | None = None
    steps: int = 1000
    rows: int = 16
    length: int | None = None
    too_long: str | None = None
    schedule: str = "linear"
    warmup: int | None = None
    weight_decay: float = 0.01
    clip: float = 1.0
    accumulation: int = 1
    label_smoothing: float = 0.0
    dropout: float | None = None
    workers: int = 2
    seed: int = 0
    dtype: str = "float32"
    base_dtype: str | None = None
    device: str = "cpu"
    log_every: int | None = None
    evaluate_every: int | None = None
    patience: int | None = None
    save_every: int = 100
    part: str = "validation"
    limit: int | None = None
    before: bool | None = None
    beam: int | None = None
    length_penalty: float | None = None
    no_repeat_ngram: int | None = None
    answer_tokens: int | None = None

    def __post_init__(self) -> None:
        """Raises InputError for a value that no model and no task could accept."""
        choices(self.names)
        check_answers(self.answers)
        if self.dtype not in DTYPES:
            raise InputError(f"dtype must be {' or '.join(DTYPES)}, not {self.dtype!r}")
        if self.base_dtype not in (None, self.dtype) and (check_stored(self.base_dtype), self.dtype) != (
            "float16",
            "float32",
        ):
            raise InputError(
                f"base_dtype must be dtype, or float16 where dtype is float32; it is {self.base_dtype!r}, and dtype is {self.dtype!r}"
            )
        check_device(self.device)
        if self.rows < 1:
            raise InputError(f"rows must be at least 1, not {self.rows}")
        if self.clip < 0:
            raise InputError(f"clip must be at least 0, not {self.clip}; 0 never clips")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise InputError(f"dropout must be at least 0 and below 1, not {self.dropout}")
        if self.patience is not None and self.evaluate_every is None:
            raise InputError("patience counts validations, and there are none; give evaluate_every too")
        self.adaptation()
        self.training()
        self.measuring()

    @property
    def names(self) -> str:
        """The method's name, or names, where none is given the default's."""
        return DEFAULT_METHOD if self.method is None else self.method

    def adaptation(self) -> Method:
        """The method as a value of its own."""
        return build_method(self.names, self)

    def training(self) -> Training:
        """How the loop trains."""
        rate = self.learning_rate
        return Training(
            steps=self.steps,
            learning_rate=choices(self.names)[0].rate(self.answers) if rate is None else rate,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            warmup=min(20, max(self.steps, 0) // 10) if self.warmup is None else self.warmup,
            clip=self.clip or None,
            accumulation=self.accumulation,
            label_smoothing=self.label_smoothing,
            dropout=bool(self.dropout or self.lora_dropout),
            workers=self.workers,
            seed=self.seed,
            evaluate_every=self.evaluate_every,
            patience=self.patience,
            save_every=self.save_every,
            log_every=READINGS[self.device] if self.log_every is None else self.log_every,
        )

    def measuring(self) -> Measuring:
        """How the result is scored."""
        return Measuring(
            part=self.part,
            limit=self.limit,
            beam=self.beam,
            length_penalty=self.length_penalty,
            no_repeat_ngram=self.no_repeat_ngram,
            answer_tokens=self.answer_tokens,
            length=self.length,
            too_long=self.too_long,
            workers=self.workers,
        )

    def idle(self) -> list[str]:
        """The fields that were given and have no part in this run, since they belong to another method or task."""
        others = own_settings("+".join(METHODS)) - own_settings(self.names)
        if self.adapter is not None and self.method is None:  # the adapter, not read yet, says which method's
            others = set()
        kind = TASKS.get(self.task)
        others |= {*self.measuring().idle(self.task, self.answers)}
        others |= set() if kind is not None and kind.made else {"data_seed"}
        others |= set() if kind is not None and issubclass(kind, Classification) else {"answers"}
        return [
            field.name
            for field in dataclasses.fields(self)
            if field.name in others and getattr(self, field.name) is not None
        ]


def settle(settings: FineTuning, model: Model, task: AnyTask) -> FineTuning:
    """The settings with nothing left open, and None for what has no part in the run: the form that ``config.toml`` keeps."""
    answers = answers_of(model, task, settings.answers)
    settings = dataclasses.replace(settings, answers=answers)
    if settings.adapter is not None:
        saved = read_start(settings.model, settings.adapter)
        settings = dataclasses.replace(settings, **adopt(saved.method, settings, settings.adapter))
    method, training = settings.adaptation(), settings.training()
    settled: dict[str, Any] = dict.fromkeys(settings.idle())
    settled |= {
        "learning_rate": training.learning_rate,
        "warmup": training.warmup,
        "log_every": training.log_every,
        "base_dtype": settings.base_dtype or settings.dtype,
        "dropout": model.config.dropout if settings.dropout is None else settings.dropout,
        "model": absolute(settings.model),
        "data": None if settings.data is None else absolute(settings.data),
        "adapter": None if settings.adapter is None else absolute(settings.adapter),
        "method": settings.names,
    }
    settled |= settle_method(settings.names, settings)
    if not isinstance(task, PlainText):
        settled["too_long"] = too_long_of(model, answers, settings.too_long)
    if isinstance(task, PlainText):
        length = settings.length
        settled["length"] = (
            row_length(task, tokenizer_of(model), model.config.context - method.positions)
            if length is None
            else length
        )
        settled["before"] = True if settings.before is None else settings.before
    elif isinstance(task, Classification) and answers == "head":
        settled["before"] = True if settings.before is None else settings.before
    else:
        task = task.prompted() if isinstance(task, Classification) else task
        decoding = settings.measuring().decoding(task)
        width = getattr(decoding, "width", 1)
        settled |= {
            "beam": width,
            "length_penalty": getattr(decoding, "length_penalty", None),
            "no_repeat_ngram": getattr(decoding, "no_repeat_ngram", None),
            "answer_tokens": settings.answer_tokens or task.answer_tokens,
            "before": width == 1 if settings.before is None else settings.before,
        }
    if TASKS[settings.task].made:
        settled["data_seed"] = settings.data_seed or 0
    return dataclasses.replace(settings, **settled)


def absolute(name_or_path: str) -> str:
    """A path from the root, so that the configuration works from every folder; a shipped model's name stays as it is."""
    return str(Path(name_or_path).resolve()) if Path(name_or_path).exists() else name_or_path
