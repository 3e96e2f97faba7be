"""Adapters against PEFT: the same weights in both programs, each way, before and after merging; nothing is trained.

For each architecture and each way of configuring LoRA, PEFT wraps a random model of transformers and its adapter gets random numbers. Then

1. PEFT saves, minilora loads: equal logits, also once both have merged;
2. minilora saves, PEFT loads: equal logits, and PEFT reports no missing or unexpected key.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity tests need torch: pip install 'minilora[parity]'")
transformers = pytest.importorskip(
    "transformers", reason="parity tests need transformers: pip install 'minilora[parity]'"
)
peft = pytest.importorskip("peft", reason="parity tests need peft: pip install 'minilora[parity]'")

from minilora.errors import InputError  # noqa: E402
from minilora.methods import LoRA, Tuned, adapt, load_adapter  # noqa: E402
from minilora.methods.peft import PeftConfig  # noqa: E402
from minilora.models.checkpoint import load  # noqa: E402
from minilora.models.torch_file import load_torch  # noqa: E402

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("default")]

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
VOCABULARY, LAYERS, WIDTH = 40, 3, 32


def shuffled(model: Any, seed: int = 0) -> Any:
    """The model with every weight moved at random, also biases and norms."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


def gpt2(kind: str) -> Any:
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=32,
        n_embd=WIDTH,
        n_layer=LAYERS,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        num_labels=3,
    )
    return getattr(transformers, f"GPT2{kind}")(config)


def encoder(family: str, kind: str, **fields: Any) -> Any:
    config = getattr(transformers, f"{family}Config")(
        vocab_size=VOCABULARY, max_position_embeddings=64, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=4,
        intermediate_size=48, num_labels=3, **fields,
    )  # fmt: skip
    return getattr(transformers, f"{family}For{kind}")(config)


CLASSIFIER, MASKED = "SequenceClassification", "MaskedLM"
RELATIVE = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "pooler_hidden_size": WIDTH}
V3 = {
    **RELATIVE,
    "position_buckets": 8,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "position_biased_input": False,
    "type_vocab_size": 0,
}

MODELS: dict[str, Callable[[], Any]] = {
    "gpt2": lambda: gpt2("LMHeadModel"),
    "gpt2 classifier": lambda: gpt2("ForSequenceClassification"),
    "bert classifier": lambda: encoder("Bert", CLASSIFIER),
    "bert": lambda: encoder("Bert", MASKED),
    "roberta classifier": lambda: encoder("Roberta", CLASSIFIER),
    "roberta": lambda: encoder("Roberta", MASKED),
    "deberta v2 classifier": lambda: encoder("DebertaV2", CLASSIFIER, **V3),
    "deberta v2, own position keys": lambda: encoder("DebertaV2", CLASSIFIER, **RELATIVE),
    "deberta v1 classifier": lambda: encoder("Deberta", CLASSIFIER, **RELATIVE),
}

OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "rank and alpha": {"r": 3, "lora_alpha": 5},
    "rslora": {"r": 4, "lora_alpha": 6, "use_rslora": True},
    "all-linear": {"target_modules": "all-linear"},
    "bias all": {"bias": "all"},
    "bias own": {"bias": "lora_only"},
    "some layers": {"layers_to_transform": [0, 2]},
    "one layer": {"layers_to_transform": 1, "layers_pattern": "PATTERN"},
    "excluded list": {"target_modules": "all-linear", "exclude_modules": ["EXCLUDED"]},
    "excluded regex": {"target_modules": "all-linear", "exclude_modules": r".*\.1\..*"},
    "regex": {"target_modules": r".*\.[02]\..*(FIRST|OUT)"},
    "rank pattern": {"target_modules": ["FIRST", "OUT"], "rank_pattern": {"FIRST": 5, r"1\..*OUT": 1}},
    "alpha pattern": {"target_modules": ["FIRST", "OUT"], "alpha_pattern": {r"0\..*": 3, "OUT": 20}},
    "patterns, rslora, biases": {"target_modules": ["FIRST", "OUT"], "rank_pattern": {"OUT": 5}, "alpha_pattern": {"FIRST": 2}, "use_rslora": True, "bias": "lora_only"},
}  # fmt: skip

WORDS = {
    "gpt2": {"FIRST": "c_attn", "OUT": "c_proj", "EXCLUDED": "mlp.c_fc", "PATTERN": "h"},
    "bert": {"FIRST": "query", "OUT": "output.dense", "EXCLUDED": "intermediate.dense", "PATTERN": "layer"},
    "roberta": {"FIRST": "key", "OUT": "attention.output.dense", "EXCLUDED": "value", "PATTERN": "layer"},
    "deberta-v2": {"FIRST": "query_proj", "OUT": "output.dense", "EXCLUDED": "key_proj", "PATTERN": "layer"},
    "deberta": {"FIRST": "in_proj", "OUT": "output.dense", "EXCLUDED": "intermediate.dense", "PATTERN": "layer"},
}  # fmt: skip
"""What the capitals in OPTIONS stand for in each architecture."""


def spell(value: Any, words: dict[str, str]) -> Any:
    """An option with the architecture's own words put in."""
    if isinstance(value, str):
        for capital, word in words.items():
            value = value.replace(capital, word)
        return value
    if isinstance(value, dict):
        return {spell(key, words): spell(item, words) for key, item in value.items()}
    return [spell(item, words) for item in value] if isinstance(value, list) else value


class Case:
    """A base model of transformers on disk, and both programs' logits on the same tokens."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.base = shuffled(MODELS[name]())
        self.model_type = self.base.config.model_type
        self.base.save_pretrained(folder / "base")
        self.classifies = "SequenceClassification" in type(self.base).__name__
        self.masked = "MaskedLM" in type(self.base).__name__
        rng = np.random.default_rng(1)
        self.ids = rng.integers(3, VOCABULARY, (4, 17))
        self.mask = np.arange(17) < np.array([[17], [9], [3], [16]])

    def theirs(self, model: Any) -> np.ndarray:
        ids = np.where(self.mask, self.ids, self.base.config.pad_token_id)
        with torch.no_grad():
            found = model(
                torch.tensor(ids), attention_mask=torch.tensor(self.mask.astype(int))
            ).logits.numpy()
        return found if self.classifies else found[self.mask]

    def ours(self, tuned: Tuned) -> np.ndarray:
        found = tuned.model.logits(self.ids, self.mask)
        return found if self.classifies else found[self.mask]

    def fresh_base(self) -> Any:
        return type(self.base).from_pretrained(self.folder / "base").eval()

    def peft_model(self, options: dict[str, Any], *, safe: bool = True) -> Any:
        """A random adapter of PEFT, saved in ``theirs``."""
        task = "SEQ_CLS" if self.classifies else "CAUSAL_LM" if self.model_type == "gpt2" else None
        config = peft.LoraConfig(task_type=task, **{"r": 2, "lora_alpha": 4, **options})
        model = peft.get_peft_model(self.fresh_base(), config).eval()
        torch.manual_seed(2)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter) * 0.1)
        model.save_pretrained(self.folder / "theirs", safe_serialization=safe)
        return model

    def load_peft(self, name: str) -> Any:
        """PEFT's own reading of a folder, which must find each key in its place."""
        model = peft.PeftModel.from_pretrained(self.fresh_base(), self.folder / name).eval()
        wanted = {
            key
            for key in peft.get_peft_model_state_dict(model)
            if ".lora_" in key or "classifier" in key or "score" in key
        }
        stored = peft.utils.load_peft_weights(str(self.folder / name), device="cpu")
        known = set(model.state_dict()) | set(peft.get_peft_model_state_dict(model))
        assert wanted - {
            key for key in wanted if any(d in key for d in (".modules_to_save.", ".original_module."))
        } <= set(stored)
        assert set(stored) <= known
        return model


@pytest.fixture(params=MODELS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return Case(request.param, tmp_path)


def test_the_base_is_the_same(case: Case) -> None:
    found = load(case.folder / "base").logits(case.ids, case.mask)
    np.testing.assert_allclose(
        found if case.classifies else found[case.mask], case.theirs(case.base), **TOLERANCE
    )


@pytest.mark.parametrize("option", OPTIONS, ids=lambda name: name.replace(" ", "-"))
def test_each_way_before_and_after_merging(case: Case, option: str) -> None:
    theirs = case.peft_model(spell(OPTIONS[option], WORDS[case.model_type]))
    expected = case.theirs(theirs)
    assert abs(expected - case.theirs(case.base)).max() > 1e-2, (
        "the adapter does nothing, so the test shows nothing"
    )

    if case.masked and (option == "bias all" or "all-linear" in OPTIONS[option].values()):
        # PEFT adapts the head of masked language models too, and trains its biases
        with pytest.raises(InputError, match="the head that pretraining left"):
            load_adapter(load(case.folder / "base"), case.folder / "theirs")
        return
    tuned = load_adapter(load(case.folder / "base"), case.folder / "theirs")
    np.testing.assert_allclose(case.ours(tuned), expected, **TOLERANCE)

    tuned.save(case.folder / "ours", format="peft")
    again = case.load_peft("ours")
    np.testing.assert_allclose(case.theirs(again), expected, **TOLERANCE)

    merged = case.theirs(theirs.merge_and_unload())
    np.testing.assert_allclose(case.theirs(again.merge_and_unload()), merged, **TOLERANCE)
    np.testing.assert_allclose(merged, expected, rtol=1e-4, atol=1e-4)
    tuned.merge()
    np.testing.assert_allclose(case.ours(tuned), merged, **TOLERANCE)


METHODS = {
    "query and value": LoRA(rank=2, alpha=4),
    "query": LoRA(rank=3, targets=("query",)),
    "unlike ranks and scales": LoRA(rank=2, alpha=4, ranks={"value": 4}, alphas={"blocks.0": 7}),
    "unlike, rank-stabilised": LoRA(rank=2, alpha=4, scaling="rslora", ranks={"query": 3}, alphas={"value": 5}),
    "all linear": LoRA(rank=2, targets=("all-linear",)),
    "one block": LoRA(rank=2, targets=("blocks.1",), bias="own"),
    "all biases": LoRA(rank=2, targets=("value", "mlp.down"), bias="all"),
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS, ids=lambda name: name.replace(" ", "-"))
def test_what_minilora_made(case: Case, method: str) -> None:
    """Ours from the beginning: separate query and value, ranks and scales by layer, biases, heads."""
    tuned = adapt(load(case.folder / "base"), METHODS[method])
    rng = np.random.default_rng(3)
    for parameter in tuned.parameters.values():
        parameter.data = parameter.data + 0.1 * rng.standard_normal(parameter.shape, dtype=np.float32)
    tuned.save(case.folder / "ours", format="peft", base_name=str(case.folder / "base"))
    theirs = case.load_peft("ours")
    np.testing.assert_allclose(case.theirs(theirs), case.ours(tuned), **TOLERANCE)

    if (
        case.model_type != "deberta" or METHODS[method].bias == "none"
    ):  # PEFT loads q_bias and v_bias, but doesn't save them
        theirs.save_pretrained(case.folder / "back")
        np.testing.assert_allclose(
            case.ours(load_adapter(load(case.folder / "base"), case.folder / "back")),
            case.ours(tuned),
            **TOLERANCE,
        )
    tuned.merge()
    np.testing.assert_allclose(case.theirs(theirs.merge_and_unload()), case.ours(tuned), **TOLERANCE)


def test_the_older_torch_file(case: Case) -> None:
    theirs = case.peft_model({"bias": "lora_only"}, safe=False)
    assert (case.folder / "theirs" / "adapter_model.bin").is_file()
    tuned = load_adapter(load(case.folder / "base"), case.folder / "theirs")
    np.testing.assert_allclose(case.ours(tuned), case.theirs(theirs), **TOLERANCE)


def test_the_fields_are_pefts_own(case: Case) -> None:
    """What is written has no field that PEFT lacks, and PEFT's own defaults for those that are not written."""
    adapt(load(case.folder / "base"), LoRA(rank=2)).save(case.folder / "ours", format="peft")
    written = json.loads((case.folder / "ours" / "adapter_config.json").read_text())
    case.peft_model({})
    own = json.loads((case.folder / "theirs" / "adapter_config.json").read_text())
    assert written.keys() <= own.keys()
    same = (
        "bias",
        "fan_in_fan_out",
        "inference_mode",
        "init_lora_weights",
        "peft_type",
        "task_type",
        "use_dora",
        "layers_to_transform",
    )
    assert {name: written[name] for name in same} == {name: own[name] for name in same}


PATHS = [
    f"transformer.h.{i}.{part}"
    for i in (0, 1, 2, 11)
    for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
] + ["score"]


@pytest.mark.parametrize(
    "fields",
    [
        {"target_modules": ["c_proj"]},
        {"target_modules": ["proj"]},
        {"target_modules": ["attn.c_proj", "c_fc"]},
        {"target_modules": ["h.1.attn.c_attn"]},
        {"target_modules": r".*h\.1.*"},
        {"target_modules": r"transformer\.h\.\d\.mlp\.c_(fc|proj)"},
        {"target_modules": "c_attn"},
        {"target_modules": ["c_attn"], "exclude_modules": ["transformer.h.1.attn.c_attn"]},
        {"target_modules": ["c_attn"], "exclude_modules": r".*1.*"},
        {"target_modules": ["c_proj", "score"], "modules_to_save": ["score"]},
        {"target_modules": ["c_proj"], "modules_to_save": ["mlp"]},
        {"target_modules": ["c_attn"], "layers_to_transform": 1},
        {"target_modules": ["c_attn", "score"], "layers_to_transform": [1, 11]},
        {"target_modules": ["c_attn"], "layers_to_transform": [1], "layers_pattern": "h"},
        {"target_modules": ["c_attn"], "layers_to_transform": [1], "layers_pattern": ["x", "h"]},
        {"target_modules": ["c_attn"], "layers_to_transform": [1], "layers_pattern": ["x"]},
        {"target_modules": ["c_attn"], "layers_to_transform": []},
    ],
    ids=str,
)  # fmt: skip
def test_which_layers_a_configuration_selects(fields: dict[str, Any]) -> None:
    theirs = peft.LoraConfig(**fields)
    listed = {name: (tuple(value) if isinstance(value, list) else value) for name, value in fields.items()}
    for name in ("layers_pattern", "layers_to_transform"):
        if isinstance(listed.get(name), str | int):
            listed[name] = (listed[name],)
    ours = PeftConfig(**listed)
    expected = [path for path in PATHS if selected(theirs, path)]
    assert [path for path in PATHS if ours.selects(path, linear=PATHS, model_type="gpt2")] == expected


def selected(config: Any, path: str) -> bool:
    found = peft.tuners.tuners_utils.check_target_module_exists(config, path)
    return bool(found) and "Excluded" not in type(found).__name__


@pytest.mark.parametrize(
    "pattern",
    ["c_attn", "attn.c_attn", r"h\.1\.attn", r"h\.1\..*", "1.attn.c_attn", ".*c_proj", "proj", "mlp.*"],
)
def test_where_a_pattern_of_ranks_fits(pattern: str) -> None:
    ours = PeftConfig(r=1, rank_pattern={pattern: 7})
    for path in PATHS:
        key = peft.utils.other.get_pattern_key([pattern], path)
        assert ours.rank_at(path) == {pattern: 7}.get(key, 1)


def test_a_torch_file_of_every_kind_of_tensor(tmp_path: Path) -> None:
    matrix = torch.randn(6, 4)
    tensors = {
        "plain": matrix, "transposed": matrix.T, "cut": matrix[1:4, ::2], "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(matrix.clone()), "float64": matrix.double(), "float16": matrix.half(), "bfloat16": matrix.bfloat16(),
        "bfloat16, transposed": matrix.bfloat16().T, "int64": torch.arange(5), "uint8": torch.arange(5, dtype=torch.uint8), "bool": matrix > 0,
    }  # fmt: skip
    torch.save(tensors, tmp_path / "file.bin")
    found = load_torch(tmp_path / "file.bin")
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        expected = (tensor.float() if "bfloat16" in name else tensor).detach().numpy()
        assert found[name].dtype == expected.dtype
        np.testing.assert_array_equal(found[name], expected)
    torch.save(torch.nn.Linear(3, 2).state_dict(), tmp_path / "module.bin")
    assert load_torch(tmp_path / "module.bin").keys() == {"weight", "bias"}


def test_the_page_on_peft_runs() -> None:
    """What docs/how-to/peft.md shows, with PEFT in place."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "peft.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:python|py)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    for block in blocks:
        if "load_loralib" not in block:  # needs roberta-base
            exec(compile(block, "peft.md", "exec"), names)
    with torch.no_grad():
        theirs = names["theirs"](torch.tensor(names["ids"])).logits.numpy()
    np.testing.assert_allclose(names["tuned"].logits(names["ids"]), theirs, **TOLERANCE)
