"""The memory that serving and training take on each GPU, from a model's configuration. Arithmetic alone; torch-free.

Weights are in bfloat16. Of a training's activations it counts what PyTorch keeps for the backward pass of a block of
the family of Llama and Qwen2 with adapters on all seven projections, by the shapes of its tensors.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from sublearn.errors import InputError
from sublearn.language.plans import LoraPlan
from sublearn.pipeline.how import How
from sublearn.study.numbers.spec import TOKENS_A_ROW

HALF, FULL = 2, 4
"""Bytes of a number in bfloat16 and in float32."""
TOKENS_ASKED = 2 * TOKENS_A_ROW
"""Of a conversation that is answered, system prompt and answer included."""
GB = 1e9


@dataclass(frozen=True)
class Shape:
    """The sizes in a model's configuration that memory depends on."""

    parameters: int
    layers: int
    width: int
    inner: int
    heads: int
    key_heads: int
    head: int
    words: int

    @classmethod
    def of(cls, config: Mapping[str, Any], parameters: int | None = None) -> Self:
        """From config.json; parameters are counted from the sizes where they are not known.

        Raises InputError for a family that names its sizes otherwise.
        """
        text = config.get("text_config") or config
        try:
            heads = int(text["num_attention_heads"])
            width = int(text["hidden_size"])
            found = cls(
                0,
                int(text["num_hidden_layers"]),
                width,
                int(text["intermediate_size"]),
                heads,
                int(text.get("num_key_value_heads") or heads),
                int(text.get("head_dim") or width // heads),
                int(text["vocab_size"]),
            )
            return replace(found, parameters=parameters or found.counted(bool(config.get("tie_word_embeddings"))))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"config.json names no size {error}; sublearn distill takes models of the family of Llama, Qwen or "
                "Mistral, whose projections LoRA adapts."
            ) from None

    def counted(self, tied: bool) -> int:
        """Parameters of a model of these sizes, but for biases."""
        asked, kept = self.heads * self.head, self.key_heads * self.head
        block = self.width * (2 * asked + 2 * kept + 3 * self.inner + 2)
        return (1 if tied else 2) * self.words * self.width + self.layers * block + self.width

    @property
    def keys_a_token(self) -> int:
        """Bytes that keys and values of a token take."""
        return 2 * HALF * self.layers * self.key_heads * self.head

    def adapters(self, rank: int) -> int:
        """Numbers in low-rank factors of all seven projections."""
        asked, kept = self.heads * self.head, self.key_heads * self.head
        sides = [(self.width, asked), (self.width, kept), (self.width, kept), (asked, self.width)]
        sides += [(self.width, self.inner), (self.width, self.inner), (self.inner, self.width)]
        return self.layers * rank * sum(a + b for a, b in sides)

    @property
    def kept_a_token(self) -> int:
        """Bytes of activations that a token of training leaves for the backward pass, logits included."""
        attended = self.heads * self.head
        norms = 2 * FULL * self.width
        inputs = HALF * (5 * self.width + attended + self.inner)  # of q, k, v, gate and up; of o; of down
        attention = HALF * 4 * attended  # queries, keys and values for every head, and what comes out
        gated = HALF * 3 * self.inner
        return self.layers * (norms + inputs + attention + gated) + 3 * FULL * self.words


@dataclass(frozen=True)
class Memory:
    """Bytes on each GPU."""

    weights: float
    keys: float
    trained_weights: float
    optimizer: float
    activations: float

    @property
    def serving(self) -> float:
        """Of a server at work."""
        return self.weights + self.keys

    @property
    def training(self) -> float:
        """Of a training at work."""
        return self.trained_weights + self.optimizer + self.activations


def needed(shape: Shape, lora: LoraPlan, how: How) -> Memory:
    """What each GPU needs: a server's model may be spread over several, a training has a whole one on each."""
    copies = how.gpus // how.tensor
    conversations = -(-how.patience.concurrency // copies)
    rows = lora.at_a_time(how.at_a_time, how.gpus)
    # Weight, gradient and two moments; the buckets of a gradient that processes add up.
    numbers = (4 + (how.gpus > 1)) * FULL
    return Memory(
        weights=HALF * shape.parameters / how.tensor,
        keys=conversations * TOKENS_ASKED * shape.keys_a_token / how.tensor,
        trained_weights=HALF * shape.parameters,
        optimizer=numbers * shape.adapters(lora.r),
        activations=rows * TOKENS_A_ROW * shape.kept_a_token,
    )


def lines(shape: Shape, lora: LoraPlan, how: How) -> list[str]:
    """The memory in two lines."""
    found = needed(shape, lora, how)
    taken = "vLLM takes 90% of the GPU" if how.kind == "vllm" else "transformers serve takes most of a GPU"
    spare = f" ({taken} whatever it needs, for more of them at once)"
    return [
        f"Memory of each GPU, serving: {found.serving / GB:.3g} GB = weights {found.weights / GB:.3g}, keys and values "
        f"{found.keys / GB:.3g}{spare}.",
        f"Memory of each GPU, training: {found.training / GB:.3g} GB = weights {found.trained_weights / GB:.3g}, "
        f"adapters with their optimizer {found.optimizer / GB:.2g}, activations {found.activations / GB:.3g}.",
    ]
