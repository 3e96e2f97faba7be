"""Names and paths of models: what is written decides what is meant, and the hub, here one on this machine, is asked for no more than is read."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.models.checkpoint import load, save
from minilora.models.gpt import GPT, GPTConfig
from minilora.models.layouts import LAYOUTS
from minilora.models.sources import find, shipped
from minilora.tensors import load_tensors

from .torch_zip import write_torch

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(GPT(GPTConfig(20, 8, 8, 1, 2), np.random.default_rng(0)), tmp_path / "saved")
    return tmp_path / "saved"


def test_a_shipped_name_wins_over_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "tiny-gpt" not in shipped():
        pytest.skip("tiny-gpt is not in this checkout")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny-gpt").mkdir()
    assert (find("tiny-gpt", LAYOUTS) / "config.json").is_file()
    for given in ("./tiny-gpt", Path("tiny-gpt")):  # with a separator, or as a Path, it is the folder
        with pytest.raises(InputError, match=r"is no model folder: it has no config\.json"):
            load(given)


def test_a_bare_name_that_nothing_shipped_has_is_a_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert load("saved").config.vocabulary == 20


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("tiny-gqt", "no model folder or shipped model 'tiny-gqt'"),
        ("openai-community/gpt2", "a model of the hub is loaded as 'hf:openai-community/gpt2'"),
        ("package:no_such_package_here", "no installed package 'no_such_package_here'"),
        ("package:../etc", "no installed package"),
        ("package:json", "the package 'json' holds no config.json"),
        ("hf:", "is no model of the hub"),
        ("hf:a/b/c", "is no model of the hub"),
        ("x" * 5000, "no name of a folder"),
        ("a\0b", "no name of a folder|no model folder"),
    ],
)
def test_what_is_nothing_is_refused(given: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(given)


def test_a_model_in_a_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = folder.parent / "carries_a_model_for_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('the package is not to be imported')")
    folder.rename(package / "model")
    monkeypatch.syspath_prepend(str(folder.parent))
    assert load("package:carries_a_model_for_a_test").config.vocabulary == 20


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as a download needs: what a model's repository holds, and its files."""

    files: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path.startswith("/api/models/me/tiny/tree/"):
            tree = [{"type": "file", "path": n, "oid": "0", "size": len(b)} for n, b in self.files.items()]
            self.answer(json.dumps(tree).encode(), "application/json")
        elif self.path.startswith("/api/models/me/tiny"):
            there = [{"rfilename": name} for name in self.files]
            self.answer(
                json.dumps({"id": "me/tiny", "sha": COMMIT, "siblings": there}).encode(), "application/json"
            )
        elif self.path.startswith("/me/tiny/resolve/") and (name := self.path.split("/")[-1]) in self.files:
            self.answer(self.files[name], "application/octet-stream")
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_HEAD = do_GET

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hash(body) & 0xFFFFFFFF:x}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def hub(folder: Path) -> Iterator[tuple[str, type[Hub]]]:
    pytest.importorskip("huggingface_hub", reason="needs the hub extra: pip install 'minilora[hub]'")
    files = {path.name: path.read_bytes() for path in folder.iterdir()} | {
        "pytorch_model.bin": b"x",
        "README.md": b"x",
    }
    handler = type("OneHub", (Hub,), {"files": files, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    server.server_close()
    thread.join()


def in_a_process(code: str, endpoint: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The library reads its settings when it is imported, hence a process of its own."""
    settings = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
    }
    script = f"import minilora\ntry:\n    {code}\nexcept minilora.InputError as error:\n    print('refused:', error)"
    return subprocess.run(
        [sys.executable, "-c", script], env=os.environ | settings, capture_output=True, text=True, timeout=300
    )


def test_the_hub(hub: tuple[str, type[Hub]], tmp_path: Path) -> None:
    endpoint, handler = hub
    loads = "print(minilora.load('hf:me/tiny').config.vocabulary)"
    done = in_a_process(loads, endpoint, tmp_path / "home")
    assert done.stdout == "20\n", done.stdout + done.stderr
    fetched = {path.split("/")[-1] for path in handler.asked if "/resolve/" in path}
    assert fetched == {"config.json", "model.safetensors"}
    assert in_a_process("minilora.load('hf:me/other')", endpoint, tmp_path / "home").stdout.startswith(
        "refused: 'hf:me/other' cannot be loaded: there is no such model on the hub"
    )
    handler.files["config.json"] = b'{"model_type": "llama"}'
    strange = in_a_process("minilora.load('hf:me/tiny')", endpoint, tmp_path / "other home").stdout
    assert strange.startswith("refused: 'hf:me/tiny' is a model of type 'llama', but this program knows gpt2")
    del handler.files["model.safetensors"], handler.files["pytorch_model.bin"]
    without = in_a_process("minilora.load('hf:me/tiny')", endpoint, tmp_path / "other home").stdout
    assert (
        "has no config.json with model.safetensors or pytorch_model.bin or shards; it holds config.json"
        in without
    )


def test_the_hubs_torch_files_are_fetched_where_there_are_no_others(
    hub: tuple[str, type[Hub]], tmp_path: Path
) -> None:
    endpoint, handler = hub
    (tmp_path / "model.safetensors").write_bytes(handler.files.pop("model.safetensors"))
    write_torch(tmp_path / "pytorch_model.bin", load_tensors(tmp_path / "model.safetensors")[0])
    handler.files["pytorch_model.bin"] = (tmp_path / "pytorch_model.bin").read_bytes()
    done = in_a_process("print(minilora.load('hf:me/tiny').config.vocabulary)", endpoint, tmp_path / "home")
    assert done.stdout == "20\n", done.stdout + done.stderr
    fetched = {path.split("/")[-1] for path in handler.asked if "/resolve/" in path}
    assert fetched == {"config.json", "pytorch_model.bin"}


def test_without_a_network_the_cache_is_used(hub: tuple[str, type[Hub]], tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        loads = "print(minilora.load('hf:me/tiny').config.vocabulary)"
        refused = in_a_process(loads, nobody, tmp_path / "home").stdout
        assert refused.startswith(
            "refused: 'hf:me/tiny' is not in the cache of downloads, and the hub cannot be reached ("
        )
        assert refused.count("\n") == 1
        assert in_a_process(loads, hub[0], tmp_path / "home").stdout == "20\n"
        assert in_a_process(loads, nobody, tmp_path / "home").stdout == "20\n"


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"needs the huggingface_hub library: pip install 'minilora\[hub\]'"):
        load("hf:me/tiny")
