"""Trains gensim's skip-gram on sequences and writes its vectors and its time. One worker thread.

Reads one line of settings (JSON), then a sequence of item numbers a line.
Writes one line of JSON, then the input and output vectors of item 0, 1, … as f32.
"""

import json
import sys
import time

import numpy as np
from gensim.models import Word2Vec

settings = json.loads(sys.stdin.readline())
sequences = [line.split() for line in sys.stdin]
item_count = settings.pop("itemCount")
epochs = settings.pop("epochs")

model = Word2Vec(sg=1, hs=0, min_count=1, workers=1, max_final_vocab=None, **settings)
model.build_vocab(sequences)
start = time.perf_counter()
cpu_start = time.process_time()
model.train(sequences, total_examples=len(sequences), epochs=epochs)
seconds = time.perf_counter() - start
cpu_seconds = time.process_time() - cpu_start

dimensions = settings["vector_size"]
inputs = np.zeros((item_count, dimensions), dtype=np.float32)
outputs = np.zeros((item_count, dimensions), dtype=np.float32)
for item in range(item_count):
    place = model.wv.key_to_index.get(str(item))
    if place is not None:
        inputs[item] = model.wv.vectors[place]
        outputs[item] = model.syn1neg[place]

out = sys.stdout.buffer
out.write(json.dumps({"seconds": seconds, "cpuSeconds": cpu_seconds}).encode() + b"\n")
out.write(inputs.tobytes())
out.write(outputs.tobytes())
