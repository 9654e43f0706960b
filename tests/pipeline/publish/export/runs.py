"""Runs with math and code for the tests of exports, and a model small enough to be trained in a test."""

import json
from pathlib import Path
from typing import Any

from pipeline.run.storage import RunFolder
from tests.pipeline.publish.report_runs import Told, lay_run, tell_small_run

PROGRAM = "Here:\n```python\n{}\n```\n"
RIGHT = (
    "def add(a, b):\n    return a + b",
    "def add(a, b):\n    return b + a",
    "def add(a, b):\n    return sum((a, b))",
)
WRONG = ("def add(a, b):\n    return a - b", "def add(a, b):\n    return a * b + 1")
READ = "print(sum(map(int, input().split())))"
FENCED_CPP = "```cpp\n#include <iostream>\nint main() {{ int a, b; std::cin >> a >> b; std::cout << {}; }}\n```\n"
TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
TEMPLATE += "{% if add_generation_prompt %}<|assistant|>{% endif %}"


def tell_code() -> list[Told]:
    """A function, a program that reads, the same in C++, one with a checker, one with code before it: all kept."""
    calls = [{"id": f"t{n}", "input": f"add({n}, {n + 1})", "expected": str(2 * n + 1)} for n in range(3)]
    lines = [{"id": f"t{n}", "input": f"{n} {n}\n", "expected": str(2 * n)} for n in range(3)]
    samples = [(PROGRAM.format(code), code, "correct") for code in RIGHT]
    samples += [(PROGRAM.format(code), code, "wrong") for code in WRONG] * 2
    reading = [(PROGRAM.format(READ), READ, "correct")] * 4 + [(PROGRAM.format("print(0)"), "print(0)", "wrong")] * 4

    compiled = [(FENCED_CPP.format("a + b"), "a + b", "correct")] * 4 + [(FENCED_CPP.format("0"), "0", "wrong")] * 4

    def code(name: str, samples: list[tuple[str, str, str]], **more: Any) -> Told:
        return Told(f"Write {name}.", None, "programs", name, samples=samples, extra={"domain": "code", **more})

    return [
        code("add", samples, entry_point="add", tests=calls),
        code("read", reading, tests=lines, code_language="python"),
        code("read in C++", compiled, tests=lines, code_language="cpp"),
        code("about", reading, tests=lines, checker={"float_tolerance": 0.5}),
        code("after", samples, entry_point="add", tests=calls, extra=json.dumps({"prelude": "import math\n"})),
    ]


def lay_mixed(root: Path, **settings: Any) -> RunFolder:
    """Sums of every pass rate, and code, in two shards."""
    return lay_run(root, [*tell_small_run(), *tell_code()], **settings)


def save_reader(folder: Path) -> str:
    """A random Llama that reads bytes, with a chat template."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: n for n, letter in enumerate(alphabet)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    end = AddedToken("<|end|>", special=True)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=end, pad_token=AddedToken("<|pad|>"))
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=4096,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)
