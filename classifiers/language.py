"""Is a text in a language that the models can read? In doubt it is: slang, dialect and emoji are English enough."""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_LINKS = re.compile(r"https?://\S{1,500}|[@#]\w{1,100}")
_LETTERS_NEEDED = 4  # of another script, before it is called another language
_CHARACTERS_NEEDED = 3  # of words, beside a picture
_FOREIGN_NEEDED = 2  # small words of one language, or words with letters that English does not write
_FOREIGN_SHARE = 0.15  # of all words
_WORDS_READ = 2000

_ENGLISH = frozenset(
    [
        "the",
        "and",
        "but",
        "if",
        "of",
        "at",
        "by",
        "for",
        "with",
        "from",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "have",
        "has",
        "had",
        "you",
        "he",
        "she",
        "it",
        "we",
        "they",
        "him",
        "her",
        "us",
        "them",
        "my",
        "your",
        "his",
        "its",
        "our",
        "their",
        "this",
        "that",
        "these",
        "those",
        "not",
        "what",
        "who",
        "when",
        "where",
        "why",
        "how",
        "can",
        "could",
        "will",
        "would",
        "should",
        "just",
        "all",
        "any",
        "some",
        "there",
        "here",
        "up",
        "out",
        "about",
        "as",
        "than",
        "then",
        "too",
        "very",
        "now",
        "get",
        "got",
        "go",
        "dont",
        "don't",
        "it's",
        "i'm",
        "can't",
        "im",
        "ur",
        "lol",
        "year",
        "school",
        "please",
        "today",
        "next",
        "back",
        "more",
        "well",
        "good",
        "day",
        "one",
        "did",
        "does",
        "they're",
    ]
)
# The small words of the languages that families of British schools write most, less those that English knows too.
_FOREIGN_WORDS = {
    "polish": (
        "nie się jest że na czy jak ale tylko już jeszcze proszę w z o u za po przez dla od mnie mój moja "
        "moje mojego cię ktoś ma są był była tak co jestem ze gdzie kto znowu będzie nas ich jego wszystkich "
        "państwo dzień dobry dziecka szkoły szkole klasie sto lat brawo lekcjach"
    ),
    "welsh": (
        "yn mae mae'r yr y ac i'r o'r dim ar wedi gyda dwi dwi'n dwi'm ddim yw oes chi ni'n roedd roedden ei "
        "eu bod hyn hynny os gwelwch eto fory heddiw ysgol plant pob neb sneb gan gennych fy dy sydd rhywun "
        "diolch iawn hapus penblwydd cau geg cofiwch fydd bydd nid hwn wela"
    ),
    "french": (
        "le la les des une est pas je tu il elle nous vous ils que qui dans pour sur avec ce cette mon ma mes "
        "ton ta sa ses c'est j'ai j'en et au aux mais où très bonjour merci être suis école plus du quelqu'un "
        "prof"
    ),
    "spanish": (
        "el la los las una es no que de en por para con mi tu su se lo y pero muy más gracias está esto todos "
        "todas eres soy hola escuela niños hijo hija sin ni ahora te ti"
    ),
    "portuguese": (
        "o os um uma é não que de em por para com meu minha seu sua se mas muito mais obrigado obrigada está "
        "isso todos escola filho filha você eu ele ela foi na no da do"
    ),
    "italian": (
        "il lo la gli una è non che di per con mio mia tuo si ma molto più grazie questo tutti scuola figlio "
        "figlia sono della del nel perché anche ho hai"
    ),
    "german": (
        "der die das und ist nicht ein eine ich du er sie wir ihr mit für auf zu den dem von im auch aber "
        "sehr danke schule kind mein meine bei wie wo wer noch"
    ),
    "romanian": (
        "și si este nu că din la cu pentru care mai sunt ești ce am ai fost foarte mulțumesc școală clasa "
        "copil meu mea toată lumea frate de tine nici asta suntem pt"
    ),
    "turkish": (
        "ve bir bu ne için çok da de değil var yok mı mi mu ben sen o biz siz ama gibi okul çocuk ile daha "
        "kadar zaman bilen teşekkürler günü"
    ),
    "urdu": (
        "hai hain nahi ka ki ke ko se mein mai kya koi bhi aur ho hi yeh ye woh tha thi mere meri mera tere "
        "teri raha rahi kar karo jao bohat bahut ab sab kisi phir plz dein karta karti kahin nu har te gaye "
        "gaya yaar"
    ),
    "somali": ("waa iyo ku ka oo in ma waxaan waxay laakiin wax badan aad u ayaa sida maanta dugsiga ilmaha la yahay"),
    "lithuanian": ("ir yra ne kad su tai labai ačiū mokykla vaikas mano tavo jis ji bet kaip kur prašau ar iš dėl"),
    "dutch": ("het een en niet ik je hij zij wij met voor op dat deze zijn maar ook heel bedankt kind mijn bij van de"),
}
_FOREIGN = {language: frozenset(words.split()) for language, words in _FOREIGN_WORDS.items()}
_SHARED = frozenset(
    [
        "a",
        "i",
        "no",
        "on",
        "me",
        "he",
        "we",
        "do",
        "so",
        "to",
        "in",
        "is",
        "am",
        "as",
        "an",
        "at",
        "be",
        "by",
        "go",
        "it",
        "of",
        "or",
        "up",
        "us",
        "o",
        "u",
        "la",
        "de",
        "in",
        "ma",
        "in",
        "y",
    ]
)
_LANGUAGES = {
    word: tuple(language for language, known in _FOREIGN.items() if word in known)
    for word in frozenset().union(*_FOREIGN.values()) - _SHARED
}
_STRANGE = re.compile("[^\x00-\u024f\u1e00-\u1eff]")


def is_readable(text: str) -> bool:
    """Whether the text is English, or too short or too mixed to say that it is not."""
    text = _LINKS.sub(" ", text)
    if _STRANGE.search(text):
        letters = [character for character in text if character.isalpha()]
        others = sum(not _is_latin(character) for character in letters)
        if others >= _LETTERS_NEEDED and others * 2 > len(letters):
            return False
    words = _WORD.findall(text.lower())[:_WORDS_READ]
    if not words:
        return True
    english = sum(word in _ENGLISH for word in words)
    languages = Counter(language for word in words for language in _LANGUAGES.get(word, ()))
    foreign = max(languages.values(), default=0)
    marked = sum(not word.isascii() for word in words)
    # A word with a letter that English does not write tells as much as a small word of another language.
    strange = foreign + marked
    share = (foreign + marked * 0.5) / len(words)
    return strange < _FOREIGN_NEEDED or share < _FOREIGN_SHARE or strange <= 2 * english


def says_something(text: str) -> bool:
    """Whether there is a word beside links, handles, tags and emoji; without one a picture says it all."""
    return sum(map(str.isalnum, _LINKS.sub(" ", text))) >= _CHARACTERS_NEEDED


def _is_latin(character: str) -> bool:
    return character < "\u0250" or "\u1e00" <= character < "\u1f00"
