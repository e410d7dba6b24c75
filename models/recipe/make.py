"""The one command: data -> tokenizer -> training -> evaluation -> export. Every step is skipped when its result is there.

    python make.py --out RUN [--shared DATA] [--only tokenizer|teacher|default|draft|evaluate|export]

RUN holds everything made (tokenizer.json, default/, draft/, export/). Called by people. It starts the other scripts as
processes of their own, so that a step that dies leaves the finished ones alone; run it again to go on.
"""
from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
STEPS = ("tokenizer", "teacher", "default", "draft", "evaluate", "export")


def main() -> None:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--out", type=pathlib.Path, required=True)
    a.add_argument("--shared", type=pathlib.Path, default=pathlib.Path(os.environ.get("RECIPE_SHARED", HERE.parents[2] / "shared" / "data")))
    a.add_argument("--only", choices=STEPS)
    o = a.parse_args()
    o.out = o.out.resolve()
    o.out.mkdir(parents=True, exist_ok=True)
    # One thread an operation: train.py deals whole portions to its workers (see Gradients). A GPU does not mind.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["RECIPE_TEACHER"] = str(o.out / "teacher.json")

    def run(*args: object) -> None:
        subprocess.run([sys.executable, *map(str, args)], check=True, cwd=HERE)

    steps = (o.only,) if o.only else STEPS
    if "tokenizer" in steps and not (o.out / "tokenizer.json").exists():
        import stream
        import tokenizer
        os.environ.pop("RECIPE_TEACHER")  # not sampled yet
        t = tokenizer.train(stream.sample_texts(o.shared, 6_000_000, 1), o.out / "tokenizer.json")
        print("tokenizer:", t.get_vocab_size(), "entries,", (o.out / "tokenizer.json").stat().st_size, "bytes")
        os.environ["RECIPE_TEACHER"] = str(o.out / "teacher.json")
    if "teacher" in steps and not (o.out / "teacher.json").exists():
        run("teacher.py", "--out", o.out / "teacher.json", "--shared", o.shared, "--texts", 1500)
    for shape in ("default", "draft"):
        if shape in steps:
            run("train.py", "--out", o.out / shape, "--shape", shape, "--shared", o.shared)
    if "evaluate" in steps:
        run("evaluate.py", "--run", o.out, "--shared", o.shared, "--json", o.out / "figures.json")
    if "export" in steps:
        run("export.py", "--run", o.out)


if __name__ == "__main__":
    main()
