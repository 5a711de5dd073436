"""Fits scikit-surprise on a fold, or runs river over a stream; RMSE, MAE, processor time as JSON."""

import csv
import json
import math
import sys
import time
from itertools import groupby
from pathlib import Path

SEED = 1


def figures(errors, seconds):
    rmse = math.sqrt(sum(error * error for error in errors) / len(errors))
    mae = sum(abs(error) for error in errors) / len(errors)
    return {"rmse": rmse, "mae": mae, "coreSeconds": seconds}


def surprise_models(directory):
    from surprise import SVD, Dataset, Reader, SVDpp
    from surprise.model_selection import PredefinedKFold

    reader = Reader(line_format="user item rating", sep=",", rating_scale=(1, 5))
    fold = (str(directory / "train.csv"), str(directory / "test.csv"))
    train, test = next(PredefinedKFold().split(Dataset.load_from_folds([fold], reader)))
    results = {}
    for name, model in (("SVD", SVD(random_state=SEED)), ("SVD++", SVDpp(random_state=SEED))):
        start = time.process_time()
        model.fit(train)
        seconds = time.process_time() - start
        errors = [prediction.est - prediction.r_ui for prediction in model.test(test)]
        results[f"surprise {name}"] = figures(errors, seconds)
    return results


def river_model(directory, low, high):
    """River's settings are those of its tutorial on MovieLens."""
    from river import optim, reco

    model = reco.BiasedMF(
        n_factors=10,
        bias_optimizer=optim.SGD(0.025),
        latent_optimizer=optim.SGD(0.05),
        weight_initializer=optim.initializers.Zeros(),
        latent_initializer=optim.initializers.Normal(mu=0.0, sigma=0.1, seed=SEED),
    )
    with open(directory / "stream.csv", newline="") as file:
        rows = [(int(step), user, item, float(value)) for step, user, item, value in csv.reader(file)]
    errors = []
    start = time.process_time()
    for _, step in groupby(rows, key=lambda row: row[0]):
        step = list(step)
        for _, user, item, value in step:
            errors.append(min(max(model.predict_one(user, item), low), high) - value)
        for _, user, item, value in step:
            model.learn_one(user, item, value)
    return {"river BiasedMF": figures(errors, time.process_time() - start)}


if __name__ == "__main__":
    part, directory = sys.argv[1], Path(sys.argv[2])
    answer = surprise_models(directory) if part == "surprise" else river_model(directory, 0.5, 5)
    print(json.dumps(answer))
