//! The few words of article pages that carry structure, by language.
//!
//! Everything else is found by the page's structure alone, whatever its language.

use stoa_proto::data::Presence;

/// "N comments", in every plural form; French, English, German, Russian, Spanish, Italian,
/// Portuguese, Romanian.
const COMMENTS: &[&str] = &[
    "commentaire",
    "commentaires",
    "comment",
    "comments",
    "kommentar",
    "kommentare",
    "kommentaren",
    "комментарий",
    "комментария",
    "комментариев",
    "комментарии",
    "comentario",
    "comentarios",
    "commento",
    "commenti",
    "comentário",
    "comentários",
    "comentariu",
    "comentarii",
    "de comentarii",
];

/// A heading over a notice.
const NOTICE_HEADINGS: &[&str] = &[
    "information",
    "informations",
    "info",
    "infos",
    "informationen",
    "hinweis",
    "notice",
    "note",
    "информация",
    "внимание",
    "información",
    "informazione",
    "informazioni",
    "informação",
    "informații",
    "informație",
];

/// What a login notice speaks of.
const LOGIN: &[&str] = &[
    "autoriser",
    "connecter",
    "connectez",
    "connecté",
    "identifier",
    "identifiez",
    "inscrire",
    "inscrivez",
    "abonnés",
    "log in",
    "logged in",
    "login",
    "sign in",
    "signed in",
    "register",
    "anmelden",
    "angemeldet",
    "einloggen",
    "eingeloggt",
    "registrier",
    "авториз",
    "войти",
    "войдите",
    "зарегистрир",
    "iniciar sesión",
    "inicie sesión",
    "regístr",
    "registrarse",
    "accedi",
    "accedere",
    "effettuare il login",
    "registrati",
    "iniciar sessão",
    "faça login",
    "autentific",
    "conectați",
    "conectaţi",
];

/// How a notice says that there is no more discussion.
const CLOSED: &[&str] = &[
    "commentaires sont fermés",
    "commentaires fermés",
    "comments are closed",
    "comments closed",
    "kommentare sind geschlossen",
    "kommentarfunktion ist geschlossen",
    "комментарии закрыты",
    "комментирование закрыто",
    "comentarios cerrados",
    "commenti chiusi",
    "comentários encerrados",
    "comentariile sunt închise",
];

/// The stems by which a notice shows that it is about comments.
const ABOUT_COMMENTS: &[&str] = &[
    "comment",
    "kommentar",
    "kommentier",
    "комментар",
    "комментир",
    "coment",
];

/// Labels of a credit of photographs.
const CREDITS: &[&str] = &[
    "photo",
    "photos",
    "photos utilisées",
    "photo utilisée",
    "crédit photo",
    "crédits photo",
    "crédit photos",
    "crédits photos",
    "image",
    "images",
    "illustration",
    "illustrations",
    "photos used",
    "photo used",
    "photo credit",
    "photo credits",
    "image credit",
    "image credits",
    "picture",
    "pictures",
    "foto",
    "fotos",
    "bild",
    "bilder",
    "bildnachweis",
    "fotonachweis",
    "verwendete fotos",
    "фото",
    "фотография",
    "фотографии",
    "использованы фотографии",
    "использованные фотографии",
    "автор фото",
    "источник фото",
    "fotos utilizadas",
    "foto utilizzate",
    "fotografie",
    "fotografii",
    "foto folosite",
];

/// Labels of a source.
const SOURCES: &[&str] = &[
    "source",
    "sources",
    "quelle",
    "quellen",
    "источник",
    "fuente",
    "fonte",
    "sursa",
    "sursă",
];

/// Presence, where the word is known.
const ONLINE: &[&str] = &[
    "en ligne",
    "online",
    "онлайн",
    "в сети",
    "на сайте",
    "en línea",
    "conectado",
    "conectada",
    "in linea",
    "conectat",
    "在线",
    "在線",
    "オンライン",
    "온라인",
    "متصل",
];
const OFFLINE: &[&str] = &[
    "hors ligne",
    "offline",
    "офлайн",
    "оффлайн",
    "не в сети",
    "desconectado",
    "desconectada",
    "fuera de línea",
    "non in linea",
    "deconectat",
    "离线",
    "離線",
    "オフライン",
    "오프라인",
    "غير متصل",
];

/// How a text says that it follows an article elsewhere: before the name, and between the name
/// and the title.
pub(super) const CITED: &[(&[&str], &[&str])] = &[
    (
        &[
            "écrit ",
            "rapporte ",
            "indique ",
            "affirme ",
            "explique ",
            "souligne ",
            "selon ",
            "d'après ",
            "d’après ",
        ],
        &[
            "dans son article intitulé ",
            "dans un article intitulé ",
            "dans l'article intitulé ",
            "dans l’article intitulé ",
            "dans son article titré ",
            "dans un article titré ",
        ],
    ),
    (
        &["writes ", "reports ", "says ", "notes ", "according to "],
        &[
            "in its article titled ",
            "in its article entitled ",
            "in an article titled ",
            "in an article entitled ",
            "in its article headlined ",
            "in an article headlined ",
            "in their article titled ",
            "in the article titled ",
            "in the article entitled ",
        ],
    ),
    (
        &["schreibt ", "berichtet ", "meldet ", "laut "],
        &[
            "in seinem artikel mit dem titel ",
            "in ihrem artikel mit dem titel ",
            "in einem artikel mit dem titel ",
            "in seinem artikel ",
            "in ihrem artikel ",
            "in dem artikel ",
        ],
    ),
    (
        &[
            "пишет ",
            "сообщает ",
            "отмечает ",
            "рассказывает ",
            "передаёт ",
            "передает ",
        ],
        &[
            "в своей статье под названием ",
            "в статье под названием ",
            "в своей статье под заголовком ",
            "в статье под заголовком ",
            "в материале под названием ",
            "в своей статье ",
            "в статье ",
        ],
    ),
    (
        &["escribe ", "informa ", "según "],
        &["en su artículo titulado ", "en un artículo titulado "],
    ),
    (
        &["scrive ", "riferisce ", "secondo "],
        &["nel suo articolo intitolato ", "in un articolo intitolato "],
    ),
    (
        &["escreve ", "segundo "],
        &[
            "em seu artigo intitulado ",
            "num artigo intitulado ",
            "em um artigo intitulado ",
        ],
    ),
    (
        &["scrie ", "relatează ", "potrivit "],
        &[
            "în articolul său intitulat ",
            "într-un articol intitulat ",
            "în articolul intitulat ",
        ],
    ),
];

/// Words between the parts of a date.
pub(super) const DATE_FILLERS: &[&str] = &[
    "à", "le", "at", "on", "um", "den", "am", "uhr", "в", "г", "года", "год", "de", "del", "a",
    "las", "alle", "às", "ora", "la", "h", "of",
];

/// The months, each in the forms that pages show.
const MONTHS: [&[&str]; 12] = [
    &[
        "janvier",
        "janv",
        "january",
        "jan",
        "januar",
        "jänner",
        "января",
        "январь",
        "янв",
        "enero",
        "ene",
        "gennaio",
        "gen",
        "janeiro",
        "ianuarie",
        "ian",
    ],
    &[
        "février",
        "févr",
        "fév",
        "february",
        "feb",
        "februar",
        "февраля",
        "февраль",
        "фев",
        "febrero",
        "febbraio",
        "fevereiro",
        "fev",
        "februarie",
    ],
    &[
        "mars",
        "march",
        "mar",
        "märz",
        "mär",
        "mrz",
        "марта",
        "март",
        "мар",
        "marzo",
        "março",
        "martie",
    ],
    &[
        "avril",
        "avr",
        "april",
        "apr",
        "апреля",
        "апрель",
        "апр",
        "abril",
        "abr",
        "aprile",
        "aprilie",
    ],
    &["mai", "may", "мая", "май", "mayo", "maggio", "mag", "maio"],
    &[
        "juin", "june", "jun", "juni", "июня", "июнь", "июн", "junio", "giugno", "giu", "junho",
        "iunie", "iun",
    ],
    &[
        "juillet", "juil", "july", "jul", "juli", "июля", "июль", "июл", "julio", "luglio", "lug",
        "julho", "iulie", "iul",
    ],
    &[
        "août",
        "aout",
        "august",
        "aug",
        "августа",
        "август",
        "авг",
        "agosto",
        "ago",
    ],
    &[
        "septembre",
        "sept",
        "september",
        "sep",
        "сентября",
        "сентябрь",
        "сен",
        "сент",
        "septiembre",
        "settembre",
        "set",
        "setembro",
        "septembrie",
    ],
    &[
        "octobre",
        "oct",
        "october",
        "oktober",
        "okt",
        "октября",
        "октябрь",
        "окт",
        "octubre",
        "ottobre",
        "ott",
        "outubro",
        "out",
        "octombrie",
    ],
    &[
        "novembre",
        "nov",
        "november",
        "ноября",
        "ноябрь",
        "ноя",
        "нояб",
        "noviembre",
        "novembro",
        "noiembrie",
    ],
    &[
        "décembre",
        "déc",
        "december",
        "dec",
        "dezember",
        "dez",
        "декабря",
        "декабрь",
        "дек",
        "diciembre",
        "dic",
        "dicembre",
        "dezembro",
        "decembrie",
    ],
];

/// Returns the month that a word names, 1 to 12.
pub(super) fn month(word: &str) -> Option<i8> {
    let word = word.trim_end_matches('.').to_lowercase();
    let index = MONTHS
        .iter()
        .position(|names| names.contains(&word.as_str()))?;
    i8::try_from(index + 1).ok()
}

/// Returns the presence that words name, if they are known.
pub(super) fn presence(words: &str) -> Option<Presence> {
    let words = words
        .trim_matches(|c: char| "()[]•·-–—".contains(c))
        .trim()
        .to_lowercase();
    if ONLINE.contains(&words.as_str()) {
        Some(Presence::Online)
    } else if OFFLINE.contains(&words.as_str()) {
        Some(Presence::Offline)
    } else {
        None
    }
}

/// Returns the number of a line such as `3 commentaires` or `Комментарии (12)`.
pub(super) fn comment_count(line: &str) -> Option<u64> {
    if line.chars().count() > 40 {
        return None;
    }
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    let words: String = line
        .chars()
        .map(|c| if c.is_alphabetic() { c } else { ' ' })
        .collect::<String>()
        .to_lowercase();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    // `3 4 comments` is no number; thousands are set apart in threes.
    let number = line.trim_matches(|c: char| !c.is_ascii_digit());
    let mut groups = number.split(|c: char| !c.is_ascii_digit());
    let first = groups.next()?;
    let whole = groups.all(|group| group.len() == 3) && !first.is_empty();
    (whole && COMMENTS.contains(&words.as_str()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Tells whether a line is a heading over a notice.
pub(super) fn is_notice_heading(line: &str) -> bool {
    let line = line
        .trim_matches(|c: char| !c.is_alphabetic())
        .to_lowercase();
    NOTICE_HEADINGS.contains(&line.as_str())
}

fn is_about_comments(line: &str) -> bool {
    line.chars().count() <= 300 && ABOUT_COMMENTS.iter().any(|stem| line.contains(stem))
}

/// Tells whether a line says that only members can comment.
pub(super) fn is_login_notice(line: &str) -> bool {
    let line = line.to_lowercase();
    is_about_comments(&line) && LOGIN.iter().any(|word| line.contains(word))
}

/// Tells whether a line says that nobody can comment any more.
pub(super) fn is_closed_notice(line: &str) -> bool {
    let line = line.to_lowercase();
    is_about_comments(&line) && CLOSED.iter().any(|words| line.contains(words))
}

/// Returns what stands behind a label and a colon.
fn labelled<'a>(line: &'a str, labels: &[&str]) -> Option<&'a str> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || "•*·–—-".contains(c));
    let (label, rest) = line.split_once([':', '：'])?;
    let label = label.trim().to_lowercase();
    let rest = rest.trim();
    (labels.contains(&label.as_str()) && !rest.is_empty()).then_some(rest)
}

/// Returns the credit of a line such as `• Photos: X`.
pub(super) fn credit(line: &str) -> Option<&str> {
    labelled(line, CREDITS).filter(|credit| credit.chars().count() <= 200)
}

/// Returns the source of a line such as `Source: X`.
pub(super) fn source(line: &str) -> Option<&str> {
    labelled(line, SOURCES).filter(|source| source.chars().count() <= 200)
}
