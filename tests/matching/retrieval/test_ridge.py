import numpy as np

from matching.retrieval.ridge import RidgeMap

CHINESE = ["球阀", "闸阀", "离心泵", "齿轮泵", "绿茶", "红茶"]
ENGLISH = ["ball valve", "gate valve", "centrifugal pump", "gear pump", "green tea", "black tea"]


def test_ridge_map_finds_what_it_was_taught():
    scores = RidgeMap(penalty=0.1).fit(CHINESE, ENGLISH).scores(CHINESE, ENGLISH)

    assert scores.argmax(axis=1).tolist() == list(range(len(CHINESE)))


def test_ridge_map_joins_parts_it_never_saw_together():
    ridge = RidgeMap(penalty=0.1).fit(CHINESE, ENGLISH)

    scores = ridge.scores(["齿轮"], ["gear", "tea", "gate"])

    assert int(np.argmax(scores[0])) == 0
