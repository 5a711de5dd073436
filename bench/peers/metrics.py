"""Reads lists and relevant items from standard input, writes trec_eval's figures for each."""

import json
import sys

import pytrec_eval

CUT = 10

cases = json.load(sys.stdin)
relevance = {str(k): {str(item): 1 for item in case["relevant"]} for k, case in enumerate(cases)}
ranking = {
    str(k): {str(item): float(-place) for place, item in enumerate(case["ranked"])}
    for k, case in enumerate(cases)
}
measures = {f"{name}_{CUT}" for name in ("ndcg_cut", "recall", "P", "map_cut", "success")}
evaluator = pytrec_eval.RelevanceEvaluator(relevance, measures | {"recip_rank"})
json.dump(evaluator.evaluate(ranking), sys.stdout)
