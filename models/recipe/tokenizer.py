"""The byte-level BPE tokenizer (trained here, on a sample of the same stream) and the chat template, in Python.

Called by stream.py, evaluate.py and export.py. The pre-tokenizer splits single digits, then GPT-2's pattern over bytes:
llama.cpp knows it as "smollm". `turns` is the chat template written out by hand because rendering Jinja for every
training document would cost more than the training step; `check_template` holds the two to one another.
"""
from __future__ import annotations

import json
import pathlib

import jinja2
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from data.types import Example

HERE = pathlib.Path(__file__).parent
TEMPLATE = (HERE / "chat_template.jinja").read_text()
VOCAB = 3072
# Control tokens mark turns; the two tags are ordinary text of an answer, so a decoder that skips control tokens keeps them.
CONTROL = ["<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|end|>"]
TAGS = ["<tool_call>", "</tool_call>"]
BOS, SYSTEM, USER, ASSISTANT, TOOL, END, CALL, CALL_END = range(8)
ROLE = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT, "tool": TOOL}


def train(texts, path: pathlib.Path) -> Tokenizer:
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCAB, special_tokens=CONTROL + TAGS, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator(texts, trainer)
    spec = json.loads(t.to_str())
    for added in spec["added_tokens"]:
        added["special"] = added["content"] in CONTROL
    path.write_text(json.dumps(spec, ensure_ascii=False, separators=(",", ":")))
    return load(path)


def load(path: pathlib.Path) -> Tokenizer:
    t = Tokenizer.from_file(str(path))
    for i, want in enumerate(CONTROL + TAGS):
        if t.token_to_id(want) != i:
            raise ValueError(f"{path}: {want} is {t.token_to_id(want)}, not {i}")
    return t


def config() -> dict:
    """tokenizer_config.json."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1024, "clean_up_tokenization_spaces": False,
        "bos_token": CONTROL[BOS], "eos_token": CONTROL[END], "pad_token": CONTROL[BOS], "add_bos_token": False,
        "added_tokens_decoder": {str(i): {"content": c, "lstrip": False, "rstrip": False, "normalized": False,
                                          "single_word": False, "special": c in CONTROL} for i, c in enumerate(CONTROL + TAGS)},
        "chat_template": TEMPLATE,
    }


def type_of(s: dict) -> str:
    if "enum" in s:
        return "|".join(json.dumps(v, ensure_ascii=False) for v in s["enum"])
    if s.get("type") == "array" and "items" in s:
        return s["items"].get("type", "string") + "[]"
    return s["type"] if isinstance(s.get("type"), str) else "string"


def signature(tool: dict) -> str:
    f = tool.get("function", tool)
    p = f.get("parameters", {})
    args = ",".join(f"{name}{'' if name in p.get('required', []) else '?'}: {type_of(s)}" for name, s in p.get("properties", {}).items())
    return f"\n-{f['name']}({args})" + (f": {f['description']}" if f.get("description") else "")


def call_text(call: dict) -> str:
    call = call.get("function", call)
    args = call["arguments"] if isinstance(call["arguments"], str) else json.dumps(call["arguments"], ensure_ascii=False)
    return f'{{"name": {json.dumps(call["name"], ensure_ascii=False)}, "arguments": {args}}}'


def turns(e: Example) -> list[tuple[int | str, bool]]:
    """The document as control ids and texts, each with whether the model is to say it."""
    out: list[tuple[int | str, bool]] = [(BOS, False)]
    messages = list(e.messages)
    system = messages.pop(0)["content"] if messages and messages[0]["role"] == "system" else None
    if system is not None or e.tools:
        out += [(SYSTEM, False), ((system or "") + ("\nTools:" + "".join(map(signature, e.tools)) if e.tools else ""), False), (END, False)]
    for m in messages:
        said = m["role"] == "assistant"
        out.append((ROLE[m["role"]], False))
        if m.get("content"):
            out.append((m["content"], said))
        for call in m.get("tool_calls", ()):
            out += [(CALL, said), (call_text(call), said), (CALL_END, said)]
        out.append((END, said))
    return out


def render(e: Example) -> str:
    names = CONTROL + TAGS
    return "".join(names[p] if isinstance(p, int) else p for p, _ in turns(e))


def encode(t: Tokenizer, e: Example) -> tuple[list[int], list[bool]]:
    """-> ids, and for each whether it is the assistant's own. A "text" example is its one message's plain text."""
    if e.skill == "text":
        ids = [BOS, *t.encode(e.messages[0]["content"], add_special_tokens=False).ids, BOS]
        return ids, [False] + [True] * (len(ids) - 1)
    ids: list[int] = []
    own: list[bool] = []
    for piece, said in turns(e):
        add = [piece] if isinstance(piece, int) else t.encode(piece, add_special_tokens=False).ids
        ids += add
        own += [said] * len(add)
    return ids, own


def prompt(t: Tokenizer, e: Example) -> list[int]:
    """Everything before the last assistant turn, and the prompt for it."""
    return encode(t, Example(e.skill, e.messages[:-1], e.tools))[0] + [ASSISTANT]


def jinja(e: Example, generation: bool = False) -> str:
    env = jinja2.Environment()
    env.filters["tojson"] = lambda v: json.dumps(v, ensure_ascii=False)
    return env.from_string(TEMPLATE).render(messages=list(e.messages), tools=list(e.tools) or None, add_generation_prompt=generation)


def check_template(e: Example) -> None:
    if jinja(e) != render(e):
        raise ValueError(f"the two chat templates disagree:\n{jinja(e)}\n---\n{render(e)}")
