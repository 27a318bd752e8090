"""Writes vit_reference.json: what PyTorch makes of the vision transformer.

    pip install torch numpy
    python tests/reference/make_vit_reference.py

Written from the description of the network and of the training alone; weights and images come from
the hash of make_fc_reference.py, and which patches are hidden from numbers that ChaCha draws (`draws`),
as the program does. Everything is computed in float64; the same in float32 is computed beside it, and
the largest differences are printed as a measure of what rounding alone can do.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from make_cnn_reference import gap, images
from make_fc_reference import TEST_STREAM, TRAIN_STREAM, rounded, stream

CLASSES = 10
TRAIN_IMAGES = 16
TEST_IMAGES = 8
STEPS = 5
LEARNING_RATE = 1e-3

DEFAULTS = {"embed": 8, "depth": 1, "heads": 4, "mlp_ratio": 4, "mask_ratio": 0.0}
OTHER = {"patch": 8, "embed": 12, "depth": 2, "heads": 3, "mlp_ratio": 2, "mask_ratio": 0.5}
# Shape, options, salt of the weights, seed of what is hidden, λ of each run.
NETWORKS = (
    ((1, 28, 28), DEFAULTS, 3, 1, (0.3, 0.7, 1.0)),
    ((1, 28, 28), {**DEFAULTS, "mask_ratio": 0.75}, 4, 2, (0.4,)),
    ((3, 32, 32), OTHER, 5, 3, (0.4,)),
)


def draws(seed, stream_number, count):
    """`count` ≤ 16 numbers in [0, 1): the first block of ChaCha with 8 rounds, its key spread from
    `seed` by PCG32, 24 bits of each word."""
    mask32, mask64 = 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF
    key = []
    for _ in range(8):
        seed = (seed * 0x5851_F42D_4C95_7F2D + 0xA176_54E4_6FBE_17F3) & mask64
        word, turn = (((seed >> 18) ^ seed) >> 27) & mask32, seed >> 59
        key.append((word >> turn | word << (32 - turn)) & mask32)
    constants = [int.from_bytes(b"expand 32-byte k"[i : i + 4], "little") for i in (0, 4, 8, 12)]
    start = [*constants, *key, 0, 0, stream_number & mask32, stream_number >> 32]
    state = list(start)

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & mask32
            mixed = state[z] ^ state[x]
            state[z] = (mixed << turn | mixed >> (32 - turn)) & mask32

    for _ in range(4):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(
                column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4
            )
    return [((x + y & mask32) >> 8) / 2.0**24 for x, y in zip(state, start)][:count]


def noise(seed, step, patches):
    return torch.tensor(
        [draws(seed, 1 << 63 | step << 24 | place, patches) for place in range(TRAIN_IMAGES)]
    )


def positions(rows, columns, embed):
    """Class token first; columns before rows, sines before cosines."""
    table = np.zeros((1 + rows * columns, embed))
    speed = 1.0 / 10000.0 ** (np.arange(embed // 4) / (embed // 4))
    row, column = np.divmod(np.arange(rows * columns), columns)
    x, y = np.outer(column, speed), np.outer(row, speed)
    table[1:] = np.concatenate([np.sin(x), np.cos(x), np.sin(y), np.cos(y)], axis=1)
    return torch.from_numpy(table)


class Block(nn.Module):
    def __init__(self, embed, heads, hidden):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(embed), nn.LayerNorm(embed)
        self.qkv, self.proj = nn.Linear(embed, 3 * embed), nn.Linear(embed, embed)
        self.fc1, self.fc2 = nn.Linear(embed, hidden), nn.Linear(hidden, embed)
        self.heads = heads

    def forward(self, x):
        batch, tokens, embed = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, embed // self.heads)
        q, k, v = (qkv[:, :, i].transpose(1, 2) for i in range(3))
        found = F.scaled_dot_product_attention(q, k, v)
        x = x + self.proj(found.transpose(1, 2).reshape(batch, tokens, embed))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))

    def tensors(self):
        yield from norm(self.norm1)
        yield "weight", self.qkv.weight
        yield "qkv bias", self.qkv.bias
        yield from linear(self.proj)
        yield from norm(self.norm2)
        yield from linear(self.fc1)
        yield from linear(self.fc2)


def norm(layer):
    yield "scale", layer.weight
    yield "shift", layer.bias


def linear(layer):
    yield "weight", layer.weight
    yield "bias", layer.bias


class Cre(nn.Module):
    def __init__(self, shape, options, salt):
        super().__init__()
        channels, height, width = shape
        embed, hidden = options["embed"], options["embed"] * options["mlp_ratio"]
        self.side = options.get("patch", 7)
        self.grid = height // self.side, width // self.side
        self.patches = math.prod(self.grid)
        self.seen = int(self.patches * (1.0 - options["mask_ratio"]))
        self.channels, self.salt = channels, salt

        def blocks():
            return nn.ModuleList(
                Block(embed, options["heads"], hidden) for _ in range(options["depth"])
            )

        self.embedding = nn.Conv2d(channels, embed, self.side, self.side)
        self.class_token = nn.Parameter(torch.zeros(embed))
        self.encoder_blocks, self.encoder_norm = blocks(), nn.LayerNorm(embed)
        self.input, self.mask_token = nn.Linear(embed, embed), nn.Parameter(torch.zeros(embed))
        self.decoder_blocks, self.decoder_norm = blocks(), nn.LayerNorm(embed)
        self.output = nn.Linear(embed, self.side**2 * channels)
        self.norm = nn.BatchNorm1d(embed, affine=False, eps=1e-6)
        self.head = nn.Linear(embed, CLASSES)
        self.register_buffer("positions", positions(*self.grid, embed))

    def forward(self, x, noise=None):
        """z, reconstruction, logits, and which patches count in the loss."""
        tokens = self.embedding(x).flatten(2).transpose(1, 2) + self.positions[1:]
        batch, patches, embed = tokens.shape
        hidden = torch.zeros(batch, patches, dtype=torch.bool)
        if noise is not None:
            order = noise.argsort(1)
            hidden.scatter_(1, order[:, self.seen :], True)
            tokens = torch.stack([t[o[: self.seen]] for t, o in zip(tokens, order)])
        first = (self.class_token + self.positions[0]).expand(batch, 1, embed)
        tokens = torch.cat([first, tokens], 1)
        for block in self.encoder_blocks:
            tokens = block(tokens)
        z = self.encoder_norm(tokens)
        return z, *self.read(z, order if noise is not None else None), hidden

    def read(self, z, order):
        tokens = self.input(z)
        batch, _, embed = tokens.shape
        if order is not None:
            all_tokens = self.mask_token.repeat(batch, self.patches, 1)
            places = order[:, : self.seen, None].expand(-1, -1, embed)
            all_tokens = all_tokens.scatter(1, places, tokens[:, 1:])
            tokens = torch.cat([tokens[:, :1], all_tokens], 1)
        tokens = tokens + self.positions
        for block in self.decoder_blocks:
            tokens = block(tokens)
        rows = self.output(self.decoder_norm(tokens))[:, 1:]
        rows = rows.reshape(batch, *self.grid, self.side, self.side, self.channels)
        image = rows.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
        return image, self.head(self.norm(z[:, 1:].mean(1)))

    def parts(self):
        """Tagged tensors of encoder, decoder and classifier, in the program's order."""

        def encoder():
            yield from linear(self.embedding)
            yield "token", self.class_token
            for block in self.encoder_blocks:
                yield from block.tensors()
            yield from norm(self.encoder_norm)

        def decoder():
            yield from linear(self.input)
            yield "token", self.mask_token
            for block in self.decoder_blocks:
                yield from block.tensors()
            yield from norm(self.decoder_norm)
            yield from linear(self.output)

        def classifier():
            yield "mean", self.norm.running_mean
            yield "variance", self.norm.running_var
            yield from linear(self.head)

        return list(encoder()), list(decoder()), list(classifier())

    def tensors(self):
        return [tagged for part in self.parts() for tagged in part]

    @torch.no_grad()
    def fill(self):
        fan_in = 1
        for place, (kind, tensor) in enumerate(self.tensors()):
            unit = stream(self.salt * 1000 + place, tensor.numel()).astype(np.float64)
            unit = unit / 2.0**32 * 2.0 - 1.0
            if kind == "weight":
                fan_in = tensor[0].numel()
            middle, spread = {
                "scale": (1.0, 0.5),
                "shift": (0.0, 0.5),
                "token": (0.0, 0.5),
                "mean": (0.0, 0.2),
                "variance": (1.0, 0.5),
            }.get(kind, (0.0, 1.0 / math.sqrt(fan_in)))
            values = (middle + unit * spread).astype(np.float32)
            if tensor.dim() == 2:
                values = values.reshape(tuple(tensor.shape)[::-1]).T.copy()
            tensor.copy_(torch.from_numpy(values.reshape(tuple(tensor.shape))))

    def flat(self):
        """Kind and values of every tensor, those of a linear layer's weight with inputs as rows."""
        for kind, tensor in self.tensors():
            tensor = tensor.detach()
            if tensor.dim() == 2:
                tensor = tensor.T
            yield kind, tensor.double().contiguous().numpy().ravel().copy()


def model(network, dtype):
    shape, options, salt, _, _ = network
    cre = Cre(shape, options, salt)
    cre.fill()
    return cre.to(dtype)


def losses(cre, x, labels, hidden, rebuilt, logits):
    if hidden.any():
        errors = (rebuilt - x).square()
        weight = hidden.reshape(len(x), 1, *cre.grid)
        weight = weight.repeat_interleave(cre.side, 2).repeat_interleave(cre.side, 3)
        mse = errors[weight.expand_as(errors)].mean()
    else:
        mse = F.mse_loss(rebuilt, x)
    accuracy = (logits.argmax(1) == labels).double().mean()
    return mse, F.cross_entropy(logits, labels), accuracy


def forward(network, dtype):
    cre = model(network, dtype).eval()
    x = images(TEST_STREAM, TEST_IMAGES, network[0]).to(dtype)
    with torch.no_grad():
        z, rebuilt, logits, hidden = cre(x)
        found = losses(cre, x, torch.arange(TEST_IMAGES) % CLASSES, hidden, rebuilt, logits)
    return {
        "latent": z.flatten(1)[:2, ::17].tolist(),
        "logits": logits[:2].tolist(),
        "reconstruction": rebuilt.flatten(1)[:2, ::97].tolist(),
        "losses": [x.item() for x in found],
    }


def train_step(cre, optimizers, lam, x, labels, noise):
    """Three backward passes, three optimisers: the read-outs hear their own loss unweighted."""
    z, rebuilt, logits, hidden = cre(x, noise)
    mse, ce, accuracy = losses(cre, x, labels, hidden, rebuilt, logits)
    for optimizer, loss in zip(optimizers, (lam * mse + (1.0 - lam) * ce, mse, ce)):
        parameters = optimizer.param_groups[0]["params"]
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = torch.zeros_like(parameter) if gradient is None else gradient
    for optimizer in optimizers:
        optimizer.step()
    return [mse.item(), ce.item(), accuracy.item()]


def idle(kind, count):
    """Where a tensor's gradient is nothing but rounding errors, of which Adam makes whole steps:
    softmax takes the keys' bias away again. (With λ = 0 the classifier's normalisation does so with
    the last shift of z; hence no run has it.)"""
    return [count // 3, 2 * count // 3] if kind == "qkv bias" else None


def run(network, lam, dtype):
    shape, options, _, seed, _ = network
    x = images(TRAIN_STREAM, TRAIN_IMAGES, shape).to(dtype)
    labels = torch.arange(TRAIN_IMAGES) % CLASSES
    cre = model(network, dtype)
    before = list(cre.flat())
    optimizers = [
        torch.optim.Adam([t for _, t in part if t.requires_grad], lr=LEARNING_RATE)
        for part in cre.parts()
    ]
    steps, statistics = [], []
    for step in range(STEPS):
        given = noise(seed, step, cre.patches) if cre.seen < cre.patches else None
        steps.append(train_step(cre, optimizers, lam, x, labels, given))
        if step == 0:
            statistics = [list(v) for kind, v in cre.flat() if kind in ("mean", "variance")]
    after = []
    for (kind, old), (_, new) in zip(before, cre.flat()):
        found = {}
        left_out = idle(kind, len(new))
        if left_out is not None:
            found["idle"] = left_out
            kept = np.delete(np.arange(len(new)), np.arange(*left_out))
            old, new = old[kept], new[kept]
        places = [k * (len(new) - 1) // 3 for k in range(4)]
        found.update(
            {
                "sum": float(new.sum()),
                "norm": float(np.linalg.norm(new)),
                "moved": float(np.linalg.norm(new - old)),
                "values": [float(new[place]) for place in places],
            }
        )
        after.append(found)
    return {"lambda": lam, "steps": steps, "statistics": statistics, "parameters": after}


def main():
    torch.set_num_threads(1)
    networks = []
    for network in NETWORKS:
        shape, options, salt, seed, lambdas = network
        exact = forward(network, torch.float64)
        print(f"{shape}, {options}: float32 is off by {gap(exact, forward(network, torch.float32)):.1e}")
        runs = []
        for lam in lambdas:
            runs.append(run(network, lam, torch.float64))
            single = run(network, lam, torch.float32)
            for key in ("steps", "statistics"):
                print(f"  λ = {lam}: {key} off by {gap(runs[-1][key], single[key]):.1e}")
            for key in ("sum", "norm", "moved", "values"):
                pairs = zip(runs[-1]["parameters"], single["parameters"])
                worst = max(gap(a[key], b[key]) / a["moved"] for a, b in pairs if a["moved"] > 0.0)
                print(f"  λ = {lam}: {key} off by {worst:.1e} of the way")
        options = {"patch": 7, **options}
        channels, height, width = shape
        networks.append(
            {
                "shape": {"channels": channels, "height": height, "width": width},
                "options": options,
                "salt": salt,
                "seed": seed,
                "forward": exact,
                "runs": runs,
            }
        )
    path = Path(__file__).with_name("vit_reference.json")
    text = json.dumps(rounded({"torch": torch.__version__, "networks": networks}))
    for start in ('{"shape"', '{"lambda"'):
        text = text.replace(start, "\n" + start)
    path.write_text(text + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
