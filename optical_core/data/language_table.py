"""Which languages are known: those of FLORES-200, NTREX-128 and Belebele, and most of ISO 639-1.

An entry is a code, a name, the usual script, and other codes. The code is that of ISO 639-1, or of
639-3 where the former has none. A name's spaces are underscores. A script is the first word of
its letters' Unicode names. Members of a macrolanguage that data sets tell apart have entries of
their own (Egyptian Arabic, Norwegian Nynorsk); the one that is usually meant is another code of the
macrolanguage (arb, nob).
"""

from __future__ import annotations

LANGUAGES_TABLE = """
aa Afar LATIN aar|ab Abkhaz CYRILLIC abk|ace Acehnese LATIN|acm Mesopotamian_Arabic ARABIC
acq Ta'izzi-Adeni_Arabic ARABIC|aeb Tunisian_Arabic ARABIC|af Afrikaans LATIN afr
ajp South_Levantine_Arabic ARABIC|ak Akan LATIN aka|am Amharic ETHIOPIC amh|an Aragonese LATIN arg
apc North_Levantine_Arabic ARABIC|ar Arabic ARABIC arb ara|ars Najdi_Arabic ARABIC
ary Moroccan_Arabic ARABIC|arz Egyptian_Arabic ARABIC|as Assamese BENGALI asm|ast Asturian LATIN
awa Awadhi DEVANAGARI|ay Aymara LATIN aym ayr|az Azerbaijani LATIN aze azj
azb South_Azerbaijani ARABIC|ba Bashkir CYRILLIC bak|ban Balinese LATIN|be Belarusian CYRILLIC bel
bem Bemba LATIN|bg Bulgarian CYRILLIC bul|bho Bhojpuri DEVANAGARI|bjn Banjar LATIN
bm Bambara LATIN bam|bn Bengali BENGALI ben|bo Tibetan TIBETAN bod tib|br Breton LATIN bre
bs Bosnian LATIN bos|bug Buginese LATIN|ca Catalan LATIN cat|ce Chechen CYRILLIC che
ceb Cebuano LATIN|cjk Chokwe LATIN|ckb Central_Kurdish ARABIC|co Corsican LATIN cos
crh Crimean_Tatar LATIN|cs Czech LATIN ces cze|cv Chuvash CYRILLIC chv|cy Welsh LATIN cym wel
da Danish LATIN dan|de German LATIN deu ger|dik Southwestern_Dinka LATIN|dv Divehi THAANA div
dyu Dyula LATIN|dz Dzongkha TIBETAN dzo|ee Ewe LATIN ewe|el Greek GREEK ell gre|en English LATIN eng
eo Esperanto LATIN epo|es Spanish LATIN spa|et Estonian LATIN est ekk|eu Basque LATIN eus baq
fa Persian ARABIC fas per pes|ff Fulah LATIN ful fuv|fi Finnish LATIN fin|fj Fijian LATIN fij
fo Faroese LATIN fao|fon Fon LATIN|fr French LATIN fra fre|fuc Pulaar LATIN|fur Friulian LATIN
fy Western_Frisian LATIN fry|ga Irish LATIN gle|gd Gaelic LATIN gla|gl Galician LATIN glg
gn Guarani LATIN grn gug|gsw Swiss_German LATIN|gu Gujarati GUJARATI guj|gv Manx LATIN glv
ha Hausa LATIN hau|haw Hawaiian LATIN|he Hebrew HEBREW heb iw|hi Hindi DEVANAGARI hin
hil Hiligaynon LATIN|hmn Hmong LATIN|hne Chhattisgarhi DEVANAGARI|hr Croatian LATIN hrv
hsb Upper_Sorbian LATIN|ht Haitian_Creole LATIN hat|hu Hungarian LATIN hun
hy Armenian ARMENIAN hye arm|ia Interlingua LATIN ina|id Indonesian LATIN ind in|ig Igbo LATIN ibo
ilo Ilocano LATIN|is Icelandic LATIN isl ice|it Italian LATIN ita|iu Inuktitut CANADIAN iku ike
ja Japanese CJK jpn|jv Javanese LATIN jav jw|ka Georgian GEORGIAN kat geo|kab Kabyle LATIN
kac Jingpho LATIN|kam Kamba LATIN|kbp Kabiye LATIN|kea Kabuverdianu LATIN|kg Kongo LATIN kon
ki Kikuyu LATIN kik|kk Kazakh CYRILLIC kaz|kl Kalaallisut LATIN kal|km Khmer KHMER khm
kmb Kimbundu LATIN|kn Kannada KANNADA kan|knc Central_Kanuri LATIN|ko Korean HANGUL kor
kr Kanuri LATIN kau|kri Krio LATIN|ks Kashmiri ARABIC kas|ku Kurdish LATIN kur kmr
kv Komi CYRILLIC kom|kw Cornish LATIN cor|ky Kyrgyz CYRILLIC kir|la Latin LATIN lat
lb Luxembourgish LATIN ltz|lg Ganda LATIN lug|li Limburgish LATIN lim|lij Ligurian LATIN
lmo Lombard LATIN|ln Lingala LATIN lin|lo Lao LAO lao|lt Lithuanian LATIN lit|ltg Latgalian LATIN
lua Luba-Kasai LATIN|luo Luo LATIN|lus Mizo LATIN|lv Latvian LATIN lav lvs|mag Magahi DEVANAGARI
mai Maithili DEVANAGARI|mey Hassaniya_Arabic ARABIC|mg Malagasy LATIN mlg plt|mi Maori LATIN mri mao
min Minangkabau LATIN|mk Macedonian CYRILLIC mkd mac|ml Malayalam MALAYALAM mal
mn Mongolian CYRILLIC mon khk|mni Manipuri BENGALI|mos Mossi LATIN|mr Marathi DEVANAGARI mar
ms Malay LATIN msa may zsm|mt Maltese LATIN mlt|my Burmese MYANMAR mya bur
nd Northern_Ndebele LATIN nde|nds Low_German LATIN|ne Nepali DEVANAGARI nep npi
nl Dutch LATIN nld dut|nn Norwegian_Nynorsk LATIN nno|no Norwegian LATIN nor nb nob|nqo N'Ko NKO
nr Southern_Ndebele LATIN nbl|nso Northern_Sotho LATIN|nus Nuer LATIN|nv Navajo LATIN nav
ny Nyanja LATIN nya|oc Occitan LATIN oci|om Oromo LATIN orm gaz|or Odia ORIYA ori ory
os Ossetian CYRILLIC oss|pa Punjabi GURMUKHI pan|pag Pangasinan LATIN|pap Papiamento LATIN
pcm Nigerian_Pidgin LATIN|pl Polish LATIN pol|pnb Western_Punjabi ARABIC|prs Dari ARABIC
ps Pashto ARABIC pus pbt|pt Portuguese LATIN por|qu Quechua LATIN que quy|rm Romansh LATIN roh
rn Rundi LATIN run|ro Romanian LATIN ron rum|ru Russian CYRILLIC rus|rw Kinyarwanda LATIN kin
sa Sanskrit DEVANAGARI san|sah Yakut CYRILLIC|sat Santali OL|sc Sardinian LATIN srd
scn Sicilian LATIN|sco Scots LATIN|sd Sindhi ARABIC snd|se Northern_Sami LATIN sme
sg Sango LATIN sag|shi Tachelhit TIFINAGH|shn Shan MYANMAR|si Sinhala SINHALA sin
sk Slovak LATIN slk slo|sl Slovenian LATIN slv|sm Samoan LATIN smo|sn Shona LATIN sna
so Somali LATIN som|sq Albanian LATIN sqi alb als|sr Serbian CYRILLIC srp|ss Swati LATIN ssw
st Sotho LATIN sot|su Sundanese LATIN sun|sv Swedish LATIN swe|sw Swahili LATIN swa swh
szl Silesian LATIN|ta Tamil TAMIL tam|taq Tamasheq LATIN|te Telugu TELUGU tel|tg Tajik CYRILLIC tgk
th Thai THAI tha|ti Tigrinya ETHIOPIC tir|tk Turkmen LATIN tuk|tl Tagalog LATIN tgl fil
tn Tswana LATIN tsn|to Tongan LATIN ton|tpi Tok_Pisin LATIN|tr Turkish LATIN tur|ts Tsonga LATIN tso
tt Tatar CYRILLIC tat|tum Tumbuka LATIN|tw Twi LATIN twi|ty Tahitian LATIN tah
tzm Central_Atlas_Tamazight TIFINAGH|ug Uyghur ARABIC uig|uk Ukrainian CYRILLIC ukr
umb Umbundu LATIN|ur Urdu ARABIC urd|uz Uzbek LATIN uzb uzn|ve Venda LATIN ven|vec Venetian LATIN
vi Vietnamese LATIN vie|wa Walloon LATIN wln|war Waray LATIN|wo Wolof LATIN wol|xh Xhosa LATIN xho
yi Yiddish HEBREW yid ydd ji|yo Yoruba LATIN yor|yue Cantonese CJK|za Zhuang LATIN zha
zh Chinese CJK zho chi cmn|zu Zulu LATIN zul
"""

SCRIPTS = dict(
    pair.split(":")
    for pair in (
        "Adlm:ADLAM Arab:ARABIC Armn:ARMENIAN Beng:BENGALI Cans:CANADIAN Cher:CHEROKEE "
        "Cyrl:CYRILLIC Deva:DEVANAGARI Ethi:ETHIOPIC Geor:GEORGIAN Grek:GREEK Gujr:GUJARATI "
        "Guru:GURMUKHI Hang:HANGUL Hani:CJK Hans:CJK Hant:CJK Hebr:HEBREW Hira:CJK Java:JAVANESE "
        "Jpan:CJK Kana:CJK Khmr:KHMER Knda:KANNADA Kore:HANGUL Laoo:LAO Latn:LATIN Mlym:MALAYALAM "
        "Mong:MONGOLIAN Mtei:MEETEI Mymr:MYANMAR Nkoo:NKO Olck:OL Orya:ORIYA Sinh:SINHALA "
        "Syrc:SYRIAC Taml:TAMIL Telu:TELUGU Tfng:TIFINAGH Thaa:THAANA Thai:THAI Tibt:TIBETAN "
        "Vaii:VAI Yiii:YI"
    ).split()
)
"""ISO 15924 code -> first word of its letters' Unicode names."""

REGIONS = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UK UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
    """.split()
)
"""ISO 3166-1 alpha-2, XK and UK with them."""

VARIANTS = frozenset(
    "1901 1996 abl1943 ao1990 arevela arevmda colb1945 ekavsk ijekavsk oxendict pinyin rozaj "
    "tarask valencia wadegile".split()
)
"""Registered variants that data sets name, such as Valencian (ca-valencia)."""
