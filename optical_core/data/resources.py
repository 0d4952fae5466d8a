"""How much text in each language an encoder may have seen: the size of CC-100.

It is only a proxy: XLM-R was trained on CC-100, and multilingual-e5-small derives from mMiniLM, a
model distilled from XLM-R's family.

Conneau et al. 2020 (Unsupervised Cross-lingual Representation Learning at Scale), table 6:
https://aclanthology.org/2020.acl-main.747. Read from the transcript of that table in
github.com/mayhewsw/multilingual-data-stats, commit 7397902, which has Ukrainian and Swedish as
the authors corrected them. Both Chinese scripts and both Burmese encodings are added up.
"""

from __future__ import annotations

_TABLE = """
en 300.8 55608|vi 137.3 24757|ru 278 23408|id 148.3 22704|fa 111.6 13259|sv 85 12950|ro 61.4 10354
de 66.6 10297|fr 56.8 9780|es 53.3 9374|no 49 8494|pt 49.1 8405|da 45.6 7823|hu 58.4 7807
uk 84.6 6960|fi 54.3 6730|pl 44.6 6490|ko 54.2 5644|bg 57.5 5487|nl 29.3 5025|it 30.2 4983
el 46.9 4285|sk 23.2 3525|he 31.6 3399|hr 20.5 3297|ar 28 2869|tr 20.9 2736|cs 16.3 2498
lt 13.7 1835|th 71.7 1834|ca 10.1 1752|hi 20.2 1715|sl 10.3 1669|ms 8.5 1318|lv 8.8 1198|sq 5.4 918
et 6.1 843|sr 9.1 843|az 6.5 783|ur 5.7 730|ta 12.2 595|tl 3.1 556|ja 69.3 530|bn 8.4 525
is 3.2 505|gl 2.9 495|kk 6.4 476|ka 9.1 469|mk 4.8 449|hy 5.5 421|la 2.5 390|be 4.3 362|ml 7.6 313
sw 1.6 275|eu 2 270|zh 63.5 435|te 4.7 249|mn 3 248|si 3.6 243|af 1.3 242|ne 3.8 237|mr 2.8 175
kn 3.3 169|eo 0.9 157|cy 0.8 141|gu 1.9 140|ps 0.7 96|ky 1.2 94|uz 0.7 91|ga 0.5 86|am 0.8 68
pa 0.8 68|ku 0.4 66|so 0.4 62|ha 0.3 56|my 2 71|sd 0.4 50|km 1.5 36|or 0.6 36|yi 0.3 34|ug 0.4 27
mg 0.2 25|jv 0.2 24|gd 0.1 21|lo 0.6 17|sa 0.3 17|bs 0.1 14|xh 0.1 13|su 0.1 10|om 0.1 8
"""
_ROWS = [entry.split() for entry in _TABLE.replace("\n", "|").strip("|").split("|")]

CC100_GIB: dict[str, float] = {code: float(size) for code, size, _ in _ROWS}
"""Language -> GiB of text in CC-100.

Languages that CC-100 lacks (Yoruba, Igbo, Kinyarwanda, …) are missing here.
"""

CC100_TOKENS: dict[str, int] = {code: int(tokens) for code, _, tokens in _ROWS}
"""Language -> millions of tokens in CC-100: apparently words between spaces.

Japanese therefore has fewer than Tagalog: leave `UNSPACED` languages out of comparisons.
"""

UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
"""Languages written without spaces between words: word counts say little about them."""
