//! Strings that software trips over, and what Stoa is to make of each.
//!
//! Most follow from a kind of trouble and a way to write it, rather than from a list of famous ones.

use unicode_normalization::UnicodeNormalization as _;

/// Strings of which something can be seen.
pub fn visible() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for list in [words(), injections(), scripts(), emoji()] {
        all.extend(list);
    }
    all.extend(numbers());
    all.extend(shapes());
    all.extend(characters());
    all
}

/// Strings that hold characters, none of which can be seen.
pub fn blank() -> Vec<String> {
    let invisible = [
        ' ',
        '\t',
        '\n',
        '\r',
        '\u{b}',
        '\u{c}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{a0}',
        '\u{ad}',
        '\u{34f}',
        '\u{115f}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{200f}',
        '\u{2028}',
        '\u{202e}',
        '\u{2060}',
        '\u{2800}',
        '\u{3000}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{e0001}',
    ];
    let mut all: Vec<String> = invisible.map(String::from).to_vec();
    all.push(String::new());
    all.push(invisible.iter().collect());
    all
}

/// The plain text of a string, as the contract says: normalisation form C, line ends as `\n`, no
/// other control characters than the tab, no byte order mark at the start.
pub fn normal(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n");
    let text = text.replace(['\r', '\u{b}', '\u{c}', '\u{85}'], "\n");
    let shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().filter(shown).nfc().collect()
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

/// What languages and tools read as something other than words.
fn words() -> Vec<String> {
    let mut all = owned(&[
        "null",
        "NULL",
        "nil",
        "None",
        "undefined",
        "NaN",
        "Infinity",
        "true",
        "FALSE",
        "yes",
        "no",
        "on",
        "off",
        "void",
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "self",
        "this",
        "con",
        "PRN",
        "aux",
        "NUL",
        "COM1",
        "LPT9",
        "~",
        "-",
        "--",
        "-rf",
        "@",
        "#",
        "*",
        "?",
        "!",
        "!!",
        "$PATH",
        "%TEMP%",
        "{}",
        "[]",
        "()",
        "\"",
        "'",
        "`",
        "\\",
        "\\\\",
        "\\n",
        "\\u0041",
        "\\x00",
        "|",
        ";",
        "&",
        "<",
        ">",
        "<>",
        "/",
        "//",
        ".",
        "..",
        "...",
        "x.",
    ]);
    // Names of fields and events: a string is never one of them.
    all.extend(owned(&[
        "data",
        "data.body",
        "id",
        "specversion",
        "stoa.comment.submitted.v1",
    ]));
    all
}

fn numbers() -> Vec<String> {
    let mut all = owned(&[
        "0",
        "-0",
        "00",
        "1e400",
        "-1e-400",
        "0x7fffffff",
        "1_000",
        "1,5",
        "٣",
        "½",
    ]);
    for bits in [8_u32, 16, 31, 32, 53, 63, 64] {
        let power = 1_u128 << bits;
        all.push(power.to_string());
        all.push(format!("-{}", power - 1));
    }
    all
}

/// Each way into another language, with the same harmless payload.
fn injections() -> Vec<String> {
    let payload = "kanari(1)";
    [
        "<script>%</script>",
        "</script><script>%</script>",
        "<img src=x onerror=%>",
        "<svg/onload=%>",
        "\"><b onmouseover=\"%\">",
        "' onfocus='%' autofocus='",
        "<a href=\"javascript:%\">x</a>",
        "<iframe srcdoc=\"&lt;p&gt;%\">",
        "<!-- % -->",
        "<![CDATA[ % ]]>",
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY y \"%\">]><x>&y;</x>",
        "<style>@import '%';</style>",
        "</title><p>%",
        "</textarea>%",
        "&#x3c;b&#x3e;%&#60;/b&#62;",
        "&amp;lt;%&amp;gt;",
        "'; DROP TABLE comments; -- %",
        "' OR '1'='1' -- %",
        "1; SELECT pg_sleep(9); -- %",
        "\") UNION SELECT '%'",
        "{\"$gt\": \"%\"}",
        "*)(uid=*))(|(uid=%",
        "$(%)",
        "`%`",
        "| % &",
        "a\n%",
        "; % #",
        "{{%}}",
        "${%}",
        "#{%}",
        "<%= % %>",
        "{% raw %}",
        "%s%n%x%d%p",
        "%00%0a%",
        "../../../../%",
        "..\\..\\%",
        "file:///%",
        "C:\\%",
        "//host.example/%",
        "http://[::1]:9/%",
        "data:text/html,%",
        "=cmd|'%'!A1",
        "@SUM(%)",
        "line\r\nSet-Cookie: %",
        "line\r\n{\"level\":\"ERROR\",\"message\":\"%\"}",
        "[text](javascript:%)",
        "![x](x \"%\")",
        "]]}}>%",
    ]
    .iter()
    .map(|shape| shape.replacen('%', payload, 1))
    .collect()
}

/// "Good day" and the like in the scripts of the world, composed and decomposed.
fn scripts() -> Vec<String> {
    let words = [
        "Grüße",
        "Dvořák",
        "Tiếng Việt",
        "ŁÓDŹ",
        "İstanbul ıssız",
        "straße ẞ",
        "Ελληνικά ΐ ς",
        "Добрый день ё й",
        "Ґанок ї",
        "გამარჯობა",
        "Բարեւ",
        "שָׁלוֹם",
        "السَّلامُ عليكم",
        "ﷺ",
        "سلام‌ها",
        "नमस्ते क्षि",
        "বাংলা",
        "ਪੰਜਾਬੀ",
        "தமிழ் நாடு",
        "తెలుగు",
        "മലയാളം",
        "සිංහල",
        "ไทย น้ำ",
        "ລາວ",
        "မြန်မာ",
        "ភាសាខ្មែរ",
        "བོད་ཡིག",
        "ᏣᎳᎩ",
        "ᐃᓄᒃᑎᑐᑦ",
        "አማርኛ",
        "ߒߞߏ",
        "ⵜⴰⵎⴰⵣⵉⵖⵜ",
        "ᠮᠣᠩᠭᠣᠯ",
        "漢字仮名",
        "かな・カナ・ｶﾅ",
        "한국어",
        "𠜎𠜱𠝹",
        "𝕿𝖍𝖊 𝓺𝓾𝓲𝓬𝓴",
        "Ｆｕｌｌｗｉｄｔｈ",
        "ﬁ ﬂ ﬃ",
        "①②③ ㍿ ㏒",
    ];
    let decomposed = |word: &&str| word.nfd().collect::<String>();
    let mut all = owned(&words);
    all.extend(
        words
            .iter()
            .map(decomposed)
            .filter(|text| !words.contains(&text.as_str())),
    );
    all
}

fn emoji() -> Vec<String> {
    let family = ['👩', '👨', '👧', '👦'].map(String::from).join("\u{200d}");
    let flag = |country: &str| -> String {
        let indicator = |c: char| char::from_u32(0x1f1e6 + (c as u32 - 'A' as u32)).unwrap();
        country.chars().map(indicator).collect()
    };
    let mut all = vec![
        family,
        flag("FR") + &flag("DE"),
        flag("F"),
        "❤\u{fe0f}❤\u{fe0e}".to_owned(),
    ];
    all.extend((0..5).map(|tone| format!("👍{}", char::from_u32(0x1f3fb + tone).unwrap())));
    all.push("1\u{fe0f}\u{20e3}".to_owned());
    // The flag of Scotland: a black flag and tags that can't be seen.
    let tags: String = "gbsct"
        .bytes()
        .map(|b| char::from_u32(0xe0000 + u32::from(b)).unwrap())
        .collect();
    all.push(format!("🏴{tags}\u{e007f}"));
    all
}

/// Lengths, repetitions and directions.
fn shapes() -> Vec<String> {
    let mut all = vec![
        "a".repeat(256),
        "a".repeat(257),
        "é".repeat(512),
        "👍".repeat(256),
        "a b ".repeat(250),
        "(".repeat(1_000),
        "<".repeat(1_000),
        "a".repeat(999) + "!",
        format!("Z{}", "\u{300}\u{316}\u{335}".repeat(160)),
        "\u{202e}txet sdrawkcab\u{202c}".to_owned(),
        "a\u{2066}b\u{2067}c\u{2069}d\u{2069}".to_owned(),
        "\u{61c}ا1\u{200f}2\u{200e}3".to_owned(),
        "inv\u{200b}is\u{200c}ib\u{2060}le".to_owned(),
        "раyраl".to_owned(),
        "\u{feff}mark first".to_owned(),
        "mark \u{feff}inside".to_owned(),
        "a\rb\r\nc\nd\u{2028}e\u{2029}f".to_owned(),
        " spaces \u{a0}\u{3000} around ".to_owned(),
        "\ttab\tand\u{b}more\u{c}ends\u{85}".to_owned(),
        "\u{1b}[2J\u{1b}]0;title\u{7}x".to_owned(),
        "back\u{8}\u{8}\u{8}\u{8}space".to_owned(),
    ];
    // Canonically equal, differently ordered.
    all.push("q\u{307}\u{323} q\u{323}\u{307}".to_owned());
    all
}

/// Characters at the edges of ranges, each between two letters.
fn characters() -> Vec<String> {
    [
        0x1, 0x1f, 0x7f, 0x80, 0x9f, 0xa0, 0xad, 0x2ff, 0x34f, 0x378, 0x600, 0x7ff, 0x800, 0x180e,
        0x2011, 0x2126, 0x212a, 0x2fff, 0xac00, 0xd7a3, 0xd7ff, 0xe000, 0xf8ff, 0xf900, 0xfdd0,
        0xfe0f, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1d15e, 0x1ffff, 0x2f800, 0xe0001,
        0xe01ef, 0xf_0000, 0x10_fffd, 0x10_ffff,
    ]
    .iter()
    .map(|c| format!("a{}b", char::from_u32(*c).unwrap()))
    .collect()
}
