"""Published figures, for comparison.

MIRACL's three baselines on its dev queries, each language's queries against that language's
Wikipedia: BM25, mDPR (mBERT, tied encoders, trained on MS MARCO) and their equal mix. They are
described in Zhang et al. 2023 (MIRACL: A Multilingual Retrieval Dataset Covering 18 Diverse
Languages, TACL 11, https://doi.org/10.1162/tacl_a_00595). The figures are their authors'
reproduction with Pyserini: github.com/castorini/pyserini, pyserini/2cr/miracl.yaml, conditions
`bm25`, `mdpr-tied-pft-msmarco` and `bm25-mdpr-tied-pft-msmarco-hybrid`, commit f5ec517 of
2023-10-31. (A new Lucene index of June 2026 moved BM25 and the mix for Persian and Korean.)
Numbers of dev queries: README of github.com/project-miracl/miracl, which lacks German and Yoruba.
"""

from __future__ import annotations

MBERT_AER = {"enfr": 5.6, "roen": 27.9, "jaen": 45.6, "zhen": 18.1, "deen": 17.4}
"""Gold file -> AER in percent, over all sentences, of awesome-align with mBERT without fine-tuning
(Dou and Neubig 2021, https://aclanthology.org/2021.eacl-main.181, table 1)."""

MIRACL_SOURCE = "Zhang et al. 2023, as reproduced by Pyserini (2CR, commit f5ec517)"

MIRACL_MODELS = ("BM25", "mDPR", "BM25 + mDPR")
MIRACL_MEASURES = ("nDCG@10", "R@100")

# Language, dev queries, then nDCG@10 and R@100 of each model.
_MIRACL = """
ar 2896 0.4809 0.8885 0.4993 0.8407 0.6729 0.9405
bn 411 0.5079 0.9088 0.4427 0.8193 0.6540 0.9321
en 799 0.3506 0.8190 0.3938 0.7675 0.5488 0.8815
es 648 0.3193 0.7018 0.4777 0.8643 0.6413 0.9479
fa 632 0.3334 0.7306 0.4800 0.8980 0.5935 0.9374
fi 1271 0.5513 0.8910 0.4721 0.7877 0.6716 0.8949
fr 343 0.1832 0.6528 0.4352 0.9154 0.5233 0.9647
hi 350 0.4578 0.8679 0.3830 0.7755 0.6157 0.9115
id 960 0.4486 0.9041 0.2719 0.5734 0.4433 0.7683
ja 860 0.3689 0.8048 0.4390 0.8254 0.5757 0.9036
ko 213 0.4190 0.7831 0.4189 0.7369 0.6086 0.8997
ru 1252 0.3342 0.6614 0.4073 0.7972 0.5323 0.8738
sw 482 0.3826 0.7008 0.2990 0.6158 0.4457 0.7254
te 828 0.4942 0.8307 0.3557 0.7619 0.6021 0.8569
th 733 0.4838 0.8874 0.3578 0.6783 0.5990 0.8228
zh 393 0.1801 0.5599 0.5116 0.9436 0.5254 0.9587
de - 0.2262 0.5724 0.4895 0.8983 0.5643 0.9482
yo - 0.4059 0.7325 0.4439 0.8403 0.6114 0.9496
"""
_ROWS = [line.split() for line in _MIRACL.strip().splitlines()]

MIRACL_TOPICS: dict[str, int] = {code: int(topics) for code, topics, *_ in _ROWS if topics != "-"}
"""Language -> number of dev queries, if it is known."""

MIRACL_DEV: dict[str, dict[str, dict[str, float]]] = {
    model: {
        code: dict(zip(MIRACL_MEASURES, map(float, figures[2 * i : 2 * i + 2]), strict=True))
        for code, _, *figures in _ROWS
    }
    for i, model in enumerate(MIRACL_MODELS)
}
"""Model -> language -> measure -> mean over the dev queries."""

MIRACL_WARNING = (
    "MIRACL isn't parallel: every language has its own queries, its own Wikipedia (130 thousand "
    "passages in Swahili, 33 million in English) and its own judges. Compare models within a "
    "language, never the levels of two languages."
)
