"""Reads lists and relevant items, writes trec_eval's figures for each."""

import json
import sys
from pathlib import Path

import pytrec_eval

CUT = 10

cases = json.loads((Path(sys.argv[1]) / "cases").read_text())
relevance = {str(k): {str(item): 1 for item in case["relevant"]} for k, case in enumerate(cases)}
ranking = {
    str(k): {str(item): float(-place) for place, item in enumerate(case["ranked"])}
    for k, case in enumerate(cases)
}
measures = {f"{name}_{CUT}" for name in ("ndcg_cut", "recall", "P", "map_cut", "success")}
evaluator = pytrec_eval.RelevanceEvaluator(relevance, measures | {"recip_rank"})
print(json.dumps(evaluator.evaluate(ranking)))
