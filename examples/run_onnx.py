"""Glints of one image by an exported model, with onnxruntime and numpy alone (Pillow only opens the file).

    python examples/run_onnx.py model.onnx eye.png

Prints a line per LED: name, x, y in pixels of the image, predicted standard deviation, score. Takes about 0.2 s.
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1])
about = session.get_modelmeta().custom_metadata_map
(H, W), threshold = json.loads(about["image_size"]), float(about["threshold"])

image = Image.open(sys.argv[2]).convert("L")
scale = min(W / image.width, H / image.height)  # the whole image, its aspect kept, in the middle of the input
w, h = max(1, round(image.width * scale)), max(1, round(image.height * scale))
left, top = (W - w) // 2, (H - h) // 2
small = np.asarray(image.resize((w, h), Image.Resampling.BILINEAR))
placed = np.pad(small, ((top, H - h - top), (left, W - w - left)), mode="edge")

points, scores, sigmas = session.run(["points", "scores", "sigmas"], {"images": placed[None]})
for led, (x, y), score, sigma in zip(json.loads(about["labels"]), points[0], scores[0], sigmas[0], strict=True):
    x, y = (x - left + 0.5) * image.width / w - 0.5, (y - top + 0.5) * image.height / h - 0.5
    print(f"{led} {x:.3f} {y:.3f} +-{sigma / scale:.3f} px, {score:.2f}" if score >= threshold else f"{led} absent")
