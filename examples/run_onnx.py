"""Finds the glints in an image with an exported model, using only onnxruntime and numpy (and Pillow to open the file).

    python examples/run_onnx.py model.onnx eye.png

Prints one line per LED: name, x and y in pixels of the image, predicted standard deviation, score. Takes about 0.2 s.
"""

import json
import math
import sys

import numpy as np
import onnxruntime
from PIL import Image

if len(sys.argv) != 3:
    sys.exit("usage: python examples/run_onnx.py model.onnx eye.png")

session = onnxruntime.InferenceSession(sys.argv[1])
about = session.get_modelmeta().custom_metadata_map
(H, W), threshold = json.loads(about["image_size"]), float(about["threshold"])

image = Image.open(sys.argv[2]).convert("L")
if json.loads(about["stretch"]):  # stretch the image to the input size, as for the training images
    w, h = W, H
else:  # scale the image, preserving its aspect ratio, and centre it in the input
    scale = min(W / image.width, H / image.height)
    w, h = max(1, round(image.width * scale)), max(1, round(image.height * scale))
left, top = (W - w) // 2, (H - h) // 2
small = np.asarray(image.resize((w, h), Image.Resampling.BILINEAR))
placed = np.pad(small, ((top, H - h - top), (left, W - w - left)), mode="edge")

points, scores, sigmas = session.run(["points", "scores", "sigmas"], {"images": placed[None]})
sigmas = sigmas / math.sqrt(w / image.width * h / image.height)
for led, (x, y), score, sigma in zip(json.loads(about["labels"]), points[0], scores[0], sigmas[0], strict=True):
    x, y = (x - left + 0.5) * image.width / w - 0.5, (y - top + 0.5) * image.height / h - 0.5
    is_inside = -0.5 <= x <= image.width - 0.5 and -0.5 <= y <= image.height - 0.5  # not in the padding
    is_present = score >= threshold and is_inside
    print(f"{led} {x:.3f} {y:.3f} +-{sigma:.3f} px, {score:.2f}" if is_present else f"{led} absent")
