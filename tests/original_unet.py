"""The network of the original implementation, and a checkpoint as its trainer wrote it."""

import torch
from torch import nn


class OldUNet(nn.Module):
    """Four levels, output at stride 4; decoders are named after the level that they end on, counted from 0."""

    def __init__(self, num_classes=3, base=4, bias=True):
        super().__init__()

        def double(a, b):
            layers = []
            for channels in (a, b):
                layers += [nn.Conv2d(channels, b, 3, padding=1, bias=bias), nn.BatchNorm2d(b), nn.ReLU()]
            return nn.Sequential(*layers)

        self.enc1, self.enc2 = double(1, base), double(base, 2 * base)
        self.enc3, self.enc4 = double(2 * base, 4 * base), double(4 * base, 8 * base)
        self.bottleneck = double(8 * base, 16 * base)
        self.up4 = nn.ConvTranspose2d(16 * base, 8 * base, 2, stride=2)
        self.dec3 = double(16 * base, 8 * base)
        self.up3 = nn.ConvTranspose2d(8 * base, 4 * base, 2, stride=2)
        self.dec2 = double(8 * base, 4 * base)
        self.out_conv = nn.Conv2d(4 * base, num_classes, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        e1 = self.enc1(x)
        e2 = self.enc2(self.pool(e1))
        e3 = self.enc3(self.pool(e2))
        e4 = self.enc4(self.pool(e3))
        x = self.up4(self.bottleneck(self.pool(e4)))
        x = self.dec3(torch.cat([e4, x], dim=1))
        return self.out_conv(self.dec2(torch.cat([e3, self.up3(x)], dim=1)))


def old_network(bias):
    torch.manual_seed(0)
    network = OldUNet(bias=bias)
    for _ in range(3):
        network(torch.rand(2, 1, 64, 64))  # moves the batch statistics away from 0 and 1
    return network.eval()


def original_checkpoint(path):
    """A full checkpoint of 3 LEDs: without split, data set and moving average, which the original did not store."""
    content = {"epoch": 7, "model_state_dict": old_network(bias=True).state_dict(), "train_args": {}, "metrics": {}}
    torch.save({**content, "optimizer_state_dict": {}, "timestamp": "2025-11-06 14:30:22"}, path)
    return path
