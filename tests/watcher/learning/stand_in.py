"""Stands in for the training: writes down what it was given, and makes a version that never raises praise."""

import json
import shutil
import sys
from pathlib import Path

order, *posts = [json.loads(line) for line in sys.stdin]
start, out = Path(order["start"]), Path(order["out"])
print("round 1 of 1", flush=True)
if len(sys.argv) > 2:
    sys.exit("the weights are of another kind")
Path(sys.argv[1]).write_text(json.dumps({"order": order, "posts": posts}), encoding="utf-8")
for name in ("model.onnx", "ngrams.npz", "tokenizer.json"):
    shutil.copyfile(start / name, out / name)
card = json.loads((start / "card.json").read_text(encoding="utf-8"))
card["version"] = order["version"]
card["labels"]["praise"] |= {"raise_at": 2.0, "review_at": 2.0}
(out / "card.json").write_text(json.dumps(card), encoding="utf-8")
