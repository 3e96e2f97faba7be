"""What the shipped base model is pretrained on: repeated strings, generated documents, books (see `loader`)."""

from .documents import FAMILIES, document, documents
from .loader import Mixture, Shares, corpus_tokens, split_corpus, tokenizer_texts

__all__ = [
    "FAMILIES",
    "Mixture",
    "Shares",
    "corpus_tokens",
    "document",
    "documents",
    "split_corpus",
    "tokenizer_texts",
]
