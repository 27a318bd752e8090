"""Writes cnn_reference.json: what PyTorch makes of the convolutional CREs.

    pip install torch numpy
    python tests/reference/make_cnn_reference.py

Written from the description of the networks and of the training alone; weights and images come from
the hash of make_fc_reference.py. Everything is computed in float64; the same in float32 is computed
beside it, and the largest differences are printed as a measure of what rounding alone can do.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from make_fc_reference import TEST_STREAM, TRAIN_STREAM, rounded, stream, train_step

CLASSES = 10
TRAIN_IMAGES = 16
TEST_IMAGES = 8
STEPS = 5
LEARNING_RATE = 1e-3
LAMBDAS = (0.0, 0.3, 1.0)
SALTS = {"cnn-small": 1, "cnn-large": 2}
SHAPES = {"cnn-small": (1, 28, 28), "cnn-large": (3, 32, 32)}


def block(inputs, outputs, kernel, pool=None, dropout=0.0, pool_first=False):
    layers = [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.Dropout2d(dropout)]
    norm = nn.BatchNorm2d(outputs)
    pooling = [] if pool is None else [nn.MaxPool2d(2, 2, padding=pool)]
    layers += [*pooling, norm] if pool_first else [norm, *pooling]
    return [*layers, nn.ReLU()]


def up(inputs, outputs, stride, padding):
    return nn.ConvTranspose2d(inputs, outputs, 3, stride, padding, output_padding=stride - 1)


def small():
    encoder = [*block(1, 16, 3, 0), *block(16, 16, 3, 1), *block(16, 16, 3, 0)]
    decoder = [up(16, 16, 2, 1), nn.ReLU(), up(16, 16, 2, 2), nn.ReLU(), up(16, 1, 2, 1), nn.Tanh()]
    return encoder, decoder, [nn.Flatten(), nn.Linear(256, CLASSES)]


def large():
    p = 0.2
    encoder = [
        *block(3, 64, 7, None, p),
        *block(64, 64, 7, None, p),
        *block(64, 128, 5, 0, p),
        *block(128, 128, 5, 0, p),
        *block(128, 128, 3, 0, p),
    ]
    widths = [(128, 128, 2), (128, 128, 2), (128, 64, 2), (64, 64, 1), (64, 3, 1)]
    decoder = [layer for i, o, s in widths for layer in (up(i, o, s, 1), nn.ReLU())]
    decoder[-1] = nn.Tanh()
    classifier = [
        *block(128, 256, 3, None, p),
        *block(256, 256, 1, 0, p, pool_first=True),
        nn.Flatten(),
        nn.Linear(1024, CLASSES),
    ]
    return encoder, decoder, classifier


class Cre(nn.Module):
    def __init__(self, name):
        super().__init__()
        parts = {"cnn-small": small, "cnn-large": large}[name]()
        self.encoder, self.decoder, self.classifier = (nn.Sequential(*part) for part in parts)
        self.salt = SALTS[name]

    def forward(self, x):
        z = self.encoder(x)
        return z, self.decoder(z), self.classifier(z)

    def tensors(self):
        """Weights, then biases; of a normalisation also running mean and variance; tagged with
        what they are. In the order encoder, decoder, classifier."""
        for part in (self.encoder, self.decoder, self.classifier):
            layers = list(part)
            for place, layer in enumerate(layers):
                if isinstance(layer, nn.BatchNorm2d):
                    yield "scale", layer.weight
                    yield "shift", layer.bias
                    yield "mean", layer.running_mean
                    yield "variance", layer.running_var
                elif hasattr(layer, "weight"):
                    normed = any(isinstance(l, nn.BatchNorm2d) for l in layers[place + 1 : place + 4])
                    yield "weight", layer.weight
                    yield "idle bias" if normed else "bias", layer.bias

    @torch.no_grad()
    def fill(self):
        for place, (kind, tensor) in enumerate(self.tensors()):
            unit = stream(self.salt * 1000 + place, tensor.numel()).astype(np.float64)
            unit = unit / 2.0**32 * 2.0 - 1.0
            if kind == "weight":
                # PyTorch's rule: all dimensions but the first.
                fan_in = tensor[0].numel()
                shape = tuple(tensor.shape)
                if tensor.dim() == 2:
                    shape = shape[::-1]
            values = {
                "weight": lambda: unit / math.sqrt(fan_in),
                "bias": lambda: unit / math.sqrt(fan_in),
                "idle bias": lambda: unit / math.sqrt(fan_in),
                "scale": lambda: 1.0 + 0.5 * unit,
                "shift": lambda: 0.5 * unit,
                "mean": lambda: 0.2 * unit,
                "variance": lambda: 1.0 + 0.5 * unit,
            }[kind]()
            values = values.astype(np.float32)
            if kind == "weight":
                values = values.reshape(shape)
                if tensor.dim() == 2:
                    values = values.T.copy()
            tensor.copy_(torch.from_numpy(values.reshape(tuple(tensor.shape))))

    def flat(self):
        """Kind and values of every tensor, those of a linear layer's weight with inputs as rows."""
        for kind, tensor in self.tensors():
            tensor = tensor.detach()
            if tensor.dim() == 2:
                tensor = tensor.T
            yield kind, tensor.double().contiguous().numpy().ravel().copy()


def images(first_word, count, shape):
    pixels = (stream(first_word, count * math.prod(shape)) >> np.uint64(24)).astype(np.float64)
    return torch.from_numpy(((pixels / 255.0 - 0.5) / 0.5).reshape(count, *shape))


def model(name, dtype):
    model = Cre(name)
    model.fill()
    return model.to(dtype)


def evaluate(model, x):
    labels = torch.arange(len(x)) % CLASSES
    model.eval()
    with torch.no_grad():
        z, reconstruction, logits = model(x)
        losses = F.mse_loss(reconstruction, x), F.cross_entropy(logits, labels)
        accuracy = (logits.argmax(1) == labels).double().mean()
    model.train()
    return z, reconstruction, logits, [x.item() for x in (*losses, accuracy)]


def forward(name, dtype):
    shape = SHAPES[name]
    z, reconstruction, logits, losses = evaluate(
        model(name, dtype), images(TEST_STREAM, TEST_IMAGES, shape).to(dtype)
    )
    return {
        "latent": z.flatten(1)[:2, ::17].tolist(),
        "logits": logits[:2].tolist(),
        "reconstruction": reconstruction.flatten(1)[:2, ::97].tolist(),
        "losses": losses,
    }


def run(name, lam, dtype):
    train = images(TRAIN_STREAM, TRAIN_IMAGES, SHAPES[name]).to(dtype)
    labels = torch.arange(TRAIN_IMAGES) % CLASSES
    cre = model(name, dtype)
    before = list(cre.flat())
    parts = (cre.encoder, cre.decoder, cre.classifier)
    optimizers = [torch.optim.Adam(part.parameters(), lr=LEARNING_RATE) for part in parts]
    steps, statistics = [], []
    for step in range(STEPS):
        steps.append(train_step(cre, optimizers, lam, train, labels))
        if step == 0:
            # Later a normalisation's mean follows the bias before it, which has no gradient but
            # rounding errors, and Adam makes whole steps of those.
            statistics = [list(v) for kind, v in cre.flat() if kind in ("mean", "variance")]
    after = []
    for (kind, old), (_, new) in zip(before, cre.flat()):
        if kind in ("idle bias", "mean"):
            after.append(None)
            continue
        places = [k * (len(new) - 1) // 3 for k in range(4)]
        after.append(
            {
                "sum": float(new.sum()),
                "norm": float(np.linalg.norm(new)),
                "moved": float(np.linalg.norm(new - old)),
                "values": [float(new[place]) for place in places],
            }
        )
    return {"lambda": lam, "steps": steps, "statistics": statistics, "parameters": after}


def gap(a, b):
    """Largest difference between two results of the same form."""
    if isinstance(a, dict):
        return max(gap(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return max((gap(x, y) for x, y in zip(a, b)), default=0.0)
    return 0.0 if a is None else abs(a - b)


def main():
    torch.set_num_threads(1)
    networks = []
    for name in SALTS:
        exact = forward(name, torch.float64)
        print(f"{name}: float32 is off by {gap(exact, forward(name, torch.float32)):.1e}")
        runs = []
        for lam in LAMBDAS if name == "cnn-small" else ():
            runs.append(run(name, lam, torch.float64))
            single = run(name, lam, torch.float32)
            for key in ("steps", "statistics"):
                print(f"  λ = {lam}: {key} off by {gap(runs[-1][key], single[key]):.1e}")
            for key in ("sum", "norm", "moved", "values"):
                pairs = [
                    (a, b) for a, b in zip(runs[-1]["parameters"], single["parameters"]) if a
                ]
                worst = max(gap(a[key], b[key]) / a["moved"] for a, b in pairs)
                print(f"  λ = {lam}: {key} off by {worst:.1e} of the way")
        networks.append({"architecture": name, "salt": SALTS[name], "forward": exact, "runs": runs})
    path = Path(__file__).with_name("cnn_reference.json")
    text = json.dumps(rounded({"torch": torch.__version__, "networks": networks}))
    for start in ('{"architecture"', '{"lambda"'):
        text = text.replace(start, "\n" + start)
    path.write_text(text + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
