"""Writes fc_reference.json: what PyTorch makes of the fully connected CREs.

    pip install torch numpy
    python tests/reference/make_fc_reference.py

Written from the description of the networks and of the training alone. Nothing random is shared
with the Rust code: weights and images come from one integer hash (`mix`), which tests/it/common
repeats. Everything is computed in float64, so that the file holds the exact answer; the same in
float32 is computed beside it, and the largest differences are printed as a measure of what
rounding alone can do.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

PIXELS = 784
CLASSES = 10
TRAIN_IMAGES = 16
TEST_IMAGES = 8
STEPS = 5
LEARNING_RATE = 1e-3
LAMBDAS = (0.0, 0.3, 1.0)

# Hidden widths of encoder, decoder and classifier.
HIDDEN = {
    "fc-small": ([], [], []),
    "fc-medium": ([616], [616], [12]),
    "fc-large": ([716, 684, 616], [616, 684, 716], [64]),
}
NETWORKS = (("fc-small", 3), ("fc-medium", 3), ("fc-large", 3), ("fc-medium", 16))

# First words of the hash for the two halves of the data.
TRAIN_STREAM = 0x7261_696E
TEST_STREAM = 0x7465_7374


def mix(x):
    """A permutation of the 32-bit integers without visible pattern; takes and gives uint64."""
    x = np.asarray(x, dtype=np.uint64) & np.uint64(0xFFFF_FFFF)
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x7FEB_352D)) & np.uint64(0xFFFF_FFFF)
    x ^= x >> np.uint64(15)
    x = (x * np.uint64(0x846C_A68B)) & np.uint64(0xFFFF_FFFF)
    x ^= x >> np.uint64(16)
    return x


def stream(first_word, count):
    """`count` hashed 32-bit integers."""
    return mix(mix(first_word) + np.arange(count, dtype=np.uint64))


def values(salt, tensor, count, fan_in):
    """Parameter number `tensor` in the order encoder, decoder, classifier, each layer weight then
    bias; row-major, a weight's rows being inputs. Uniform in ±1/√fan_in, rounded to float32."""
    unit = stream(salt * 1000 + tensor, count).astype(np.float64) / 2.0**32 * 2.0 - 1.0
    return (unit / math.sqrt(fan_in)).astype(np.float32)


def images(first_word, count):
    """Grey noise, bytes 0 to 255, as values in [−1, 1]."""
    pixels = (stream(first_word, count * PIXELS) >> np.uint64(24)).astype(np.float64)
    return torch.from_numpy(((pixels / 255.0 - 0.5) / 0.5).reshape(count, PIXELS))


class Mlp(nn.Module):
    """Linear layers with a ReLU between them."""

    def __init__(self, widths):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))

    def forward(self, x):
        for place, layer in enumerate(self.layers):
            x = layer(x if place == 0 else F.relu(x))
        return x


class Cre(nn.Module):
    def __init__(self, architecture, n):
        super().__init__()
        encoder, decoder, classifier = HIDDEN[architecture]
        self.encoder = Mlp([PIXELS, *encoder, n])
        self.decoder = Mlp([n, *decoder, PIXELS])
        self.classifier = Mlp([n, *classifier, CLASSES])

    def forward(self, x):
        z = F.relu(self.encoder(x))
        return z, torch.tanh(self.decoder(z)), self.classifier(z)

    def linears(self):
        for part in (self.encoder, self.decoder, self.classifier):
            yield from part.layers

    @torch.no_grad()
    def fill(self, salt):
        for place, linear in enumerate(self.linears()):
            fan_in, fan_out = linear.in_features, linear.out_features
            weight = values(salt, 2 * place, fan_in * fan_out, fan_in)
            linear.weight.copy_(torch.from_numpy(weight.reshape(fan_in, fan_out).T.copy()))
            linear.bias.copy_(torch.from_numpy(values(salt, 2 * place + 1, fan_out, fan_in)))

    def flat(self):
        """Every parameter as a flat float64 array, a weight's rows being inputs."""
        arrays = []
        for linear in self.linears():
            arrays.append(linear.weight.detach().T.double().contiguous().numpy().ravel().copy())
            arrays.append(linear.bias.detach().double().numpy().copy())
        return arrays


def losses(model, x, labels):
    z, reconstruction, logits = model(x)
    mse = F.mse_loss(reconstruction, x)
    ce = F.cross_entropy(logits, labels)
    accuracy = (logits.argmax(1) == labels).double().mean()
    return mse, ce, accuracy


def train_step(model, optimizers, lam, x, labels):
    """Three backward passes, three optimisers: the read-outs hear their own loss unweighted."""
    mse, ce, accuracy = losses(model, x, labels)
    for part, loss in (
        (model.decoder, mse),
        (model.classifier, ce),
        (model.encoder, lam * mse + (1.0 - lam) * ce),
    ):
        parameters = list(part.parameters())
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient
    for optimizer in optimizers:
        optimizer.step()
    return [mse.item(), ce.item(), accuracy.item()]


def run(architecture, n, salt, lam, dtype):
    train, test = images(TRAIN_STREAM, TRAIN_IMAGES), images(TEST_STREAM, TEST_IMAGES)
    train, test = train.to(dtype), test.to(dtype)
    labels = torch.arange(TRAIN_IMAGES) % CLASSES
    test_labels = torch.arange(TEST_IMAGES) % CLASSES

    model = Cre(architecture, n).to(dtype)
    model.fill(salt)
    before = model.flat()
    with torch.no_grad():
        test_before = [x.item() for x in losses(model, test, test_labels)]
    optimizers = [
        torch.optim.Adam(part.parameters(), lr=LEARNING_RATE)
        for part in (model.encoder, model.decoder, model.classifier)
    ]
    steps = [train_step(model, optimizers, lam, train, labels) for _ in range(STEPS)]
    with torch.no_grad():
        test_after = [x.item() for x in losses(model, test, test_labels)]
    after = []
    for old, new in zip(before, model.flat()):
        places = [k * (len(new) - 1) // 3 for k in range(4)]
        after.append(
            {
                "sum": float(new.sum()),
                "norm": float(np.linalg.norm(new)),
                "moved": float(np.linalg.norm(new - old)),
                "values": [float(new[place]) for place in places],
            }
        )
    return {
        "lambda": lam,
        "test_before": test_before,
        "steps": steps,
        "test_after": test_after,
        "parameters": after,
    }


@torch.no_grad()
def activations(architecture, n, salt):
    model = Cre(architecture, n).double()
    model.fill(salt)
    z, reconstruction, logits = model(images(TEST_STREAM, TEST_IMAGES))
    return {
        "latent": z[:, :3].tolist(),
        "logits": logits[:2].tolist(),
        "reconstruction": reconstruction[:2, ::97].tolist(),
    }


@torch.no_grad()
def lively_salt(architecture, n):
    """The first salt with which every latent unit is above zero for half of the images of either
    half, and at rest for some: nothing is dead, and the ReLU matters."""
    halves = images(TRAIN_STREAM, TRAIN_IMAGES), images(TEST_STREAM, TEST_IMAGES)
    for salt in range(1, 10_000):
        model = Cre(architecture, n).double()
        model.fill(salt)
        live = [(model(half)[0] > 0.0).double().mean(0) for half in halves]
        resting = any((share < 1.0).any() for share in live)
        if all((share >= (0.5 if n < 4 else 0.1)).all() for share in live) and resting:
            return salt
    raise SystemExit(f"no lively salt for {architecture}, n = {n}")


def rounded(value):
    """Nine significant digits, more than float32 holds."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(x) for x in value]
    if isinstance(value, dict):
        return {key: rounded(x) for key, x in value.items()}
    return value


def differences(exact, single):
    """Largest differences that float32 makes: losses, norms (relative), values, path (relative)."""
    worst = {"losses": 0.0, "sum": 0.0, "norm": 0.0, "moved": 0.0, "values": 0.0}
    for key in ("test_before", "steps", "test_after"):
        gap = np.abs(np.array(exact[key]) - np.array(single[key])).max()
        worst["losses"] = max(worst["losses"], float(gap))
    for a, b in zip(exact["parameters"], single["parameters"]):
        worst["sum"] = max(worst["sum"], abs(a["sum"] - b["sum"]))
        for key in ("norm", "moved"):
            worst[key] = max(worst[key], abs(a[key] - b[key]) / max(a[key], 1e-30))
        gap = np.abs(np.array(a["values"]) - np.array(b["values"])).max()
        worst["values"] = max(worst["values"], float(gap))
    return worst


def main():
    torch.set_num_threads(1)
    networks = []
    for architecture, n in NETWORKS:
        salt = lively_salt(architecture, n)
        runs = []
        for lam in LAMBDAS:
            runs.append(run(architecture, n, salt, lam, torch.float64))
            worst = differences(runs[-1], run(architecture, n, salt, lam, torch.float32))
            line = ", ".join(f"{key} {gap:.1e}" for key, gap in worst.items())
            print(f"{architecture}, n = {n}, salt {salt}, λ = {lam}: float32 is off by {line}")
        networks.append(
            {
                "architecture": architecture,
                "n": n,
                "salt": salt,
                "activations": activations(architecture, n, salt),
                "runs": runs,
            }
        )
    path = Path(__file__).with_name("fc_reference.json")
    text = json.dumps(rounded({"torch": torch.__version__, "networks": networks}), indent=None)
    path.write_text(text.replace('{"architecture"', '\n{"architecture"').replace('{"lambda"', '\n{"lambda"') + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
