"""Trains the model: the stream in, checkpoints out. Stops and resumes at any chunk; the same on CPU and GPU.

Called by make.py or by hand. What a run does at step s is written in plan.json (shares of the stream, learning rate
schedule, when the 4-bit grid comes in), so that a run can be steered while it goes and the plan stays as its record.
Matrices are trained with Muon (Jordan et al. 2024: momentum, orthogonalised by a Newton-Schulz iteration), the embedding
and the norms with AdamW; learning rates go warm-up, stable, decay (Hu et al. 2024), so that the decay can begin
whenever time runs out. What goes wrong: a loss that is not finite stops the run before it can spoil a checkpoint.
"""
from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import json
import math
import multiprocessing
import os
import pathlib
import threading
import time

import numpy as np
import torch
import torch.nn.functional as F

import stream
import tokenizer as tok
from model import SHAPES, Llama

HERE = pathlib.Path(__file__).parent


class Muon:
    """Momentum 0.95 with Nesterov; the update of each matrix is its nearest semi-orthogonal one. Same shapes go together."""

    def __init__(self, params: list[torch.Tensor], momentum: float = 0.95, decay: float = 0.01):
        self.groups: dict[tuple[int, ...], list[torch.Tensor]] = {}
        for p in params:
            self.groups.setdefault(tuple(p.shape), []).append(p)
        self.momentum, self.decay = momentum, decay
        self.buffers = {k: torch.zeros(len(v), *k, device=v[0].device) for k, v in self.groups.items()}

    def step(self, lr: float, run=map) -> None:
        """`run` is map, or a thread pool's."""
        list(run(lambda shape: self.group(shape, lr), sorted(self.groups, key=lambda s: -s[0] * s[1])))

    @torch.no_grad()
    def group(self, shape: tuple[int, ...], lr: float) -> None:
        params = self.groups[shape]
        g = torch.stack([p.grad for p in params])
        m = self.buffers[shape]
        m.lerp_(g, 1 - self.momentum)
        u = orthogonal(g.lerp(m, self.momentum))
        u.mul_(max(1.0, shape[0] / shape[1]) ** 0.5)
        for p, d in zip(params, u):
            p.mul_(1 - lr * self.decay).add_(d, alpha=-lr)


def orthogonal(g: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Newton-Schulz: brings all singular values near 1. g [n, rows, cols]."""
    x = g.bfloat16()
    turned = x.shape[-2] > x.shape[-1]
    if turned:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.mT if turned else x).float()


@contextlib.contextmanager
def on_grid(model: Llama, run=map):
    """Inside, every matrix holds the rounded values that will be shipped; outside, its own. The gradients found inside are
    applied outside: the straight-through estimator (Bengio et al. 2013), with nothing added to the model."""
    own = [p.detach().clone() for p in model.parameters()]
    model.snap(run)
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_([p.detach() for p in model.parameters()], own)


def at_step(table: list, step: int):
    """table [[from step, value], ...] -> the value that holds at `step`."""
    value = table[0][1]
    for start, v in table:
        if step >= start:
            value = v
    return value


def rate(plan: dict, step: int) -> float:
    """1 after the warm-up; then along the straight lines through plan["decay"], [[step, share], ...]."""
    up = min(1.0, (step + 1) / plan["warmup"])
    before = [0, 1.0]
    for point in plan["decay"]:
        if step < point[0]:
            part = (step - before[0]) / (point[0] - before[0])
            return up * (before[1] + part * (point[1] - before[1]))
        before = point
    return up * before[1]


def mask_of(doc: torch.Tensor) -> torch.Tensor:
    t = doc.shape[1]
    causal = torch.ones(t, t, dtype=torch.bool, device=doc.device).tril()
    return ((doc[:, :, None] == doc[:, None, :]) & causal)[:, None]


def loss_of(model, hidden, ids: torch.Tensor, doc: torch.Tensor, learn: torch.Tensor) -> torch.Tensor:
    """Summed cross-entropy (nats) over the positions to learn."""
    h = hidden(ids[:, :-1], mask_of(doc))
    at = learn.reshape(-1).nonzero().squeeze(1)
    logits = model.logits(h.reshape(-1, h.shape[-1])[at])
    return F.cross_entropy(logits.float(), ids[:, 1:].reshape(-1)[at], reduction="sum")


class Gradients:
    """The gradients of one step. On a CPU the rows are dealt out in small portions to `workers` threads of one core each:
    a core that something else keeps busy then delays only its own portion, where threads inside every operation would all
    wait for it. On a GPU it is one worker and one portion."""

    def __init__(self, model: Llama, hidden, workers: int, portion: int | None):
        self.model, self.hidden, self.portion = model, hidden, portion
        self.params = list(model.parameters())
        self.pool = concurrent.futures.ThreadPoolExecutor(workers) if workers > 1 else None

    def part(self, rows: stream.Rows, a: int, b: int, n: int) -> tuple[float, tuple[torch.Tensor, ...]]:
        device = self.params[0].device
        ids, doc, learn = (torch.from_numpy(x[a:b]).to(device) for x in (rows.ids.astype(np.int64), rows.doc, rows.learn))
        with torch.autocast(device.type, torch.bfloat16):
            loss = loss_of(self.model, self.hidden, ids, doc, learn)
        return float(loss.detach()), torch.autograd.grad(loss / n, self.params)

    def step(self, rows: stream.Rows, a: int, b: int) -> tuple[float, int]:
        """Sets .grad of every parameter. -> (summed loss, positions learnt)"""
        n = max(1, int(rows.learn[a:b].sum()))
        size = self.portion or b - a
        cuts = [(x, min(x + size, b)) for x in range(a, b, size)]
        run = self.pool.map if self.pool else map
        total, sums = 0.0, None
        for value, grads in run(lambda c: self.part(rows, *c, n), cuts):
            total += value
            if sums is None:
                sums = [g.float() for g in grads]
            else:
                torch._foreach_add_(sums, [g.float() for g in grads])
        for p, g in zip(self.params, sums):
            p.grad = g
        return total, n


def sizes(plan: dict, number: int, step: int) -> tuple[int, int, int]:
    """-> rows a step, steps a chunk, length of the rows."""
    usual, longer = at_step(plan["lengths"], step)
    length = longer if (number + 1) % plan["long_every"] == 0 else usual
    return at_step(plan["batch"], step) * 512 // length, at_step(plan["steps_per_chunk"], step), length  # batch counts rows of 512


def wish(plan: dict, number: int, step: int, shared: pathlib.Path) -> tuple:
    """Everything that decides what is in a chunk."""
    per_step, per_chunk, length = sizes(plan, number, step)
    return number, plan["seed"], at_step(plan["shares"], step), per_step * per_chunk, length, shared, plan["keep_prompt"]


MAKER: dict = {}  # in the process that makes chunks: its tokenizer


def ready(path: pathlib.Path) -> None:
    MAKER["tokenizer"] = tok.load(path)
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)  # the training was stopped: nobody will ask again

    threading.Thread(target=follow, daemon=True).start()


def make(*wanted) -> stream.Rows:
    return stream.chunk(MAKER["tokenizer"], *wanted)


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--out", type=pathlib.Path, required=True)
    a.add_argument("--shared", type=pathlib.Path, default=pathlib.Path(os.environ.get("RECIPE_SHARED", HERE.parents[2] / "shared" / "data")))
    a.add_argument("--plan", type=pathlib.Path, default=HERE / "plan.json")
    a.add_argument("--shape", choices=SHAPES, default="default")
    a.add_argument("--workers", type=int, default=1 if torch.cuda.is_available() else os.cpu_count() or 1)
    a.add_argument("--portion", type=int, default=None if torch.cuda.is_available() else 1024, help="tokens a worker takes at a time")
    a.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    a.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    a.add_argument("--stop-at", type=int, default=None, help="stop at this step whatever the plan says")
    o = a.parse_args()
    if o.workers > 1:
        torch.set_num_threads(1)
    o.out.mkdir(parents=True, exist_ok=True)
    plan = json.loads(o.plan.read_text())[o.shape]
    torch.manual_seed(plan["seed"])
    model = Llama(SHAPES[o.shape]).to(o.device)
    flat = [p for n, p in model.named_parameters() if p.dim() == 2 and n != "embed"]
    rest = [p for n, p in model.named_parameters() if p.dim() != 2 or n == "embed"]
    muon, adam = Muon(flat), torch.optim.AdamW(rest, lr=1.0, betas=(0.9, 0.98), weight_decay=0.0)
    mean = [p.detach().clone() for p in model.parameters()]
    step = seen = number = 0
    latest = o.out / "latest.pt"
    if latest.exists():
        s = torch.load(latest, map_location=o.device, weights_only=True)
        model.load_state_dict(s["model"])
        adam.load_state_dict(s["adam"])
        for k, b in muon.buffers.items():
            b.copy_(s["muon"]["x".join(map(str, k))])
        for m, v in zip(mean, s["mean"]):
            m.copy_(v)
        step, seen, number = s["step"], s["seen"], s["chunk"]
    hidden = torch.compile(model.hidden, dynamic=False) if o.compile else model.hidden
    work = Gradients(model, hidden, o.workers, None)
    # The next chunk is made in another process while this one is learnt from.
    maker = concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=ready, initargs=(o.out.parent / "tokenizer.json",))
    coming: tuple[tuple, concurrent.futures.Future] | None = None
    log = (o.out / "log.jsonl").open("a", buffering=1)
    last_save = started = time.time()

    def save() -> None:
        state = {"model": model.state_dict(), "adam": adam.state_dict(), "muon": {"x".join(map(str, k)): b for k, b in muon.buffers.items()},
                 "mean": mean, "step": step, "seen": seen, "chunk": number}
        torch.save(state, latest.with_suffix(".tmp"))
        latest.with_suffix(".tmp").replace(latest)

    while True:
        plan = json.loads(o.plan.read_text())[o.shape]
        end = min(x for x in (plan["steps"], o.stop_at, math.inf) if x is not None)
        if step >= end:
            break
        per_step, per_chunk, length = sizes(plan, number, step)
        wanted = wish(plan, number, step, o.shared)
        rows = (coming[1] if coming is not None and coming[0] == wanted else maker.submit(make, *wanted)).result()
        following = wish(plan, number + 1, step + per_chunk, o.shared)
        coming = following, maker.submit(make, *following)
        total, count, t0, s0 = 0.0, 0, time.time(), step
        for i in range(per_chunk):
            quant = step >= plan["quantise_from"]
            work.portion = max(1, o.portion // length) if o.portion else None
            with on_grid(model, work.pool.map if work.pool else map) if quant else contextlib.nullcontext():
                value, n = work.step(rows, i * per_step, (i + 1) * per_step)
            if not math.isfinite(value):
                raise RuntimeError(f"the loss is {value} at step {step}: resume from {latest} with a smaller rate")
            torch.nn.utils.clip_grad_norm_(rest, 1.0)
            r = rate(plan, step)
            muon.step(r * at_step(plan["rate_matrices"], step), work.pool.map if work.pool else map)
            for group in adam.param_groups:
                group["lr"] = r * plan["rate_rest"]
            adam.step()
            for p in model.parameters():
                p.grad = None
            with torch.no_grad():
                torch._foreach_lerp_(mean, [p.detach() for p in model.parameters()], 1 - min(plan["mean"], (step + 1) / (step + 10)))
            total, count, seen, step = total + value, count + n, seen + int((rows.doc[i * per_step:(i + 1) * per_step] >= 0).sum()), step + 1
        number += 1
        dt = time.time() - t0
        line = {"step": step, "seen": seen, "loss": round(total / max(1, count), 4), "rate": round(r, 4), "tok_s": round(per_chunk * per_step * length / dt), "wall": round(time.time() - started), "length": length}
        log.write(json.dumps(line) + "\n")
        print(line, flush=True)
        if time.time() - last_save > plan["save_seconds"] or step >= end:
            save()
            last_save = time.time()
    save()
    maker.shutdown(cancel_futures=True)


if __name__ == "__main__":
    main()
