"""Text in, plain arrays out: tokenizers, batches, plain text, tasks and the pretraining mixture.

It knows no tensor and imports no other room. What leaves it is a `Batch` of NumPy arrays; where tasks are scored, texts.
"""

from .batches import IGNORED, Batch, ExampleLoader, encode_examples, pad
from .copying import copying_accuracy, copying_batch
from .examples import Example, Labelled
from .labelled import LabelledLoader, encode_labelled, pad_labelled
from .mixture import Mixture, Shares, corpus_tokens, split_corpus, tokenizer_texts
from .text import TextLoader, read_documents, split_documents, text_tokens, text_windows
from .tokenizer import END, ROBERTA, Marked, Tokenizer
from .tokenizer_files import read_tokenizer

__all__ = [
    "END",
    "IGNORED",
    "ROBERTA",
    "Batch",
    "Example",
    "ExampleLoader",
    "Labelled",
    "LabelledLoader",
    "Marked",
    "Mixture",
    "Shares",
    "TextLoader",
    "Tokenizer",
    "copying_accuracy",
    "copying_batch",
    "corpus_tokens",
    "encode_examples",
    "encode_labelled",
    "pad",
    "pad_labelled",
    "read_documents",
    "read_tokenizer",
    "split_corpus",
    "split_documents",
    "text_tokens",
    "text_windows",
    "tokenizer_texts",
]
