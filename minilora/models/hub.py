"""Models from the Hugging Face hub, downloaded once and kept in its cache.

Comes before ``sources.py``. Which files a model's repository has is asked first, so that nothing is fetched that is not read: weights in one format (safetensors, or torch files where there are no others), and no weights at all
of an architecture that is not known here. The work is the huggingface_hub library's (extra ``hub``), which shows progress, takes up a download that was cut off, and needs no
network for what is in its cache already.
"""

import fnmatch
from collections.abc import Collection
from pathlib import Path

from ..data.tokenizer_files import FILES
from ..errors import InputError, first_line, nearest, some
from ..files import read_json
from .weights import CONFIG, FORMATS, Format

SECONDS = 20
"""How long the first answer may take."""


def download(name: str, known: Collection[str]) -> Path:
    """The local folder of the model ``name``, such as ``"openai-community/gpt2"``, or ``"owner/name@revision"`` for a branch, tag or commit.

    known: the ``model_type`` values that can be loaded; weights of others are not fetched. Raises InputError, in one sentence, when the huggingface_hub library is not installed,
    when there is no network and the model is not in the cache, when there is no such repository or revision, or it is not open to you, and when it has no weights that can be read.
    """
    try:
        from huggingface_hub import HfApi, snapshot_download
    except ImportError as error:
        raise InputError(
            f"loading 'hf:{name}' needs the huggingface_hub library: pip install 'minilora[hub]'"
        ) from error
    repository, _, revision = name.partition("@")
    if repository.count("/") > 1 or not all(repository.split("/")):
        raise InputError(
            f"'hf:{name}' is no model of the hub; give 'hf:owner/name' or 'hf:owner/name@revision'"
        )

    def fetch(files: list[str], commit: str | None, *, local: bool = False) -> Path:
        return Path(
            snapshot_download(repository, revision=commit, allow_patterns=files, local_files_only=local)
        )

    try:
        info = HfApi().model_info(repository, revision=revision or None, timeout=SECONDS)
    except Exception as error:
        if not _offline(error):
            raise InputError(f"'hf:{name}' cannot be loaded: {_why(error)}") from error
        try:
            return fetch([], revision or None, local=True)
        except Exception as missing:
            raise InputError(
                f"'hf:{name}' is not in the cache of downloads, and the hub cannot be reached ({first_line(error)}); "
                "connect to the network, or give the folder of a copy"
            ) from missing
    there = [file.rfilename for file in info.siblings or ()]
    weights = next(filter(None, (_weights(there, format) for format in FORMATS)), None)
    if CONFIG not in there or weights is None:
        wanted = " or ".join(format.weights for format in FORMATS)
        raise InputError(
            f"'hf:{name}' has no {CONFIG} with {wanted} or shards; it holds {some(there, 8) or 'nothing'}"
        )
    try:
        folder = fetch([CONFIG], revision or None)
        model_type = str(read_json(folder / CONFIG).get("model_type"))
        if model_type not in known:
            raise InputError(
                f"'hf:{name}' is a model of type {model_type!r}, but this program knows {', '.join(known)}{nearest(model_type, known)}"
            )
        return fetch([CONFIG, *weights, *(file for file in FILES if file in there)], revision or None)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"'hf:{name}' could not be downloaded: {_why(error)}; try again") from error


def _weights(there: Collection[str], format: Format) -> list[str]:
    """The files to fetch of a repository's weights in this format: the one file, or the index and its shards; none where it has neither."""
    if format.weights in there:
        return [format.weights]
    shards = fnmatch.filter(there, format.shards)
    return [format.index, *shards] if format.index in there and shards else []


def _offline(error: BaseException) -> bool:
    """Whether nobody answered: no network, an endpoint that is down, offline mode. What the hub answers, and a name that is none, have errors of their own kinds."""
    from huggingface_hub.errors import HfHubHTTPError

    return not isinstance(error, HfHubHTTPError | ValueError)


def _why(error: BaseException) -> str:
    """The library's errors in words of ours."""
    from huggingface_hub import errors

    known: dict[type[Exception], str] = {
        errors.GatedRepoError: "its owner must let you in first (accept its terms on the hub, and log in)",
        errors.RevisionNotFoundError: "there is no such revision",
        errors.RepositoryNotFoundError: "there is no such model on the hub, or it is private",
        errors.HFValidationError: "this is no name of a model",
    }
    return next((words for kind, words in known.items() if isinstance(error, kind)), first_line(error))
