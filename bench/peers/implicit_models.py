"""implicit's ALS and item-item cosine on the same raw arrays as ours.

speed DIRECTORY FACTORS THREADS: seconds of each ALS iteration.
quality DIRECTORY THREADS: HR@10 and NDCG@10 against given negatives; settings chosen on `validation`.
"""

import itertools
import json
import math
import os
import sys
import time

import numpy as np
from scipy.sparse import csr_matrix

from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender


def matrix(directory, part):
    def read(name, kind):
        return np.fromfile(os.path.join(directory, f"{part}-{name}"), dtype=kind)

    starts = read("starts", np.uint32).astype(np.int32)
    items = read("items", np.uint32).astype(np.int32)
    item_count = int(read("size", np.uint32)[0])
    ones = np.ones(len(items), dtype=np.float32)
    rows = csr_matrix((ones, items, starts), shape=(len(starts) - 1, item_count))
    rows.sum_duplicates()
    return rows


def speed(directory, factors, threads):
    rows = matrix(directory, "train")
    seconds = []
    last = time.perf_counter()

    def tell(_iteration, elapsed, *_):
        nonlocal last
        now = time.perf_counter()
        seconds.append(now - last)
        last = now

    model = AlternatingLeastSquares(
        factors=factors, iterations=4, num_threads=threads, use_cg=True, random_state=1
    )
    last = time.perf_counter()
    model.fit(rows, show_progress=False, callback=tell)
    return {"seconds": seconds}


def figures(score, directory, part):
    targets = np.fromfile(os.path.join(directory, f"{part}-targets"), dtype=np.uint32)
    negatives = np.fromfile(os.path.join(directory, f"{part}-negatives"), dtype=np.uint32)
    negatives = negatives.reshape(len(targets), -1)
    hits, gains = 0.0, 0.0
    for user, target in enumerate(targets):
        candidates = np.append(negatives[user], target)
        scores = score(user, candidates)
        own = scores[-1]
        rank = np.sum(scores[:-1] > own) + np.sum(scores[:-1] == own) / 2
        if rank < 10:
            hits += 1
            gains += 1 / math.log2(rank + 2)
    return {"hr": hits / len(targets), "ndcg": gains / len(targets)}


def als(directory, part, threads, factors, regularization, alpha):
    rows = matrix(directory, part)
    model = AlternatingLeastSquares(
        factors=factors,
        regularization=regularization,
        alpha=alpha,
        iterations=12,
        num_threads=threads,
        random_state=1,
    )
    start = time.perf_counter()
    model.fit(rows, show_progress=False)
    seconds = time.perf_counter() - start
    people, items = model.user_factors, model.item_factors
    found = figures(lambda user, ids: items[ids] @ people[user], directory, part)
    return {**found, "seconds": seconds}


def best_als(directory, threads, factors):
    grid = itertools.product((0.1, 1, 10, 30), (1, 3, 10))
    tried = [
        (als(directory, "validation", threads, factors, lam, alpha)["ndcg"], lam, alpha)
        for lam, alpha in grid
    ]
    _, regularization, alpha = max(tried)
    found = als(directory, "test", threads, factors, regularization, alpha)
    return {**found, "settings": f"regularization {regularization}, alpha {alpha}"}


def cosine(directory):
    rows = matrix(directory, "test")
    model = CosineRecommender(K=200)
    start = time.perf_counter()
    model.fit(rows, show_progress=False)
    seconds = time.perf_counter() - start
    similarity = model.similarity.tocsr()

    def score(user, ids):
        return np.asarray((rows[user] @ similarity)[:, ids].todense()).ravel()

    return {**figures(score, directory, "test"), "seconds": seconds}


def quality(directory, threads):
    return {
        "als64": best_als(directory, threads, 64),
        "als192": best_als(directory, threads, 192),
        "cosine": cosine(directory),
    }


if __name__ == "__main__":
    what, directory, *words = sys.argv[1:]
    numbers = [int(word) for word in words]
    answer = speed(directory, *numbers) if what == "speed" else quality(directory, *numbers)
    print(json.dumps(answer))
