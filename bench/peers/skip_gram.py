"""Trains gensim's skip-gram on sequences, with one worker thread; prints what time it took.

The directory named by the first argument holds `input`: a line of settings (JSON), then a sequence of
item numbers a line. Writes `vectors` there: input, then output vectors of item 0, 1, … as f32.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec

directory = Path(sys.argv[1])
head, *lines = (directory / "input").read_text().splitlines()
settings = json.loads(head)
sequences = [line.split() for line in lines]
item_count = settings.pop("itemCount")
epochs = settings.pop("epochs")

model = Word2Vec(sg=1, hs=0, min_count=1, workers=1, **settings)
model.build_vocab(sequences)
start = time.process_time()
model.train(sequences, total_examples=len(sequences), epochs=epochs)
core_seconds = time.process_time() - start

dimensions = settings["vector_size"]
inputs = np.zeros((item_count, dimensions), dtype=np.float32)
outputs = np.zeros((item_count, dimensions), dtype=np.float32)
for item in range(item_count):
    place = model.wv.key_to_index.get(str(item))
    if place is not None:
        inputs[item] = model.wv.vectors[place]
        outputs[item] = model.syn1neg[place]

(directory / "vectors").write_bytes(inputs.tobytes() + outputs.tobytes())
print(json.dumps({"coreSeconds": core_seconds}))
